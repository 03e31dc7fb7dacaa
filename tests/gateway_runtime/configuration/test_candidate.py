"""What is tried out: compiled beside what all others get, chosen by request or by replica, and never in its way."""

from typing import Any

import msgspec
import pytest

from gateway_runtime.configuration.snapshot import CandidateSnapshot, Snapshot
from gateway_runtime.decide import Call, decide
from gateway_runtime.routing import split_table
from gateway_runtime.schema.document import Candidate, Contract, Listener
from gateway_runtime.telemetry.recorder import candidate_label
from tests.gateway_runtime.configuration.test_compiler import (
    CLIENT,
    INJECT,
    LIMIT,
    LOCK,
    PORT,
    SHOP,
    Worker,
    api,
    document,
)

REPLICA = "r1"


def candidate(*apis: Any, **more: Any) -> Candidate:
    return Candidate(**{"revision": 7, "stable": 6, "percent": 50, "apis": list(apis), **more})


@pytest.fixture
def chance(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What chance says next, again and again: below a half the candidate is chosen."""
    said = [0.0]
    monkeypatch.setattr(split_table, "random", lambda: said[0])
    return said


def status(snapshot: Snapshot | None, path: str = "/a/x") -> int:
    assert snapshot is not None
    return decide(snapshot, Call(port=PORT, target=path)).status


def test_share_of_the_requests_comes_to_the_candidate(chance: list[float]) -> None:
    worker = Worker()
    worker.take(document(api(), candidate=candidate(api("a", LOCK))), replica=REPLICA)
    assert status(worker.snapshot) == 401
    chance[0] = 0.5
    assert status(worker.snapshot) == 0


def test_percent_is_the_share_that_is_chosen() -> None:
    worker = Worker()
    worker.take(document(api(), candidate=candidate(api("a", LOCK), percent=20)), replica=REPLICA)
    tried = sum(status(worker.snapshot) == 401 for _ in range(4000))
    assert 600 < tried < 1000


def test_named_replica_gives_all_requests_to_it_and_others_none() -> None:
    there, elsewhere = Worker(), Worker()
    made = document(api(), candidate=candidate(api("a", LOCK), percent=0, replica=REPLICA))
    there.take(made, replica=REPLICA)
    elsewhere.take(made, replica="r2")
    assert {status(there.snapshot) for _ in range(20)} == {401}
    assert {status(elsewhere.snapshot) for _ in range(20)} == {0}
    assert not isinstance(elsewhere.snapshot, CandidateSnapshot)


def test_nothing_is_tried_without_a_replica() -> None:
    worker = Worker()
    worker.take(document(api(), candidate=candidate(api("a", LOCK), percent=100)))
    assert status(worker.snapshot) == 0


def test_port_without_a_difference_keeps_its_plain_table(chance: list[float]) -> None:
    worker = Worker()
    listeners = [Listener(id="public", name="public", port=PORT), Listener(id="other", name="other", port=PORT + 1)]
    second = api("b", listener="other")
    worker.take(document(api(), second, listeners=listeners, candidate=candidate(api("a", LOCK))), replica=REPLICA)
    assert worker.snapshot is not None
    assert type(worker.snapshot.ports[PORT + 1]) is split_table.PortTable
    assert type(worker.snapshot.ports[PORT]) is split_table.SplitTable


def test_new_moved_and_removed_apis_are_tried_too(chance: list[float]) -> None:
    worker = Worker()
    tried = candidate(api("new"), api("a", base_path="/moved"), removed=["b"])
    worker.take(document(api(), api("b"), candidate=tried), replica=REPLICA)
    assert [status(worker.snapshot, path) for path in ("/new", "/moved", "/a", "/b")] == [0, 0, 404, 404]
    chance[0] = 0.9
    assert [status(worker.snapshot, path) for path in ("/new", "/moved", "/a", "/b")] == [404, 404, 0, 0]


def test_api_that_cannot_be_compiled_stays_as_all_others_have_it(chance: list[float]) -> None:
    worker = Worker()
    broken = msgspec.structs.replace(LOCK, policy="nobody-knows-it")
    compiled = worker.take(document(api(), candidate=candidate(api("a", broken), api("n"))), replica=REPLICA)
    assert [(fault.api, fault.candidate, fault.kept) for fault in compiled.faults] == [("a", True, True)]
    assert (status(worker.snapshot), status(worker.snapshot, "/n")) == (0, 0)


@pytest.mark.parametrize(
    "broken",
    [candidate(api("n", base_path="/a")), candidate(api("n", listener="nowhere"))],
    ids=["same base path", "unknown listener"],
)
def test_candidate_that_does_not_fit_is_not_in_the_way(broken: Candidate) -> None:
    worker = Worker()
    compiled = worker.take(document(api(), candidate=broken), replica=REPLICA)
    assert [fault.candidate for fault in compiled.faults] == [True]
    assert {status(worker.snapshot) for _ in range(20)} == {0}


def test_limits_are_counted_together(chance: list[float]) -> None:
    worker = Worker()
    limited = msgspec.structs.replace(LIMIT, config={"rateLimits": [
        {"maximumRequests": 2, "timePeriodInMilliseconds": 60_000}]})  # fmt: skip
    worker.take(document(api("a", limited), candidate=candidate(api("a", LIMIT))), replica=REPLICA)
    chance[0] = 0.9
    assert status(worker.snapshot) == 0
    chance[0] = 0.0
    assert status(worker.snapshot) == 429  # one of one, used under the other revision
    chance[0] = 0.9
    assert status(worker.snapshot) == 0
    assert status(worker.snapshot) == 429


def test_revoked_contract_is_revoked_for_both(chance: list[float]) -> None:
    worker = Worker()
    made = document(
        api("a", CLIENT),
        consumers=[SHOP],
        contracts=[Contract(api="a", consumer="shop")],
        candidate=candidate(api("a", CLIENT, INJECT)),
    )
    call = Call(port=PORT, target="/a", headers=(("client_id", "shop"), ("client_secret", "s")))
    for contracts, expected in ((made.contracts, 0), ([], 403)):
        worker.take(msgspec.structs.replace(made, contracts=contracts), replica=REPLICA)
        for chance[0] in (0.0, 0.9):
            assert worker.snapshot is not None
            assert decide(worker.snapshot, call).status == expected


def test_unchanged_apis_of_both_are_taken_over(chance: list[float]) -> None:
    worker = Worker()
    made = document(api(), api("b"), candidate=candidate(api("a", LOCK)))
    worker.take(made, replica=REPLICA)
    first = worker.snapshot
    assert isinstance(first, CandidateSnapshot)
    worker.take(msgspec.structs.replace(made, consumers=[SHOP]), replica=REPLICA)
    second = worker.snapshot
    assert isinstance(second, CandidateSnapshot)
    assert second.apis == first.apis
    assert second.tried == first.tried


def test_promoted_api_is_counted_as_all_others(chance: list[float]) -> None:
    worker = Worker()
    worker.take(document(api(), candidate=candidate(api("a", LOCK))), replica=REPLICA)
    assert isinstance(worker.snapshot, CandidateSnapshot)
    assert worker.snapshot.tried["a"].counted_as == candidate_label("a", 7)
    worker.take(document(api("a", LOCK)), replica=REPLICA)
    assert type(worker.snapshot) is Snapshot
    assert worker.snapshot.apis["a"].counted_as == "a"


def test_each_revision_says_for_itself_what_it_answered(chance: list[float]) -> None:
    worker = Worker()
    worker.take(document(api(), candidate=candidate(api("a", LOCK))), replica=REPLICA)
    snapshot = worker.snapshot
    assert isinstance(snapshot, CandidateSnapshot)
    stable, tried = snapshot.apis["a"], snapshot.tried["a"]
    assert (snapshot.answered_by(stable), snapshot.answered_by(tried)) == (6, 7)
    assert snapshot.definition_of(stable) != snapshot.definition_of(tried)


def test_place_of_a_request_is_not_remembered_where_chance_decides() -> None:
    worker = Worker()
    worker.take(document(api(), candidate=candidate(api("a", LOCK))), replica=REPLICA)
    assert worker.snapshot is not None
    assert worker.snapshot.token is not worker.snapshot.token


def test_what_both_need_is_kept() -> None:
    worker = Worker()
    other = api("a", LIMIT, services=[api("z").services[0]], routes=[])
    worker.take(document(api(), candidate=candidate(other, api("n"))), replica=REPLICA)
    assert worker.snapshot is not None
    assert len(worker.pools) == 2  # of the stable API and of the new one
    assert {"limit"} <= set(worker.snapshot.bindings)
    worker.take(document(api()), replica=REPLICA)
    assert len(worker.pools) == 1
