import asyncio
from typing import Any

import pytest

from gateway_runtime.control import Telemetry
from gateway_runtime.handover import Counted, HandoverError, State
from gateway_runtime.reporting import Reporting
from gateway_runtime.schema.telemetry import TrafficRow
from gateway_runtime.telemetry.spool import Spool, SpoolState


class FakeLink:
    """Keeps what it is told, in a real spool."""

    def __init__(self, started_at: float = 1.0) -> None:
        self.spool = Spool("g", "r", lambda: started_at)
        self.opened = 0
        self.end = ""
        self.answers: list[Any] = []

    def open(self, _: Any) -> list[Any]:
        self.opened += 1
        return []

    def acknowledge(self, answer: Any) -> None:
        self.answers.append(answer)

    def count(self, telemetry: Telemetry, dropped: int) -> None:
        self.spool.add(telemetry.rows, dropped=dropped)

    def hand_over(self) -> SpoolState:
        return self.spool.hand_over(in_doubt=False)

    def carry_on(self, state: SpoolState) -> None:
        self.spool.carry_on(state)

    async def leave(self) -> None:
        self.end = "left"

    async def close(self) -> None:
        self.end = "closed"


class FakeSuccessor:
    """Takes the state, or fails to; `meanwhile` happens before it answers."""

    def __init__(self, *, takes: bool = True) -> None:
        self.sent: list[Any] = []
        self.takes = takes
        self.meanwhile: Any = lambda: None

    def send(self, message: Any) -> None:
        self.sent.append(message)

    async def taken(self) -> None:
        self.meanwhile()
        if not self.takes:
            raise HandoverError("It has gone.")


def counted(requests: int) -> Telemetry:
    row = TrafficRow(1, "orders", "all", "", 200, "", "", requests, 10, 20, {3: requests}, {})
    return Telemetry(rows=[row], served=requests, dropped=0)


def reporting(link: FakeLink) -> Reporting:
    return Reporting(link, lambda: None)  # type: ignore[arg-type, return-value]


def requests(of: Reporting) -> int:
    return sum(sums.requests for sums in of.totals.series.values())


def test_answers_given_before_it_is_open_are_sent_then() -> None:
    link = FakeLink()
    early = reporting(link)
    early.acknowledge("first")  # type: ignore[arg-type]
    assert link.answers == []
    early.open()
    early.acknowledge("second")  # type: ignore[arg-type]
    assert link.answers == ["first", "second"]


def test_everything_counted_before_and_after_a_handover_is_counted_once_by_the_successor() -> None:
    old, new = FakeLink(1.0), FakeLink(2.0)
    before, after = reporting(old), reporting(new)
    before.open()
    before.count(counted(5), 1)
    after.count(counted(2), 0)  # its workers serve already
    successor = FakeSuccessor()
    successor.meanwhile = lambda: before.count(counted(3), 0)
    asyncio.run(before.hand_over(successor))  # type: ignore[arg-type]
    before.count(counted(4), 2)
    for message in successor.sent:
        if isinstance(message, State):
            after.carry_on(message)
        else:
            assert isinstance(message, Counted)
            after.count(message.telemetry, message.dropped)
    assert requests(after) == 5 + 2 + 3 + 4
    assert (new.spool.served, new.spool.dropped) == (5 + 2 + 3 + 4 + 1 + 2, 3)
    assert new.spool.started_at == 1.0
    asyncio.run(before.close())
    assert old.end == "left"


def test_a_successor_that_does_not_take_the_state_changes_nothing() -> None:
    link = FakeLink()
    before = reporting(link)
    before.open()
    before.count(counted(5), 0)
    successor = FakeSuccessor(takes=False)
    successor.meanwhile = lambda: before.count(counted(3), 0)
    with pytest.raises(HandoverError):
        asyncio.run(before.hand_over(successor))  # type: ignore[arg-type]
    assert requests(before) == 8
    assert link.spool.served == 8
    assert link.opened == 2
    asyncio.run(before.close())
    assert link.end == "closed"
