"""Parts of a document as people write them."""

import msgspec
import pytest

from gateway_runtime.local import service_settings as files
from gateway_runtime.local.kinds import InstanceLimits
from gateway_runtime.local.tls_settings import OutboundTls
from gateway_runtime.schema import document, upstream
from gateway_runtime.schema.faults import ConfigFault, convert
from gateway_runtime.schema.limits import ApiLimits
from gateway_runtime.schema.written import unwritten, written, written_path


def words(type_: type) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(type_)}


@pytest.mark.parametrize(
    ("part", "form"),
    [
        (upstream.Balance, files.Balance),
        (upstream.HealthCheck, files.HealthCheck),
        (upstream.Outliers, files.Outliers),
        (upstream.Retries, files.Retries),
        (upstream.ServiceTimeouts, files.ServiceTimeouts),
        (ApiLimits, InstanceLimits),
    ],
)
def test_the_words_are_those_of_declarative_files(part: type, form: type) -> None:
    assert words(written(part)) == words(form)


def test_the_words_of_tls_are_those_of_the_policy_in_files() -> None:
    assert words(written(upstream.UpstreamTls)) - words(OutboundTls) == {"key"}


def test_what_is_written_becomes_the_part_with_everything_inside_it() -> None:
    given = {"id": "s", "name": "s", "targets": [{"host": "h", "port": 1}], "tls": {"trustedCA": "x"}, "retries": {}}
    assert unwritten(convert(given, written(document.Service))) == document.Service(
        id="s",
        name="s",
        targets=[document.Target(host="h", port=1)],
        tls=upstream.UpstreamTls(trusted_ca="x"),
        retries=upstream.Retries(),
    )


def test_an_unknown_word_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ConfigFault, match="Did you mean “intervalSeconds”"):
        convert({"interval_seconds": 1}, written(upstream.HealthCheck))


def test_bounds_hold_where_a_limit_is_written_and_not_in_a_document() -> None:
    with pytest.raises(ConfigFault) as caught:
        convert({"responseSeconds": 0}, written(ApiLimits))
    assert caught.value.path == "responseSeconds"
    assert msgspec.convert({"response_seconds": 0}, ApiLimits).response_seconds == 0


def test_a_written_secret_is_not_in_its_repr() -> None:
    assert "hush" not in repr(convert({"key": "hush"}, written(upstream.UpstreamTls)))


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("tls.trusted_ca", "tls.trustedCA"),
        ("health_check.unhealthy_after", "healthCheck.unhealthyAfter"),
        ("targets[1].host", "targets[1].host"),
        ("elsewhere.at_all", "elsewhere.at_all"),
    ],
)
def test_the_path_of_a_fault_is_said_in_the_words_that_were_written(path: str, shown: str) -> None:
    assert written_path(document.Service, path) == shown
