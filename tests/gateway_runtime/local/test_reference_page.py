"""The reference page of declarative files: every example on it is true."""

import re
from pathlib import Path

import msgspec
import pytest

from gateway_runtime.http.limits import Limits
from gateway_runtime.local import service_settings
from gateway_runtime.local.faults import FilesRefused
from gateway_runtime.local.gateway_settings import _TIMEOUTS
from gateway_runtime.local.kinds import ClientApplication, Contract, Kind, SlaTier
from gateway_runtime.local.loading import load_files
from gateway_runtime.policies import circuit_breaker
from gateway_runtime.policies.rate_limiting_settings import RateLimit
from gateway_runtime.schema.document import HealthCheck, Outliers, Retries
from gateway_runtime.upstream.breaker import DEFAULT_PENDING
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
    "SENTINEL_PASSWORD": "barley",
    "BOX_OFFICE_SECRET": "rye",
    "BOX_OFFICE_SECRET_BEFORE": "oats",
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
    forms = (ClientApplication, Contract, SlaTier, RateLimit)
    names = {
        *Kind,
        *(field.encode_name for form in forms for field in msgspec.structs.fields(form)),
        *(variable for _, variables in _TIMEOUTS.values() for variable in variables),
        *(written for written, _ in _TIMEOUTS.values()),
    }
    assert [name for name in sorted(names) if name not in TEXT] == []


UPSTREAMS = PAGE.parent / "upstreams.md"
GUIDE = PAGE.parents[1] / "guides/upstreams.md"


@pytest.mark.parametrize("text", re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL))
def test_an_example_of_the_guide_to_upstreams_is_served(text: str) -> None:
    environment = {
        "LEDGER_CA": Authority().pem,
        "GATEWAY_CERTIFICATE": PAIR.certificate,
        "GATEWAY_KEY": PAIR.key,
    }
    assert load_files([("example.yaml", text.encode())], environment).resources


def test_every_setting_of_a_service_is_on_its_page_with_its_default() -> None:
    text = UPSTREAMS.read_text(encoding="utf-8")
    blocks = (
        service_settings.Balance, service_settings.HealthCheck, service_settings.Outliers, service_settings.Retries,
        service_settings.ServiceTimeouts, service_settings.ServiceSettings,
    )  # fmt: skip
    names = [field.encode_name for block in blocks for field in msgspec.structs.fields(block)]
    names += [field.encode_name for field in msgspec.structs.fields(circuit_breaker.Thresholds)]
    assert [name for name in names if name not in text] == []
    defaults = {
        r"healthCheck.intervalSeconds` \| %g ": HealthCheck().interval_seconds,
        r"healthCheck.timeoutSeconds` \| %g ": HealthCheck().timeout_seconds,
        r"outliers.consecutiveFailures` \| %g ": Outliers().consecutive_failures,
        r"outliers.baseSeconds`, `.maxSeconds` \| %g, 300 ": Outliers().base_seconds,
        r"outliers.maxEjectedPercent` \| %g ": Outliers().max_ejected_percent,
        r"retries.attempts` \| %g ": Retries().attempts,
        r"retries.budgetPercent` \| %g ": Retries().budget_percent,
        r"retries.budgetPerSecond` \| %g ": Retries().budget_per_second,
        r"timeouts.connectSeconds` \| %g ": Limits().connect_seconds,
        r"maxPendingRequests` \| %g ": DEFAULT_PENDING,
    }
    assert [row for row, value in defaults.items() if not re.search(row % value, text)] == []
