"""What the answers of a deprecated API say."""

import msgspec
import pytest

from gateway_runtime.policies.chain import Binding
from gateway_runtime.policies.deprecation import announcing, deprecation_headers
from gateway_runtime.schema.deprecation import Deprecation
from gateway_runtime.schema.policy import Handlers
from tests.gateway_runtime.fakes import FakeGateway, get, refuse_all

# The examples of RFC 9745 section 2.1 and RFC 8594 section 3.
SINCE, SUNSET = 1_688_169_599, 1_546_300_799
GONE = Deprecation(since=SINCE, sunset=1_861_919_999, successor="https://hub.example.test/apis/orders?v=2")
ANSWER = (
    b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ndeprecation: @1\r\nsunset: never\r\nlink: </help>; rel=help\r\n\r\nok"
)


def test_the_headers_are_those_of_the_standards() -> None:
    assert deprecation_headers(Deprecation(since=SINCE)) == [(b"deprecation", b"@1688169599")]
    assert deprecation_headers(Deprecation(since=0, sunset=SUNSET))[1] == (b"sunset", b"Mon, 31 Dec 2018 23:59:59 GMT")
    assert deprecation_headers(GONE)[2] == (
        b"link",
        b'<https://hub.example.test/apis/orders?v=2>; rel="successor-version"',
    )


def test_every_answer_says_it_and_only_once() -> None:
    gateway = FakeGateway(announcing(GONE))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get())
    upstream.take()
    upstream.answer(ANSWER)
    head = client.take().lower()
    assert head.count(b"\r\ndeprecation: ") == head.count(b"\r\nsunset: ") == 1
    assert b"\r\ndeprecation: @1688169599\r\n" in head
    assert b"\r\nlink: </help>; rel=help\r\n" in head
    assert b'; rel="successor-version"\r\n' in head


def test_a_refusal_says_it_too() -> None:
    gateway = FakeGateway(announcing(GONE), Binding("door", Handlers(request_headers=refuse_all)))
    client = gateway.client()
    client.send(get())
    assert client.take_problem()[2][b"deprecation"] == b"@1688169599"


@pytest.mark.parametrize(
    "wrong",
    [
        {"since": -1},
        {"since": 2, "sunset": 1},
        {"since": 1, "successor": 'https://a/>; rel="x'},
        {"since": 1, "successor": "a b"},
        {"since": 1, "successor": "https://a/\n"},
        {"since": 1, "successor": "https://ä"},
    ],
)
def test_what_cannot_stand_in_a_header_is_no_deprecation(wrong: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, Deprecation)
