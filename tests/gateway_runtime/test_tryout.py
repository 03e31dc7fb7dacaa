"""A candidate that harms the replica it is tried out on is not tried out any more, and all others go on."""

from typing import Any

import pytest

from gateway_runtime.configuration.source import Offer
from gateway_runtime.control import ApiFault, Applied, Apply
from gateway_runtime.schema import document as documents
from gateway_runtime.schema.document import Candidate, Document
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.tryout import ENDS, Tryout
from tests.gateway_runtime.test_workers import Fleet, applies, rejects, settle

REPLICA = "r1"


def offered(number: int, *, candidate: int = 0, **more: Any) -> Offer:
    tried = Candidate(**{"revision": candidate, "stable": 1, "percent": 50, **more}) if candidate else None
    data = documents.encode(Document(gateway="g", name="edge", candidate=tried))
    return Offer(number, f"digest-{number}", data)


def dies(_: Apply) -> None:
    return None


def only_without(reply: Any) -> Any:
    """Answer with `reply` where a candidate is tried out, and take everything else."""
    return lambda message: reply(message) if message.tries else applies(message)


class Replica:
    """A tryout before fake workers. `again` counts how often the present revision was to be applied once more."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *replies: Any) -> None:
        self.fleet = Fleet(monkeypatch, *replies)
        self.again = 0
        self.tryout = Tryout(REPLICA, self.fleet.pool, self.fleet.pool.apply, self._again)
        self.fleet.pool._on_end = self.tryout.worker_ended

    def _again(self) -> None:
        self.again += 1

    def told(self, worker: int) -> list[bool]:
        """Return of each document that a worker was given whether its candidate was to be tried out."""
        sent = self.fleet.started[worker].channel.sent  # type: ignore[attr-defined]
        return [message.tries for message in sent if isinstance(message, Apply)]

    async def lose(self, worker: int) -> None:
        """Let the newest process in the place of a worker end, and wait for the next one."""
        self.fleet.pool.alive[worker].kill()
        size = self.fleet.pool.size
        await settle(self.fleet.pool, size - 1)
        await settle(self.fleet.pool, size)


def test_workers_that_end_again_and_again_end_the_candidate(monkeypatch: pytest.MonkeyPatch) -> None:
    replica = Replica(monkeypatch, applies)

    async def scenario() -> None:
        assert await replica.tryout.apply(offered(2, candidate=2)) == []
        for _ in range(ENDS):
            assert replica.again == 0
            await replica.lose(0)
        assert replica.again == 1
        # The one that came last never had it, and neither has the next revision with the same candidate.
        assert replica.told(-1) == [False]
        (fault,) = await replica.tryout.apply(offered(3, candidate=2))
        assert (fault.candidate, fault.code, replica.told(-1)) == (True, "worker_ended", [False, False])
        assert (
            fault.message
            == f"{ENDS} workers of this replica ended while they served it, the last one with signal 9 (SIGKILL)."
        )

    replica.fleet.run(scenario)


def test_worker_that_ends_once_may_have_done_so_by_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    replica = Replica(monkeypatch, applies)

    async def scenario() -> None:
        await replica.tryout.apply(offered(2, candidate=2))
        await replica.lose(0)
        assert (replica.again, replica.told(-1)) == (0, [True])

    replica.fleet.run(scenario)


def test_another_candidate_is_tried_out_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    replica = Replica(monkeypatch, applies)

    async def scenario() -> None:
        await replica.tryout.apply(offered(2, candidate=2))
        await replica.lose(0)
        assert await replica.tryout.apply(offered(3, candidate=3)) == []
        await replica.lose(0)
        assert (replica.again, replica.told(-1)) == (0, [True])

    replica.fleet.run(scenario)


@pytest.mark.parametrize(
    "more", [{"replica": "another"}, {"percent": 0}], ids=["of another replica", "without requests"]
)
def test_workers_that_end_elsewhere_are_no_fault_of_the_candidate(
    monkeypatch: pytest.MonkeyPatch, more: dict[str, Any]
) -> None:
    replica = Replica(monkeypatch, applies)

    async def scenario() -> None:
        await replica.tryout.apply(offered(2, candidate=2, **more))
        for _ in range(ENDS + 1):
            await replica.lose(0)
        assert replica.again == 0

    replica.fleet.run(scenario)


@pytest.mark.parametrize(("reply", "code"), [(rejects, "no"), (dies, "workers_failed")], ids=["refused", "dead"])
def test_revision_is_taken_without_a_candidate_that_cannot_be(
    monkeypatch: pytest.MonkeyPatch, reply: Any, code: str
) -> None:
    replica = Replica(monkeypatch, only_without(reply), only_without(reply))

    async def scenario() -> None:
        (fault,) = await replica.tryout.apply(offered(2, candidate=2))
        assert (fault.candidate, fault.code) == (True, code)
        await settle(replica.fleet.pool, 2)
        assert replica.fleet.revisions() == [2, 2]

    replica.fleet.run(scenario)


def test_what_is_wrong_besides_the_candidate_refuses_the_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    replica = Replica(monkeypatch, rejects)

    async def scenario() -> None:
        with pytest.raises(ConfigFault, match=r"No\."):
            await replica.tryout.apply(offered(2, candidate=2))
        replica.fleet.replies[0] = applies
        # That was not the candidate's fault.
        assert await replica.tryout.apply(offered(2, candidate=2)) == []
        assert replica.told(0)[-1] is True

    replica.fleet.run(scenario)


def test_candidate_from_the_disk_is_not_tried_out(monkeypatch: pytest.MonkeyPatch) -> None:
    replica = Replica(monkeypatch, applies)

    async def scenario() -> None:
        await replica.tryout.apply(offered(2, candidate=2)._replace(accepted=True))
        assert replica.told(0) == [False]

    replica.fleet.run(scenario)


def test_what_workers_fence_off_is_told_beside_the_candidate(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = ApiFault(api="a", name="A", code="c", path="apis[0]", message="Broken.")

    def fences(message: Apply) -> Applied:
        return Applied(revision=message.revision, took_ms=1.0, faults=[broken])

    replica = Replica(monkeypatch, lambda message: rejects(message) if message.tries else fences(message))

    async def scenario() -> None:
        faults = await replica.tryout.apply(offered(2, candidate=2))
        assert [fault.api for fault in faults] == ["a", ""]

    replica.fleet.run(scenario)
