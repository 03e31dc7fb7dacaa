"""The policy “request-size-limit” in a real gateway."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.integration.gateway.stand import Stand, standing

pytestmark = pytest.mark.integration

MOST = 100_000
BOUND = """
    - policyRef: {name: request-size-limit%s}
      config: {maxBodyBytes: 100000, maxHeaders: 20}
"""


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    policies = {
        "plain": BOUND % "",
        "flex": BOUND % "-flex",
        "read": BOUND % "" + "    - policyRef: {name: body-reading}",
    }
    with standing(tmp_path_factory.mktemp("size"), policies) as made:
        yield made


@pytest.fixture(autouse=True)
def fresh(stand: Stand) -> None:
    stand.service.seen.clear()


@pytest.mark.parametrize("path", ["plain", "flex", "read"])
def test_what_is_as_large_as_allowed_passes_and_a_byte_more_does_not(path: str, stand: Stand) -> None:
    for body in (bytes(MOST), [bytes(MOST - 1), b"x"]):
        assert stand.ask(f"/{path}/x", method="POST", body=body).status == 200
        assert len(stand.service.seen[-1].body) == MOST
    for body in (bytes(MOST + 1), [bytes(MOST), b"x"]):
        answer = stand.ask(f"/{path}/x", method="POST", body=body)
        assert (answer.status, answer.code) == (413, "request_body_too_large")
    assert len(stand.service.seen) == 2


def test_a_caller_that_asks_first_is_refused_before_it_sends(stand: Stand) -> None:
    headers = {"Expect": "100-continue", "Content-Length": str(MOST + 1)}
    answer = stand.ask("/plain/x", headers, method="POST")
    assert answer.status == 413


def test_over_http_2_too(stand: Stand) -> None:
    def pieces(last: bytes) -> Iterator[bytes]:
        yield bytes(MOST)
        yield last

    with httpx2.Client(http1=False, http2=True, timeout=20) as client:
        address = f"http://127.0.0.1:{stand.port}/plain/x"
        assert client.post(address, content=pieces(b"")).status_code == 200
        assert client.post(address, content=pieces(b"x")).status_code == 413
        assert client.post(address, content=bytes(MOST + 1)).status_code == 413
        assert client.post(address, content=b"x").status_code == 200


def test_headers(stand: Stand) -> None:
    answer = stand.ask("/plain/x", {f"x-{number}": "1" for number in range(30)})
    assert (answer.status, answer.code) == (431, "request_headers_too_many")
