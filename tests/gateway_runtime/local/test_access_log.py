"""Access lines: off, on for the whole gateway, and on or off for one instance."""

import pytest

from gateway_runtime.schema.access_log import AccessLog
from gateway_runtime.schema.document import Document
from tests.gateway_runtime.local.kit import fault, loaded, resource

ADDRESS = "address: http://0.0.0.0:8085/a"


def document(spec: str = "", logs: str = "") -> Document:
    parts = [resource("ApiInstance", "a", f"{ADDRESS}\n{spec}")]
    if logs:
        parts.append(resource("Configuration", "c", f"logging: {{accessLogs: {logs}}}"))
    return loaded(*parts).document


@pytest.mark.parametrize(
    ("spec", "logs", "of_the_api", "of_others"),
    [
        ("", "", None, None),
        ("accessLog: {}", "", AccessLog(), None),
        ("accessLog: {enabled: false}", "{enabled: true}", None, AccessLog()),
        ("", "{enabled: true, sampling: 0.5}", AccessLog(sampling=0.5), AccessLog(sampling=0.5)),
        ("accessLog: {query: true}", "{sampling: 0.5}", AccessLog(sampling=0.5, query=True), None),
        (
            "accessLog: {sampling: 1, hide: [source.ip]}",
            "{enabled: true, sampling: 0.1, query: true}",
            AccessLog(query=True, hide=["source.ip"]),
            AccessLog(sampling=0.1, query=True),
        ),
        ("", "{outputs: []}", None, None),
    ],
)
def test_who_is_logged(spec: str, logs: str, of_the_api: AccessLog | None, of_others: AccessLog | None) -> None:
    made = document(spec, logs)
    assert (made.apis[0].access_log, made.access_log) == (of_the_api, of_others)


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        (
            "accessLog: {hide: [source.ipp]}",
            "hide[0]: There is no field “source.ipp” in an access line. Did you",
        ),
        ("accessLog: {sampling: 0}", "sampling: Use more than 0."),
        ("accessLog: {samplin: 1}", "samplin: There is no setting “samplin”. Did you mean “sampling”?"),
    ],
)
def test_every_setting_of_an_instance_is_checked(spec: str, sentence: str) -> None:
    found = fault(resource("ApiInstance", "a", f"{ADDRESS}\n{spec}"))
    assert found.startswith(f"api.yaml:7: spec.accessLog.{sentence}")


def test_a_field_that_does_not_exist_is_refused_for_the_gateway_too() -> None:
    found = fault(resource("Configuration", "c", "logging: {accessLogs: {enabled: true, hide: [x]}}"))
    assert found == "api.yaml:6: spec.logging.accessLogs.hide[0]: There is no field “x” in an access line."
