"""`deprecation` of an ApiInstance."""

import pytest

from gateway_runtime.local.faults import FilesRefused
from gateway_runtime.local.loading import load_files
from gateway_runtime.schema.deprecation import Deprecation

FILE = """
apiVersion: gateway.mulesoft.com/v1alpha1
kind: ApiInstance
metadata: {{name: museum}}
spec:
  address: http://0.0.0.0:8085/museum
  services: {{main: {{address: "http://10.0.0.1:9000"}}}}
  deprecation:
    since: 2023-06-30T23:59:59Z
    {more}
"""


def load(more: str) -> Deprecation | None:
    return load_files([("a.yaml", FILE.format(more=more).encode())], {}).document.apis[0].deprecation


def test_days_and_moments_are_read() -> None:
    assert load("") == Deprecation(since=1_688_169_599)
    assert load("sunset: 2030-01-01") == Deprecation(since=1_688_169_599, sunset=1_893_456_000)
    assert load("successor: https://hub.example.test/v2") == Deprecation(
        since=1_688_169_599, successor="https://hub.example.test/v2"
    )


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("sunset: soon", "a.yaml:10: spec.deprecation.sunset: “soon” is not a date. Write 2027-03-31"),
        ("sunset: 2020-01-01", "spec.deprecation: An API cannot end before it is deprecated"),
        ("until: x", "a.yaml:10: spec.deprecation.until: There is no setting “until”."),
        ('successor: "a b"', "a.yaml:10: spec.deprecation.successor"),
    ],
)
def test_what_is_wrong_is_told_where_it_stands(more: str, said: str) -> None:
    with pytest.raises(FilesRefused) as caught:
        load(more)
    assert said in str(caught.value)
