"""What a gateway's user can do in a real Redis, and what it cannot."""

from collections.abc import Iterator

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError, RedisError, ResponseError

from gateway_runtime.schema import keys
from gateway_runtime.state.scripts import LEASE, MEMBERS, TAKE
from tests.integration.conftest import RedisServer
from tests.integration.publisher import Publisher

pytestmark = pytest.mark.integration

OWN, OTHER = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis with something of two gateways in it."""
    server = RedisServer(tmp_path_factory.mktemp("access"))
    server.start()
    client = server.client()
    for gateway in (OWN, OTHER):
        client.set(keys.pointer(gateway), 1)
        client.set(keys.revision(gateway, 1), b"sealed")
        client.xadd(keys.telemetry(gateway), {"batch": b"x"})
        client.hset(keys.replicas(gateway), "r", b"{}")
    yield server
    server.kill()


@pytest.fixture(scope="module")
def gateway(server: RedisServer) -> Redis:
    """A connection as the user of the first gateway."""
    publisher = Publisher.__new__(Publisher)
    publisher.redis, publisher.gateway = server.client(), OWN
    return Redis.from_url(publisher._user(server.url))


def refused(client: Redis, *command: object) -> bool:
    """Tell whether Redis refuses a command for want of rights. A fault of another kind is not that."""
    try:
        client.execute_command(*command)
    except NoPermissionError:
        return True
    except ResponseError as error:
        # Within a script.
        return "permission" in str(error).lower() or "NOPERM" in str(error)
    return False


DOES = [
    ("PING",),
    ("TIME",),
    ("CLIENT", "SETINFO", "LIB-NAME", "x"),
    ("GET", keys.pointer(OWN)),
    ("GET", keys.revision(OWN, 1)),
    ("HSET", keys.replicas(OWN), "r", "{}"),
    ("HSET", keys.acknowledgements(OWN, 1), "r", "{}"),
    ("EXPIRE", keys.acknowledgements(OWN, 1), 60),
    ("XADD", keys.telemetry(OWN), "MAXLEN", "~", "10", "*", "batch", "x"),
    ("XADD", keys.traces(OWN), "MAXLEN", "~", "10", "*", "traces", "x"),
    ("SET", keys.exported(OWN, "r"), "mark", "EX", 60),
    ("GET", keys.exported(OWN, "r")),
    ("SET", keys.cached(OWN, "d"), "value", "PX", 60, "NX"),
    ("GET", keys.cached(OWN, "d")),
    ("EVAL", TAKE.text, 1, keys.counter(OWN, "d"), "w1000", 5, 1000, 0, 0, 0),
    ("EVAL", LEASE.text, 1, keys.counter(OWN, "e"), 1, "w1000", 5, 1000, 0, 0, 0, 0, 1, 0, 0, 0),
    ("EVAL", MEMBERS.text, 1, keys.limiters(OWN), "worker", 6000),
    ("ZREM", keys.limiters(OWN), "worker"),
]


@pytest.mark.parametrize("command", DOES, ids=lambda command: " ".join(map(str, command[:2]))[:60])
def test_a_gateway_may_do_what_it_does(gateway: Redis, command: tuple[object, ...]) -> None:
    assert gateway.execute_command(*command) is not None or command[0] == "GET"


def test_it_hears_its_own_announcements_alone(gateway: Redis) -> None:
    with gateway.pubsub() as subscription:
        subscription.subscribe(keys.announcements(OWN))
        assert subscription.get_message(timeout=5)["type"] == "subscribe"
    with gateway.pubsub() as subscription:
        subscription.subscribe(keys.announcements(OTHER))
        with pytest.raises(NoPermissionError):
            subscription.get_message(timeout=5)


# Whatever a gateway does with its own names, it cannot with those of another one.
ELSEWHERE = [tuple(str(part).replace(OWN, OTHER) for part in command) for command in DOES if OWN in str(command)]


@pytest.mark.parametrize("command", ELSEWHERE, ids=lambda command: " ".join(map(str, command[:2]))[:60])
def test_it_reaches_nothing_of_another_gateway(gateway: Redis, command: tuple[object, ...]) -> None:
    assert refused(gateway, *command)


WRITE_REVISION = f"return redis.call('SET', '{keys.revision(OWN, 2)}', 'x')"
READ_OTHER = f"return redis.call('GET', '{keys.revision(OTHER, 1)}')"


@pytest.mark.parametrize(
    "command",
    [
        # Only the portal configures a gateway.
        ("SET", keys.pointer(OWN), 9),
        ("SET", keys.revision(OWN, 2), "x"),
        ("EXPIRE", keys.revision(OWN, 1), 1),
        ("EVAL", WRITE_REVISION, 0),
        ("PUBLISH", keys.announcements(OWN), 9),
        # What it has reported is the portal's, and it takes nothing of it back.
        ("XRANGE", keys.telemetry(OWN), "-", "+"),
        ("XTRIM", keys.telemetry(OWN), "MAXLEN", 0),
        ("XDEL", keys.telemetry(OWN), "1-1"),
        ("HVALS", keys.replicas(OWN)),
        ("HMGET", keys.replicas(OWN), "r"),
        # Nothing of others, however it is asked.
        ("EVAL", READ_OTHER, 0),
        ("GET", "portico:cache:1:session"),
        ("LPUSH", "portico", "job"),
        ("HSET", keys.access(), "x", "y"),
        ("KEYS", "*"),
        ("SCAN", 0),
        # Nothing of the server.
        ("ACL", "LIST"),
        ("ACL", "SETUSER", "x", "on"),
        ("CONFIG", "GET", "*"),
        ("CLIENT", "LIST"),
        ("CLIENT", "KILL", "TYPE", "normal"),
        ("SCRIPT", "FLUSH"),
        ("FLUSHALL",),
        ("SHUTDOWN",),
        ("MONITOR",),
        ("FUNCTION", "LIST"),
    ],
    ids=lambda command: " ".join(map(str, command))[:60],
)
def test_it_may_do_nothing_else(gateway: Redis, command: tuple[object, ...]) -> None:
    assert refused(gateway, *command)


def test_nobody_without_a_password_may_do_anything(server: RedisServer) -> None:
    with Redis(port=server.port) as stranger, pytest.raises(RedisError):
        stranger.ping()
