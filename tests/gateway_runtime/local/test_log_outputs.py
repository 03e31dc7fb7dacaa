"""`logging.outputs`: defined once, named by the logs, of the types that this gateway has."""

import pytest

from gateway_runtime.schema.log_output import LogOutput
from tests.gateway_runtime.local.kit import fault, loaded, resource

DEFINED = """
logging:
  outputs:
    - {{name: console, type: stdout}}
    - {{name: disk, type: file, parameters: {parameters}}}
  runtimeLogs: {{outputs: [disk]}}
  accessLogs: {{outputs: [console, disk]}}
"""


def configuration(spec: str, name: str = "logs") -> str:
    return resource("Configuration", name, spec)


def defined(parameters: str) -> str:
    return configuration(DEFINED.format(parameters=parameters))


@pytest.mark.parametrize(
    ("parameters", "path", "mkdir"),
    [
        ("{path: /var/log/gateway, file: all.log}", "/var/log/gateway/all.log", False),
        ("{path: /var/log/gateway/, file: all.log, mkdir: true}", "/var/log/gateway/all.log", True),
        ("{Path: /var/log, File: all.log, Mkdir: 'On', Format: plain}", "/var/log/all.log", True),
        ("{file: /var/log/all.log}", "/var/log/all.log", False),
    ],
)
def test_outputs_reach_the_document_for_the_logs_that_name_them(parameters: str, path: str, mkdir: bool) -> None:
    made = loaded(defined(parameters))
    disk = LogOutput(type="file", path=path, mkdir=mkdir)
    assert made.document.runtime_log_outputs == [disk]
    assert made.document.access_log_outputs == [LogOutput(type="stdout"), disk]
    assert made.notes == []


def test_an_output_may_be_defined_in_another_resource() -> None:
    made = loaded(
        configuration("logging: {runtimeLogs: {outputs: [console]}}"),
        configuration("logging: {outputs: [{name: console, type: stdout}]}", "outputs"),
    )
    assert made.document.runtime_log_outputs == [LogOutput(type="stdout")]


def test_without_names_the_logs_go_where_they_always_went() -> None:
    made = loaded(configuration("logging: {runtimeLogs: {outputs: {anypoint: disabled}}, accessLogs: {outputs: []}}"))
    assert (made.document.runtime_log_outputs, made.document.access_log_outputs) == ([], [])


def test_an_output_that_no_log_names_is_told() -> None:
    (note,) = loaded(configuration("logging: {outputs: [{name: console, type: stdout}]}")).notes
    assert str(note) == "api.yaml:6: spec.logging.outputs[0]: No log names the output “console” in its “outputs”."


@pytest.mark.parametrize("kind", ["http", "splunk", "es", "kafka", "s3", "null", "forward"])
def test_every_other_type_is_refused_by_name_with_those_that_are_known(kind: str) -> None:
    spec = (
        f"logging: {{outputs: [{{name: a, type: '{kind}', parameters: {{host: b}}}}], runtimeLogs: {{outputs: [a]}}}}"
    )
    assert fault(configuration(spec)) == (
        f"api.yaml:6: spec.logging.outputs[0].type: Outputs of the type “{kind}” are not supported by this gateway. "
        "Known are stdout, file."
    )


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ("{path: /var/log}", "parameters.file: This setting is required."),
        ("{path: logs, file: a}", "parameters.path: “logs/a” is not the whole path of a file: it begins with “/”."),
        ("{file: a}", "parameters.file: “a” is not the whole path of a file: it begins with “/”."),
        ("{path: /var/log, file: a/}", "parameters.path: “/var/log/a/” is not the whole path of a file"),
        ("{path: /var/log, file: 7}", "parameters.file: It must be text that is not empty."),
        ("{path: /var/log, file: a, mkdir: maybe}", "parameters.mkdir: It must be true or false."),
        ("{path: /var/log, file: a, format: csv}", "parameters.format: Lines are JSON objects: leave it out, or write"),
        ("{path: /var/log, fil: a}", "parameters.fil: There is no parameter “fil” of file. Did you mean “file”?"),
    ],
)
def test_parameters_are_checked_where_they_stand(parameters: str, sentence: str) -> None:
    found = fault(defined(parameters))
    assert found.startswith(f"api.yaml:9: spec.logging.outputs[1].{sentence}")


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        (
            "logging: {outputs: [{name: console, type: stdout}], accessLogs: {outputs: [consol]}}",
            "spec.logging.accessLogs.outputs[0]: There is no output “consol”. Did you mean “console”?",
        ),
        (
            "logging: {runtimeLogs: {outputs: [console]}}",
            "spec.logging.runtimeLogs.outputs[0]: There is no output “console”. None is defined",
        ),
        (
            "logging: {runtimeLogs: {outputs: {anypoint: enabled}}}",
            "spec.logging.runtimeLogs.outputs: Give a list of the names of outputs, or “anypoint: disabled”.",
        ),
        (
            "logging: {outputs: [{name: a, type: stdout}, {name: a, type: stdout}], accessLogs: {outputs: [a]}}",
            "spec.logging.outputs[1].name: There is an output “a” in api.yaml:6, too.",
        ),
    ],
)
def test_names_are_checked(spec: str, sentence: str) -> None:
    assert fault(configuration(spec)).partition(": ")[2].startswith(sentence)


def test_outputs_of_one_log_in_two_places_are_refused_with_both() -> None:
    first = configuration("logging: {outputs: [{name: a, type: stdout}], runtimeLogs: {outputs: [a]}}")
    assert fault(first, configuration("logging: {runtimeLogs: {outputs: [a]}}", "more")) == (
        "api.yaml:13: spec.logging.runtimeLogs.outputs: This is also set in api.yaml:6. Keep one of them."
    )
