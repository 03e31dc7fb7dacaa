"""What a replica serves that takes a candidate whole."""

from typing import Any

import msgspec

from gateway_runtime.configuration.snapshot import CandidateSnapshot
from gateway_runtime.configuration.whole import served_by
from gateway_runtime.decide import Call, decide
from gateway_runtime.schema import document as documents
from gateway_runtime.schema.document import Candidate, Document, Limits, Listener, Surroundings
from tests.gateway_runtime.configuration.test_compiler import LOCK, PORT, SHOP, Worker, api, document

REPLICA = "r1"
MOVED = PORT + 1


def offered(**more: Any) -> Document:
    """Two APIs, of which one has a lock in the candidate, with the listener on another port and another limit."""
    plain = document(api(), api("b"), consumers=[SHOP])
    [listener] = plain.listeners
    around = Surroundings(
        gateway="g", name="edge", limits=Limits(header_bytes=20_000), listeners=[Listener(
            id=listener.id, name=listener.name, port=MOVED
        )]
    )  # fmt: skip
    values = {"revision": 2, "stable": 1, "replica": REPLICA, "apis": [api("a", LOCK)], "surroundings": around, **more}
    return msgspec.structs.replace(plain, candidate=Candidate(**values))


def served(made: Document, replica: str = REPLICA) -> Document:
    return documents.decode(served_by(documents.encode(made), replica))


def test_named_replica_has_the_listeners_and_settings_of_the_candidate() -> None:
    there, elsewhere = served(offered()), served(offered(), "r2")
    assert ([each.port for each in there.listeners], there.limits.header_bytes) == ([MOVED], 20_000)
    assert ([each.port for each in elsewhere.listeners], elsewhere.limits) == ([PORT], Limits())
    assert there.consumers == elsewhere.consumers == [SHOP]


def test_share_of_the_requests_changes_neither() -> None:
    made = offered(replica="", percent=50)
    assert served_by(documents.encode(made), REPLICA) == documents.encode(made)


def test_candidate_without_them_is_left_as_it_is() -> None:
    data = documents.encode(offered(surroundings=None))
    assert served_by(data, REPLICA) == data


def test_every_request_there_is_answered_and_counted_as_the_candidate_s() -> None:
    worker = Worker()
    compiled = worker.take(served(offered()), replica=REPLICA)
    snapshot = compiled.snapshot
    assert isinstance(snapshot, CandidateSnapshot)
    assert compiled.faults == []
    answers = {path: decide(snapshot, Call(port=MOVED, target=path)).status for path in ("/a/x", "/b/x")}
    assert answers == {"/a/x": 401, "/b/x": 0}
    assert {snapshot.answered_by(each) for each in snapshot.tried.values()} == {2}
    assert set(snapshot.tried) == {"a", "b"}


def test_removed_api_is_gone_there() -> None:
    worker = Worker()
    worker.take(served(offered(apis=[], removed=["b"])), replica=REPLICA)
    assert worker.snapshot is not None
    assert decide(worker.snapshot, Call(port=MOVED, target="/b/x")).status == 404


def test_api_moves_with_a_listener_that_is_closed() -> None:
    other = Surroundings(gateway="g", name="edge", listeners=[Listener(id="other", name="other", port=MOVED)])
    moved = msgspec.structs.replace(api("a", LOCK), listener="other")
    worker = Worker()
    compiled = worker.take(served(offered(apis=[moved], removed=["b"], surroundings=other)), replica=REPLICA)
    assert compiled.faults == []
    assert decide(compiled.snapshot, Call(port=MOVED, target="/a/x")).status == 401
