"""The scripts in a real Redis do what the model in the unit tests does."""

import random
import time

import pytest

from gateway_runtime.state.pipe import Command
from gateway_runtime.state.scripts import LEASE, MEMBERS, TAKE
from tests.gateway_runtime.state.fakes import FakeCounters, Time
from tests.integration.conftest import RedisServer

pytestmark = pytest.mark.integration

HOUR = 3_600_000
# Windows that end by no calendar.
UNTIL = (0, 0, 0)


def test_leases_and_exact_counts_are_those_of_the_model(redis_server: RedisServer) -> None:
    chance = random.Random(7)
    model = FakeCounters(Time())
    windows: dict[str, list[tuple[int, int]]] = {}
    with redis_server.client() as redis:
        for _ in range(600):
            key = f"portico:gateway:g:counter:{{{chance.randrange(3)}}}"
            model.time.now = time.time()
            known = windows.get(key, [(0, 0), (0, 0)])
            if chance.random() < 0.3:
                arguments = ["a", 40, HOUR, *UNTIL, "b", 70, HOUR, *UNTIL]
                command, script = Command((key, *arguments), TAKE), TAKE
                theirs = redis.eval(script.text, 1, key, *arguments)
                ours = model.run(command)
                assert theirs[0] == ours[0]
                assert theirs[2::2] == ours[2::2]
                assert all(abs(a - b) < 1_000 for a, b in zip(theirs[3::2], ours[3::2], strict=True))
                continue
            own: list[int | str] = [chance.randrange(1, 4)]
            real = [*own]
            for name, maximum, (mine, his) in zip("ab", (40, 70), known, strict=True):
                debt, back = chance.choice([0, 0, 1, 3]), chance.choice([0, 0, 2])
                rest = [debt, back, chance.choice([0, 0, 1, 4]), chance.choice([0, 1, 5, 50])]
                right = chance.random() < 0.8
                own += [name, maximum, HOUR, *UNTIL, mine if right else 1, *rest]
                real += [name, maximum, HOUR, *UNTIL, his if right else 1, *rest]
            ours = model.run(Command((key, *own), LEASE))
            theirs = redis.eval(LEASE.text, 1, key, *real)
            assert (theirs[1::3], theirs[3::3]) == (ours[1::3], ours[3::3])
            assert [end > 0 for end in theirs[2::3]] == [end > 0 for end in ours[2::3]]
            assert all(0 <= end - theirs[0] <= HOUR for end in theirs[2::3] if end)
            windows[key] = list(zip(ours[2::3], theirs[2::3], strict=True))
            if any(theirs[2::3]):
                assert 0 < redis.pttl(key) <= HOUR + 100


def test_limiters_that_are_silent_are_not_counted(redis_server: RedisServer) -> None:
    with redis_server.client() as redis:
        assert redis.eval(MEMBERS.text, 1, "k", "a", 200) == 1
        assert redis.eval(MEMBERS.text, 1, "k", "b", 200) == 2
        time.sleep(0.3)
        assert redis.eval(MEMBERS.text, 1, "k", "c", 200) == 1
        time.sleep(0.3)
        assert not redis.exists("k")
