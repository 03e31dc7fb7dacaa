"""The kernel's side of leaving a port: who gets new connections, and that none is lost."""

import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest

from gateway_runtime.steering import steer

pytestmark = pytest.mark.integration


@pytest.fixture
def sharing() -> Iterator[list[socket.socket]]:
    """Return four sockets that listen on one port: those of two old workers and of two new ones."""
    sockets: list[socket.socket] = []
    for _ in range(4):
        each = socket.socket()
        each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        each.bind(("127.0.0.1", sockets[0].getsockname()[1] if sockets else 0))
        each.listen(200)
        each.setblocking(False)
        sockets.append(each)
    yield sockets
    for each in sockets:
        each.close()


def accepted(sharing: list[socket.socket], count: int) -> list[int]:
    """Make so many connections and return how many each socket that is open has got."""
    port = next(each for each in sharing if each.fileno() >= 0).getsockname()[1]
    for _ in range(count):
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    return [_accept(each) for each in sharing]


def _accept(listening: socket.socket) -> int:
    got = 0
    with suppress(OSError):
        while True:
            listening.accept()[0].close()
            got += 1
    return got


def test_new_connections_go_to_the_new_sockets(sharing: list[socket.socket]) -> None:
    assert steer(sharing[0].fileno(), 2, 2)
    first, second, third, fourth = accepted(sharing, 60)
    assert (first, second, third + fourth) == (0, 0, 60)
    assert third
    assert fourth


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_none_goes_to_a_socket_that_is_about_to_close(sharing: list[socket.socket], order: tuple[int, int]) -> None:
    assert steer(sharing[0].fileno(), 2, 1)
    for closing in order:
        assert accepted(sharing, 20)[:2] == [0, 0]
        sharing[closing].close()
    # No socket has the number any more, so the kernel spreads them again.
    first, second, third, fourth = accepted(sharing, 60)
    assert (first, second, third + fourth) == (0, 0, 60)
    assert third
    assert fourth


def test_steering_ends_when_it_is_told_so(sharing: list[socket.socket]) -> None:
    assert steer(sharing[3].fileno(), 0, 1)
    assert accepted(sharing, 20) == [20, 0, 0, 0]
    assert steer(sharing[3].fileno(), 0, 0)
    assert sum(accepted(sharing, 80)[1:])


def test_a_socket_that_shares_nothing_is_no_error() -> None:
    with socket.socket() as alone:
        assert steer(alone.fileno(), 0, 0) is False
