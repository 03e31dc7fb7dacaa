"""What a connection remembers of the last head may save work, and must never change what is read or sent."""

import random

import msgspec
import pytest

from gateway_runtime.configuration.snapshot import Snapshot
from gateway_runtime.http.limits import Limits
from gateway_runtime.http.message import parse_request, repeat_request
from gateway_runtime.http.refusals import BadMessage
from gateway_runtime.policies.chain import Binding
from gateway_runtime.policies.context import RequestContext
from gateway_runtime.routing.compiled import compile_api
from gateway_runtime.routing.table import PortTable
from gateway_runtime.schema.document import ApiInstance, Destination, Route
from gateway_runtime.schema.policy import Handlers
from tests.gateway_runtime.fakes import OK, PORT, FakeGateway, get

LIMITS = Limits()
FIRST = get("/api/first", "Accept: */*", "Authorization: Bearer x", "Content-Length: 3", "X-Request-Id: abc")
BLOCK = FIRST.partition(b"\r\n")[2]
# What paths are refused or made equal for, and what they are made of.
PARTS = [
    *"/.;%?#&=:@!~-_'a",
    "//",
    "/.",
    "..",
    "%2e",
    "%2F",
    "%20",
    "%c3%a9",
    "\\",
    '"',
    " ",
    "\t",
    "\x00",
    "\xe9",
    "b1",
]


def read_anew(line: bytes) -> object:
    try:
        return parse_request(line + b"\r\n" + BLOCK, LIMITS)
    except BadMessage as refused:
        return refused


def assert_same_reading(line: bytes) -> bool:
    """Tell whether the shortcut took the line; fail where the two ways read it differently."""
    last = parse_request(FIRST, LIMITS)
    found = repeat_request(line + b"\r\n" + BLOCK, last, LIMITS)
    if found is None:
        return False
    assert msgspec.structs.asdict(found) == msgspec.structs.asdict(read_anew(line)), line
    return True


def test_a_repeated_block_is_read_as_the_whole_head_would_be() -> None:
    chance = random.Random(7)
    taken = 0
    for _ in range(20_000):
        method = chance.choice(["GET", "POST", "DELETE", "TRACE", "CONNECT", "get", "PROPFIND"])
        target = chance.choice(["/", "/", "", "http://shop.example/"]) + "".join(
            chance.choices(PARTS, k=chance.randint(1, 6))
        )
        version = chance.choice(["1.1", "1.1", "1.1", "1.0", "2.0"])
        taken += assert_same_reading(f"{method} {target} HTTP/{version}".encode("latin-1"))
    assert taken > 100


@pytest.mark.parametrize(
    "line",
    [
        b"GET /a//b HTTP/1.1", b"GET /a/../b HTTP/1.1", b"GET /.git HTTP/1.1", b"GET /a;x HTTP/1.1", b"GET * HTTP/1.1",
        b"GET /a%20b HTTP/1.1", b"GET http://shop.example/ HTTP/1.1", b"GET /a HTTP/1.0", b"GET  /a HTTP/1.1",
        b"TRACE /a HTTP/1.1", b"GET /a#b HTTP/1.1", b"GET /" + b"a" * 9000 + b" HTTP/1.1",
    ],
)  # fmt: skip
def test_lines_that_need_a_closer_look_are_not_taken(line: bytes) -> None:
    assert not assert_same_reading(line)


def test_the_same_head_again_is_the_same_request_while_it_is_within_the_limits() -> None:
    last = parse_request(FIRST, LIMITS)
    last.head = FIRST
    same = bytes(bytearray(FIRST))
    assert repeat_request(same, last, LIMITS) is last
    assert repeat_request(same + b"x", last, LIMITS) is not last
    assert repeat_request(same, last, Limits(header_bytes=len(FIRST) - 1)) is None
    assert repeat_request(same, last, Limits(target_bytes=5)) is None


def test_a_head_that_comes_with_more_or_is_long_is_not_remembered_whole() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    for sent in (get("/api/x") + get("/api/y"), get("/api/" + "x" * 3000)):
        client.send(sent)
        assert client.connection._last is not None
        assert not client.connection._last.head
        for _ in range(sent.count(b"GET")):
            upstream.answer(OK)


def test_the_same_head_goes_where_the_snapshot_of_its_time_says() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()

    def ask() -> bytes:
        client.send(get("/api/x"))
        return upstream.take().partition(b" HTTP")[0]

    for _ in range(4):
        assert ask() == b"GET /x"
        upstream.answer(OK)
    old = gateway.state.snapshot
    assert old is not None
    way = Route(id="r2", name="other", service=gateway.pool.service.id, destination_path="/new")
    api = ApiInstance(id="a1", name="A", listener="l1", base_path="/api", routes=[way], services=[])
    compiled = compile_api(api, None, {gateway.pool.service.id: gateway.pool})
    gateway.state.snapshot = Snapshot(2, "e", {PORT: PortTable.build([compiled])}, {"a1": compiled}, old.document)
    for _ in range(3):
        assert ask() == b"GET /new/x"
        upstream.answer(OK)
    gateway.state.snapshot = Snapshot(3, "f", {PORT: PortTable.build([])}, {}, old.document)
    client.take()
    client.send(get("/api/x"))
    assert client.take_problem()[0] == 404


def test_the_same_head_still_takes_every_way_of_a_weighted_route() -> None:
    ways = [Destination(service="orders-v1", destination_path=f"/{n}") for n in range(2)]
    gateway = FakeGateway(routes=[Route(id="r", name="r", service="orders-v1", destinations=ways)])
    upstream, client = gateway.upstream(), gateway.client()
    taken = set()
    for _ in range(100):
        client.send(get("/api/x"))
        taken.add(upstream.take().partition(b" HTTP")[0])
        upstream.answer(OK)
    assert taken == {b"GET /0/x", b"GET /1/x"}


@pytest.mark.parametrize("block", [BLOCK[:-2], BLOCK.replace(b"abc", b"abd"), BLOCK[:-2] + b"X: y\r\n\r\n"])
def test_another_block_is_read_anew(block: bytes) -> None:
    assert repeat_request(b"GET /api/x HTTP/1.1\r\n" + block, parse_request(FIRST, LIMITS), LIMITS) is None


def test_a_long_block_is_not_remembered() -> None:
    head = get("/api/x", "X-Long: " + "a" * 5000)
    assert parse_request(head, LIMITS).block == b""


def test_headers_that_change_on_a_connection_arrive_as_they_are() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    for number in (1, 1, 2, 1):
        client.send(get("/api/x", f"X-Number: {number}", f"X-Request-Id: id-{number}"))
        sent = upstream.take()
        assert f"X-Number: {number}\r\n".encode() in sent
        assert f"x-request-id: id-{number}\r\n".encode() in sent
        upstream.answer(OK)


def test_a_repeated_head_has_its_own_body_and_may_be_pipelined() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    request = get("/api/x", "Content-Length: 3", method="POST")
    client.send(request + b"one")
    upstream.answer(OK)
    upstream.take()
    client.send(request + b"two" + request + b"thr")
    assert upstream.take().endswith(b"\r\n\r\ntwo")
    upstream.answer(OK)
    assert upstream.take().endswith(b"\r\n\r\nthr")


def test_the_answer_to_head_does_not_say_what_the_answer_to_get_has() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    head = OK[:-2]
    for method, answer in (("GET", OK), ("HEAD", head), ("GET", OK), ("HEAD", head)):
        client.send(get(method=method))
        upstream.answer(answer)
        assert client.take().endswith(b"\r\n\r\nhi" if method == "GET" else b"\r\n\r\n")
        assert not upstream.transport.closed


@pytest.mark.parametrize("size", [1, 7, len(OK) - 1])
def test_a_repeated_answer_in_pieces_is_whole(size: int) -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    for _ in range(3):
        client.send(get())
        upstream.answer(OK, size=size)
        assert client.take().endswith(b"\r\n\r\nhi")


def test_more_than_the_answer_ends_the_connection_also_after_a_known_head() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get())
    upstream.answer(OK)
    client.send(get())
    upstream.answer(OK + b"HTTP/1.1 200 OK\r\n")
    assert upstream.transport.closed


def test_a_body_that_looks_like_the_known_answer_is_a_body() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get())
    upstream.answer(OK)
    client.take()
    client.send(get())
    upstream.answer(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(OK))
    upstream.answer(OK)
    assert client.take().endswith(b"\r\n\r\n" + OK)


def test_what_policies_add_is_never_that_of_the_request_before() -> None:
    numbers = iter(range(100))

    def on_request(context: RequestContext) -> None:
        context.headers.append((b"x-turn", b"%d" % (next(numbers) // 2)))

    def on_response(context: RequestContext) -> None:
        context.response_headers.append((b"x-turn", b"%d" % (next(numbers) // 2)))
        context.response_status = 200 + context.response_status % 2

    gateway = FakeGateway(Binding("turn", Handlers(request_headers=on_request, response_headers=on_response)))
    upstream, client = gateway.upstream(), gateway.client()
    for turn in range(4):
        client.send(get())
        assert upstream.take().count(b"x-turn: %d\r\n" % turn) == 1
        upstream.answer(OK)
        answer = client.take()
        assert answer.count(b"x-turn: %d\r\n" % turn) == answer.count(b"x-turn") == 1
