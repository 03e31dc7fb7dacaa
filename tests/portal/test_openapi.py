"""The description of our own REST API."""

from pathlib import Path

from django.core.management import call_command


def test_the_rest_description_is_valid_and_has_no_warnings(tmp_path: Path) -> None:
    document = tmp_path / "openapi.json"
    call_command("spectacular", "--validate", "--fail-on-warn", "--format", "openapi-json", "--file", str(document))
    assert '"/api/v1/policy-bindings/"' in document.read_text()
