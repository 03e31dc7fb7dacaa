"""The policy “http-caching” in a real gateway: from a file as it is documented, over both versions, with a storage."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Iterator

import httpx2
import pytest

from tests.integration.conftest import RedisServer
from tests.integration.gateway.stand import Said, Seen, Stand, standing
from tests.integration.gateway.test_shared_limits import wait_for_storage
from tests.integration.gateway.test_streaming_memory import read_head
from tests.stack import wait_until

pytestmark = pytest.mark.integration

DOCUMENTED = """
    - policyRef:
        name: http-caching-flex
      config:
        httpCachingKey: "#[attributes.requestPath]"
        maxCacheEntries: 10000
        ttl: 600
        distributed: false
        persistCache: false
        useHttpCacheHeaders: true
        invalidationHeader: x-cache
        requestExpression: "#[attributes.method == 'GET' or attributes.method == 'HEAD']"
        responseExpression: "#[[200, 203, 204, 206, 300, 301, 404, 405, 410, 414, 501] contains attributes.statusCode]"
"""
PLAIN = "\n    - policyRef: {name: http-caching}"
LOCKED = """
    - policyRef: {name: http-basic-authentication}
      config: {username: ada, password: sesame}
"""
COUNTED = """
    - policyRef: {name: rate-limiting}
      config: {rateLimits: [{maximumRequests: 1000, timePeriodInMilliseconds: 60000}], exposeHeaders: true}
"""
READ = "\n    - policyRef: {name: body-reading}\n      config: {append: '!'}"
ADA = {"authorization": "Basic YWRhOnNlc2FtZQ=="}


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    policies = {
        "documented": DOCUMENTED,
        "plain": PLAIN,
        "locked": LOCKED + PLAIN,
        "counted": COUNTED + PLAIN,
        "behind": PLAIN + READ,
        "before": READ + PLAIN,
        "packed": "\n    - policyRef: {name: response-compression}" + PLAIN,
    }
    with standing(tmp_path_factory.mktemp("caching"), policies) as made:
        yield made


@pytest.fixture(autouse=True)
def fresh(stand: Stand) -> None:
    stand.service.seen.clear()
    numbers = itertools.count(1)
    stand.service.say = lambda seen: Said(b"answer %d" % next(numbers), {"content-type": "text/plain"})


def asked(stand: Stand) -> int:
    return len(stand.service.seen)


def test_an_answer_is_given_again_until_it_is_forgotten(stand: Stand) -> None:
    first = stand.ask("/documented/a")
    again = stand.ask("/documented/a")
    assert (first.status, first.body, "age" in first.headers) == (200, b"answer 1", False)
    assert (again.status, again.body, again.headers["content-type"]) == (200, b"answer 1", "text/plain")
    assert int(again.headers["age"]) <= 5
    assert again.headers["content-length"] == "8"
    assert stand.ask("/documented/b").body == b"answer 2"
    assert stand.ask("/documented/a", {"X-Cache": "invalidate"}).body == b"answer 3"
    assert "x-cache" not in stand.service.seen[-1].headers
    assert stand.ask("/documented/a").body == b"answer 3"
    assert stand.ask("/documented/b").body == b"answer 2"
    stand.ask("/documented/a", {"X-Cache": "invalidate-all"})
    assert stand.ask("/documented/b").body == b"answer 5"
    assert asked(stand) == 5


def test_a_head_and_callers_that_have_the_answer(stand: Stand) -> None:
    stand.service.say = lambda seen: Said(b"answer", {"etag": '"1"', "cache-control": "max-age=60"})
    stand.ask("/plain/etag")
    head = stand.ask("/plain/etag", method="HEAD")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", "6")
    same = stand.ask("/plain/etag", {"if-none-match": '"1"'})
    assert (same.status, same.body, same.headers["etag"]) == (304, b"", '"1"')
    assert "content-length" not in same.headers
    assert asked(stand) == 1


def test_several_requests_on_one_connection_are_answered_in_turn(stand: Stand) -> None:
    stand.ask("/plain/turn")
    one = b"GET /plain/turn HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n" % stand.port
    with socket.create_connection(("127.0.0.1", stand.port), timeout=20) as client:
        client.sendall((one + b"\r\n") * 2 + one + b'If-None-Match: "0"\r\n\r\n' + one + b"Connection: close\r\n\r\n")
        received = b""
        while piece := client.recv(65536):
            received += piece
    assert received.count(b"HTTP/1.1 200 OK") == 4
    assert received.count(b"answer 1") == 4
    assert asked(stand) == 1


def test_over_http_2_too(stand: Stand) -> None:
    with httpx2.Client(http1=False, http2=True, timeout=20) as client:
        address = f"http://127.0.0.1:{stand.port}/plain/http2"
        first, again = client.get(address), client.get(address)
        head = client.head(address)
    assert (again.http_version, again.content, "age" in again.headers) == ("HTTP/2", first.content, True)
    assert head.headers["content-length"] == str(len(first.content))
    assert asked(stand) == 1


def test_streamed_answers_are_kept_and_those_that_break_off_are_not(stand: Stand) -> None:
    def broken() -> Iterator[bytes]:
        yield b"half"
        raise ConnectionError

    stand.service.say = lambda seen: Said([b"a" * 70_000, b"b" * 70_000])
    assert stand.ask("/plain/stream").body == stand.ask("/plain/stream").body == b"a" * 70_000 + b"b" * 70_000
    assert asked(stand) == 1
    stand.service.say = lambda seen: Said(broken())
    with socket.create_connection(("127.0.0.1", stand.port), timeout=20) as client:
        client.sendall(b"GET /plain/broken HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % stand.port)
        while client.recv(65536):
            pass
    stand.service.say = lambda seen: Said(b"whole")
    assert stand.ask("/plain/broken").body == b"whole"


def test_policies_before_it_see_what_is_given_and_those_behind_are_not_asked(stand: Stand) -> None:
    first, again = stand.ask("/counted/x"), stand.ask("/counted/x")
    assert int(again.headers["x-ratelimit-remaining"]) == int(first.headers["x-ratelimit-remaining"]) - 1
    # Kept as the one behind has left it, and no more than that.
    assert [stand.ask("/behind/x").body for _ in range(2)] == [b"answer 2!"] * 2
    # Kept as it was, and changed each time by the one before.
    assert [stand.ask("/before/x").body for _ in range(2)] == [b"answer 3!"] * 2
    stand.service.say = lambda seen: Said(b"text " * 1000, {"content-type": "text/plain"})
    for coding in ("gzip", "br", ""):
        answer = stand.ask("/packed/x", {"accept-encoding": coding} if coding else {})
        assert answer.headers.get("content-encoding", "") == coding
    assert asked(stand) == 4


def test_nobody_gets_what_was_made_for_somebody_else(stand: Stand) -> None:
    for _ in range(2):
        assert stand.ask("/locked/x", ADA).status == 200
    assert asked(stand) == 2
    assert stand.ask("/locked/x").status == 401
    stand.service.say = lambda seen: Said(b"public", {"cache-control": "public, max-age=60"})
    for _ in range(2):
        assert stand.ask("/locked/public", ADA).body == b"public"
    assert asked(stand) == 3
    assert stand.ask("/locked/public").status == 401
    stand.service.say = lambda seen: Said(b"yours", {"set-cookie": "session=1"})
    for _ in range(2):
        assert stand.ask("/plain/cookie").body == b"yours"
    assert asked(stand) == 5


def _reflecting(seen: Seen) -> Said:
    """Answer as careless backends do: with links to wherever a header says that they are."""
    names = ("x-forwarded-host", "x-forwarded-scheme", "x-original-url", "x-host", "host")
    return Said(" ".join(seen.headers.get(name, "-") for name in names).encode() + b" " + seen.path.encode())


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Host": "evil.example"}, {"X-Forwarded-Scheme": "nothttps"}, {"X-Original-URL": "/evil.example"},
        {"Host": "evil.example"}, {"Forwarded": "host=evil.example"},
    ],
)  # fmt: skip
def test_what_others_get_cannot_be_chosen_by_a_header(headers: dict[str, str], stand: Stand) -> None:
    path = "/plain/poison-" + next(iter(headers)).lower()
    stand.service.say = _reflecting
    stand.ask(path, headers)
    assert b"evil" not in stand.ask(path).body
    assert b"nothttps" not in stand.ask(path).body


def test_what_others_get_cannot_be_chosen_by_the_query_or_a_body(stand: Stand) -> None:
    stand.service.say = _reflecting
    stand.ask("/plain/query?utm=evil")
    assert b"evil" not in stand.ask("/plain/query").body
    stand.service.say = lambda seen: Said(seen.body or b"none")
    stand.ask("/plain/fat", body=b"evil")
    assert stand.ask("/plain/fat").body == b"none"


@pytest.mark.parametrize("value", ["bytes=0-0", "bytes=" + ",".join(["0-"] * 1000), "bytes=٠-٩", "bytes=0-,1-"])
def test_a_part_of_an_answer_never_takes_the_place_of_the_whole(value: str, stand: Stand) -> None:
    def partly(seen: Seen) -> Said:
        if "range" in seen.headers:
            return Said(b"w", {"content-range": "bytes 0-0/5"}, 206)
        return Said(b"whole")

    path = f"/plain/range-{len(value)}"
    stand.service.say = partly
    with socket.create_connection(("127.0.0.1", stand.port), timeout=20) as client:
        head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{stand.port}\r\nRange: {value}\r\n\r\n"
        client.sendall(head.encode())
        read_head(client)
    assert (stand.ask(path).body, stand.ask(path).body) == (b"whole", b"whole")
    assert stand.ask(path, {"range": "bytes=0-0"}).status == 206


def test_a_websocket_handshake_is_never_answered_from_what_is_kept(stand: Stand) -> None:
    stand.ask("/plain/socket")
    with socket.create_connection(("127.0.0.1", stand.port), timeout=20) as client:
        client.sendall(
            b"GET /plain/socket HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" % stand.port
        )
        read_head(client)
    assert asked(stand) == 2


STORAGE = """\
apiVersion: gateway.mulesoft.com/v1beta1
kind: Configuration
metadata: {name: storage}
spec:
  sharedStorage:
    redis: {address: "127.0.0.1:%d", password: $STORE}
"""


def test_with_a_storage_workers_share_and_a_restart_loses_nothing(
    tmp_path_factory: pytest.TempPathFactory, redis_server: RedisServer
) -> None:
    shared = "\n    - policyRef: {name: http-caching}\n      config: {distributed: true, invalidationHeader: x-cache}"
    folder, store = tmp_path_factory.mktemp("storage"), {"STORE": redis_server.password}
    extra = STORAGE % redis_server.port
    with standing(folder, {"shared": shared}, extra=extra, workers=2, environment=store) as stand:
        wait_for_storage(stand.gateway, up=True)
        stand.service.say = lambda seen: Said(b"kept")
        # A worker that has no connection to the storage yet finds nothing there.
        wait_until(lambda: all_given(stand, "/shared/warm"), seconds=10, what="answers from the storage")
        stand.ask("/shared/a")
        assert all_given(stand, "/shared/a")
        stand.gateway.kill()
        stand.gateway.start()
        stand.gateway.wait_for_revision(1)
        wait_until(lambda: all_given(stand, "/shared/warm"), seconds=10, what="answers after a restart")
        stand.service.say = lambda seen: Said(b"new")
        assert stand.ask("/shared/a").body == b"kept"
        assert stand.ask("/shared/a", {"x-cache": "invalidate-all"}).body == b"new"


def all_given(stand: Stand, path: str) -> bool:
    """Ask often enough that every worker is asked."""
    answers = [stand.ask(path) for _ in range(20)]
    return all("age" in answer.headers for answer in answers)
