import msgspec

from gateway_runtime.schema.telemetry import Batch, TrafficRow
from gateway_runtime.telemetry import spool as module
from gateway_runtime.telemetry.spool import Spool
from gateway_runtime.testing import FakeClock


def row(route: str = "r", requests: int = 1) -> TrafficRow:
    return TrafficRow(
        1000, "a", route, "", 200, "", "", requests, 5 * requests, 7 * requests, {3: requests}, {2: requests}
    )


def new(limit: int = 10**6) -> Spool:
    return Spool("g", "r1", FakeClock(), limit)


def balanced(spool: Spool) -> bool:
    return spool.served == spool.exported + spool.waiting + spool.dropped


def test_rows_of_several_workers_with_the_same_labels_become_one() -> None:
    spool = new()
    spool.add([row(requests=2)])
    spool.add([row(requests=3), row("other")])
    spool.pack()
    first = spool.first()
    assert first is not None
    batch = msgspec.msgpack.decode(first.payload, type=Batch)
    assert (batch.gateway, batch.replica, batch.served, batch.dropped) == ("g", "r1", 6, 0)
    assert batch.rows == [row(requests=5), row("other")]


def test_all_batches_of_a_run_name_its_beginning() -> None:
    clock = FakeClock()
    spool = Spool("g", "r1", clock)
    begun = clock()
    for _ in range(2):
        clock.advance(5)
        spool.add([row()])
        spool.pack()
    batches = [msgspec.msgpack.decode(waiting.payload, type=Batch) for waiting in spool._batches]
    assert [batch.started_at for batch in batches] == [begun, begun]


def test_stored_batches_leave_and_are_counted() -> None:
    spool = new()
    spool.add([row(requests=2)])
    spool.pack()
    first = spool.first()
    assert first is not None
    assert (spool.waiting, spool.exported) == (2, 0)
    spool.stored(first)
    assert (spool.waiting, spool.exported) == (0, 2)
    assert spool.first() is None


def test_what_workers_dropped_counts_as_served_and_dropped() -> None:
    spool = new()
    spool.add([row(requests=2)], dropped=3)
    assert (spool.served, spool.waiting, spool.dropped) == (5, 2, 3)


def test_the_bound_gives_up_the_oldest_but_the_first() -> None:
    spool = new(limit=1)
    for number in range(1, 5):
        spool.add([row(f"r{number}", requests=number)])
        spool.pack()
    # The first may be on its way; of the others only the newest is within the bound, or none.
    assert balanced(spool)
    assert spool.dropped == 2 + 3 + 4
    first = spool.first()
    assert first is not None
    spool.stored(first)
    assert (spool.exported, spool.waiting) == (1, 0)


def test_many_rows_make_several_batches(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(module, "BATCH_ROWS", 2)
    spool = new()
    spool.add([row(f"r{number}") for number in range(5)])
    spool.pack()
    marks = set()
    while (batch := spool.first()) is not None:
        marks.add(batch.mark)
        spool.stored(batch)
    assert len(marks) == 3
    assert spool.exported == 5


def test_nothing_counted_makes_no_batch() -> None:
    spool = new()
    spool.pack()
    assert spool.first() is None


def test_a_run_is_carried_on_by_another_spool() -> None:
    before = Spool("g", "r", lambda: 1.0)
    before.add([row(requests=5)], dropped=2)
    before.pack()
    exported = before.first()
    assert exported is not None
    before.stored(exported)
    before.add([row(requests=3)])
    after = Spool("g", "r", lambda: 2.0)
    after.add([row(requests=4)])
    after.carry_on(before.hand_over(in_doubt=True))
    assert (after.started_at, after.served, after.exported, after.dropped, after.waiting) == (1.0, 14, 5, 2, 7)
    after.pack()
    batches = []
    while (batch := after.first()) is not None:
        after.stored(batch)
        batches.append(batch)
    # The older ones first, each with a mark of its own, all of them of one run.
    assert [batch.requests for batch in batches] == [3, 4]
    assert len({batch.mark for batch in (exported, *batches)}) == 3
    assert {msgspec.msgpack.decode(batch.payload, type=Batch).started_at for batch in batches} == {1.0}
    assert after.served == after.exported + after.dropped


def test_what_would_have_been_refused_is_summed_and_is_no_request() -> None:
    spool = new()
    for _ in range(2):
        spool.add([TrafficRow(1000, "a", "", "", 429, "p", "c", 0, 0, 0, {}, {}, 4)])
    spool.pack()
    first = spool.first()
    assert first is not None
    assert first.requests == 0
    assert [each.shadowed for each in msgspec.msgpack.decode(first.payload, type=Batch).rows] == [8]


def test_a_row_of_an_older_gateway_is_read() -> None:
    older = msgspec.msgpack.encode([1000, "a", "", "", 200, "", "", 1, 0, 0, {}, {}])
    assert msgspec.msgpack.decode(older, type=TrafficRow).shadowed == 0


def test_rows_of_a_candidate_stay_apart() -> None:
    spool = new()
    tried = row()
    tried.revision = 7
    spool.add([row(), tried])
    spool.pack()
    first = spool.first()
    assert first is not None
    assert msgspec.msgpack.decode(first.payload, type=Batch).rows == [row(), tried]
