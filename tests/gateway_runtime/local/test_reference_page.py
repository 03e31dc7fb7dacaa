"""The reference page of declarative files: every example on it is true."""

import re
from pathlib import Path

import pytest

from gateway_runtime.local.faults import FilesRefused
from gateway_runtime.local.gateway_settings import _TIMEOUTS
from gateway_runtime.local.loading import load_files
from gateway_runtime.local.policies import NOT_LOCAL, SETTINGS_NOT_YET
from tests.certificates import Authority
from tests.gateway_runtime.local.kit import ask

PAGE = Path(__file__).parents[3] / "portal/docs/pages/reference/declarative-files.md"
TEXT = PAGE.read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```(?:\s*```text\n(.*?)```)?", TEXT, re.DOTALL)
PAIR = Authority().issue("museum.example")
ENVIRONMENT = {
    "MUSEUM_CERTIFICATE": PAIR.certificate,
    "MUSEUM_KEY": PAIR.key,
    "STOCK_URL": "http://stock.internal:9000",
    "DEPOT_PASSWORD": "sesame",
}
ROWS = [
    [cell.strip().strip("`") for cell in line[1:-1].split("|")]
    for line in TEXT.partition("| Base path |")[2].split("\n\n")[0].splitlines()[2:]
]


def test_the_page_has_its_examples() -> None:
    assert len(EXAMPLES) >= 8
    assert sum(bool(told) for _, told in EXAMPLES) == 2
    assert len(ROWS) == 7


@pytest.mark.parametrize("text", [text for text, told in EXAMPLES if not told])
def test_an_example_is_served(text: str) -> None:
    made = load_files([("example.yaml", text.encode())], ENVIRONMENT)
    assert made.resources


@pytest.mark.parametrize(("text", "told"), [(text, told) for text, told in EXAMPLES if told])
def test_a_broken_example_is_refused_with_the_sentence_below_it(text: str, told: str) -> None:
    name = text.splitlines()[0].removeprefix("# ")
    with pytest.raises(FilesRefused) as caught:
        load_files([(name, text.encode())], ENVIRONMENT)
    assert str(caught.value) == told.strip()


@pytest.mark.parametrize("row", ROWS, ids=" ".join)
def test_a_row_of_the_table_of_paths(row: list[str]) -> None:
    base, pattern, destination, request, sent = row
    text = f"""
apiVersion: gateway.mulesoft.com/v1alpha1
kind: ApiInstance
metadata: {{name: a}}
spec:
  address: http://0.0.0.0:8080{base}
  services:
    s:
      address: http://s:1
      routes: [{{config: {{destinationPath: "{destination}"}}, rules: [{{path: "{pattern}"}}]}}]
"""
    decision = ask(load_files([("a.yaml", text.encode())], {}), request)
    assert (decision.upstream_path or decision.code.replace("_", " ")) == sent


def test_every_name_of_the_code_is_on_the_page() -> None:
    names = {
        *NOT_LOCAL,
        *(variable for _, variables in _TIMEOUTS.values() for variable in variables),
        *(written for written, _ in _TIMEOUTS.values()),
        *(setting for settings in SETTINGS_NOT_YET.values() for setting in settings),
    }
    assert [name for name in sorted(names) if name not in TEXT] == []
