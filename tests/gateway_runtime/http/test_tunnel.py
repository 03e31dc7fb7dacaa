"""An open tunnel: bytes both ways at the pace of the slower side, and every way in which it ends."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_runtime.configuration.snapshot import Snapshot
from gateway_runtime.http.limits import Limits
from gateway_runtime.http.tunnel import end_disallowed
from gateway_runtime.policies.chain import Binding
from gateway_runtime.policies.context import RequestContext
from gateway_runtime.schema.document import Consumer, Document
from gateway_runtime.schema.policy import Handlers
from tests.gateway_runtime.fakes import FakeClient, FakeGateway, FakeUpstream
from tests.gateway_runtime.http.test_upgrade import handshake, switch
from tests.gateway_runtime.http.test_websocket_frames import frame

GOING_AWAY = b"\x88\x02\x03\xe9"


def opened(gateway: FakeGateway | None = None, rest: bytes = b"") -> tuple[FakeGateway, FakeClient, FakeUpstream]:
    gateway = gateway or FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    client.send(handshake())
    upstream.take()
    upstream.answer(switch() + rest)
    head, _, passed = client.take().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    assert passed == rest
    return gateway, client, upstream


def unmasked(data: bytes) -> bytes:
    """Return the payload of one masked frame."""
    assert data[1] & 0x80
    mask, payload = data[2:6], data[6:]
    return bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))


def test_bytes_pass_both_ways_as_they_are() -> None:
    _, client, upstream = opened()
    client.send(b"\x81\x85maskhello and anything else")
    assert upstream.take() == b"\x81\x85maskhello and anything else"
    upstream.answer(b"\x81\x05hello")
    assert client.take() == b"\x81\x05hello"


def test_what_the_service_sends_with_its_switch_comes_through() -> None:
    opened(rest=b"\x81\x05hello")


def test_a_tunnel_is_recorded_once_at_its_end() -> None:
    gateway, client, upstream = opened()
    asked = len(handshake())
    gateway.clock.advance(100)
    client.send(b"x" * 1000)
    upstream.answer(b"y" * 500)
    assert not gateway.recorded.rows
    upstream.go()
    upstream.go()
    (row,) = gateway.recorded.rows
    assert (row["api"], row["route"], row["status"], row["policy"], row["code"]) == ("a1", "r1", 101, "", "")
    assert row["bytes_in"] == asked + 1000
    assert row["bytes_out"] > 500
    assert row["latency_us"] < 1_000_000


@pytest.mark.parametrize("full", [True, False])
def test_a_slow_client_stops_the_service(full: bool) -> None:
    _, client, upstream = opened()
    client.connection.pause_writing()
    if not full:
        client.connection.resume_writing()
    assert upstream.transport.reading is not full


@pytest.mark.parametrize("full", [True, False])
def test_a_slow_service_stops_the_client(full: bool) -> None:
    _, client, upstream = opened()
    upstream.connection.pause_writing()
    if not full:
        upstream.connection.resume_writing()
    assert client.transport.reading is not full


def test_an_idle_tunnel_is_ended() -> None:
    gateway, client, upstream = opened(FakeGateway(limits=Limits(stream_seconds=300)))
    gateway.pass_time(299)
    assert not client.hung_up
    client.send(b"x")
    gateway.pass_time(299)
    upstream.answer(b"y")
    gateway.pass_time(299)
    assert not client.hung_up
    gateway.pass_time(2)
    assert client.hung_up
    assert upstream.transport.closed
    assert gateway.recorded.rows[0]["code"] == "stream_idle"


def test_a_lost_client_ends_the_service_side() -> None:
    gateway, client, upstream = opened()
    client.send(b"last")
    client.go()
    assert upstream.take() == b"last"
    assert upstream.transport.closed
    assert not upstream.transport.aborted
    assert gateway.recorded.rows[0]["code"] == "client_gone"


def test_a_service_that_does_not_take_its_last_bytes_is_cut() -> None:
    gateway, client, upstream = opened()
    client.go()
    gateway.pass_time(gateway.state.limits.linger_seconds + 1)
    assert upstream.transport.aborted


@pytest.mark.parametrize("error", [None, ConnectionResetError()])
def test_a_lost_service_ends_the_client_side(error: Exception | None) -> None:
    gateway, client, upstream = opened()
    upstream.answer(b"last")
    upstream.go(error)
    assert client.take() == b"last"
    assert client.hung_up
    assert gateway.recorded.rows[0]["code"] == ("upstream_reset" if error else "")


def test_the_connection_of_a_tunnel_never_returns_to_the_pool() -> None:
    gateway, client, upstream = opened()
    client.send(frame(2, opcode=8, masked=True))
    upstream.answer(frame(2, opcode=8))
    upstream.go()
    assert not gateway.pool.targets[0].idle
    assert gateway.pool.active == 0
    assert gateway.recorded.rows[0]["code"] == ""


def test_a_pool_counts_a_tunnel_while_it_is_open() -> None:
    gateway, client, upstream = opened()
    assert gateway.pool.active == 1
    client.go()
    upstream.go(ConnectionResetError())
    assert gateway.pool.active == 0


def test_going_away_is_said_at_once_between_frames() -> None:
    _, client, upstream = opened()
    client.connection.go_away()
    assert client.take() == GOING_AWAY
    assert unmasked(upstream.take()) == b"\x03\xe9"
    assert not client.hung_up


def test_going_away_waits_for_the_end_of_a_frame() -> None:
    _, client, upstream = opened()
    down, up = frame(1000), frame(70_000, masked=True)
    upstream.answer(down[:10])
    client.send(up[:50])
    client.take(), upstream.take()
    client.connection.go_away()
    assert not client.take()
    assert not upstream.take()
    upstream.answer(down[10:] + frame(5))
    assert client.take() == down[10:] + GOING_AWAY
    client.send(up[50:] + frame(5, masked=True))
    sent = upstream.take()
    assert sent.startswith(up[50:])
    assert unmasked(sent[len(up) - 50 :]) == b"\x03\xe9"
    # What comes behind it is for nobody.
    upstream.answer(frame(7))
    client.send(frame(7, masked=True))
    assert not client.take()
    assert not upstream.take()


def test_a_side_that_has_closed_is_not_spoken_over() -> None:
    _, client, upstream = opened()
    close = frame(2, opcode=8, masked=True)
    client.send(close[:5])
    assert upstream.take() == close[:5]
    client.connection.go_away()
    client.send(close[5:])
    assert upstream.take() == close[5:]
    assert client.take() == GOING_AWAY


def test_a_tunnel_ends_when_both_sides_have_said_goodbye() -> None:
    gateway, client, upstream = opened()
    client.connection.go_away()
    client.send(frame(2, opcode=8, masked=True))
    assert not client.hung_up
    upstream.answer(frame(2, opcode=8))
    assert client.hung_up
    assert upstream.transport.closed
    assert len(gateway.recorded.rows) == 1


def test_a_side_that_does_not_say_goodbye_is_not_waited_for() -> None:
    gateway, client, upstream = opened()
    client.connection.go_away()
    upstream.answer(frame(5))
    gateway.pass_time(3)
    assert client.hung_up
    assert upstream.transport.closed
    gateway.pass_time(3)
    assert client.transport.aborted


def test_a_tunnel_that_opens_while_the_gateway_drains_is_told_at_once() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    client.send(handshake())
    gateway.state.draining = True
    upstream.answer(switch())
    assert client.take().endswith(GOING_AWAY)


NOT_ALLOWED = b"\x88\x02\x03\xf0"


def revision(gateway: FakeGateway, *consumers: str, without: bool = False) -> Snapshot:
    """Return a snapshot in which these have a contract."""
    before = gateway.state.snapshot
    assert before is not None
    apis = {} if without else before.apis
    found = {"a1": tuple(Consumer(id=id, name=id, client_id=id) for id in consumers)}
    return Snapshot(2, "e", before.ports, apis, Document(gateway="g", name="g"), consumers=found)


def identified() -> FakeGateway:
    def identify(context: RequestContext) -> None:
        context.application = "app"

    return FakeGateway(Binding("badge", Handlers(request_headers=identify)))


def test_a_tunnel_of_an_api_that_is_gone_is_ended() -> None:
    gateway, client, upstream = opened()
    end_disallowed(gateway.state.tunnels, revision(gateway))
    assert not client.take()
    end_disallowed(gateway.state.tunnels, revision(gateway, without=True))
    assert client.take() == NOT_ALLOWED
    assert unmasked(upstream.take()) == b"\x03\xf0"


def test_a_tunnel_ends_with_the_contract_of_its_caller() -> None:
    gateway = identified()
    gateway.state.snapshot = revision(gateway, "app")
    _, client, _ = opened(gateway)
    end_disallowed(gateway.state.tunnels, revision(gateway, "other", "app"))
    assert not client.take()
    end_disallowed(gateway.state.tunnels, revision(gateway, "other"))
    assert client.take() == NOT_ALLOWED


def test_a_caller_that_needed_no_contract_loses_none() -> None:
    gateway, client, _ = opened(identified())
    end_disallowed(gateway.state.tunnels, revision(gateway))
    assert not client.take()


def test_a_tunnel_that_has_ended_is_forgotten() -> None:
    gateway, client, _ = opened()
    assert len(gateway.state.tunnels) == 1
    client.go()
    assert not gateway.state.tunnels


FRAMES = st.lists(st.sampled_from([0, 1, 5, 125, 126, 300, 65536]), max_size=5)


def pieces(data: bytes, chance: random.Random) -> list[bytes]:
    found = []
    while data:
        size = chance.choice([1, 2, 5, 100, 1000, 70_000])
        found.append(data[:size])
        data = data[size:]
    return found


@given(FRAMES, FRAMES, st.randoms())
def test_whenever_the_gateway_goes_each_side_gets_whole_frames_and_one_close_frame(
    down: list[int], up: list[int], chance: random.Random
) -> None:
    _, client, upstream = opened()
    to_client, to_service = [frame(size) for size in down], [frame(size, masked=True) for size in up]
    steps = [(upstream.answer, piece) for piece in pieces(b"".join(to_client), chance)]
    steps += [(client.send, piece) for piece in pieces(b"".join(to_service), chance)]
    # Each side's bytes stay in order.
    chance.shuffle(order := [give for give, _ in steps])
    waiting = {give: [piece for other, piece in steps if other == give] for give in order}
    going = chance.randint(0, len(order))
    for number, give in enumerate(order):
        if number == going:
            client.connection.go_away()
        give(waiting[give].pop(0))
    if going == len(order):
        client.connection.go_away()
    got, sent = client.take(), upstream.take()
    assert got in [b"".join(to_client[:count]) + GOING_AWAY for count in range(len(to_client) + 1)]
    assert sent[:-8] in [b"".join(to_service[:count]) for count in range(len(to_service) + 1)]
    assert unmasked(sent[-8:]) == b"\x03\xe9"


def test_a_policy_that_wants_the_body_of_an_answer_sees_none_of_a_switch() -> None:
    seen: list[bytes | None] = []

    def on_body(context: RequestContext) -> None:
        seen.append(context.response_body)
        context.response_body = b"put"

    opened(FakeGateway(Binding("p", Handlers(response_body=on_body))), rest=b"\x81\x05hello")
    assert seen == [b""]
