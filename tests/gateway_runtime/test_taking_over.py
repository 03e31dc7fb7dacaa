import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from gateway_runtime import taking_over as module
from gateway_runtime.configuration.client import Running
from gateway_runtime.control import Telemetry
from gateway_runtime.handover import Counted, Go, Ready, State, Taken
from gateway_runtime.schema.replica import ApplyState
from gateway_runtime.taking_over import TakingOver

STATE = State(totals=[], handshakes={}, spool=None)
COUNTED = Counted(telemetry=Telemetry(rows=[], served=0, dropped=0), dropped=3)


class Handover:
    """A copy that takes over, with a predecessor that says what it is given; None is its end."""

    def __init__(self, *said: Any, serving: bool = True, workers: int = 1, revision: int = 1) -> None:
        self.happened: list[Any] = []
        self._said = said
        self.running = Running(revision=revision, state=ApplyState.APPLIED if revision else ApplyState.WAITING)
        self._workers = SimpleNamespace(
            size=1,
            alive=[SimpleNamespace(revision=revision)] * workers,
            steer=lambda first, count: self.happened.append(f"steer {first} {count}"),
        )
        reporting = SimpleNamespace(
            carry_on=lambda state: self.happened.append("carry on"),
            count=lambda telemetry, dropped: self.happened.append(f"count {dropped}"),
        )
        gateway = SimpleNamespace(
            client=SimpleNamespace(running=self.running), workers=self._workers, reporting=reporting
        )
        predecessor = SimpleNamespace(serving=serving, send=self.happened.append, messages=self._messages)
        self._taking_over = TakingOver(gateway, predecessor, self._serve)  # type: ignore[arg-type]

    async def _messages(self) -> Any:
        for message in self._said:
            if isinstance(message, float):
                await asyncio.sleep(message)
            else:
                yield message

    async def _serve(self, _: Any) -> None:
        self.happened.append("serve")

    def run(self) -> list[Any]:
        asyncio.run(self._taking_over.run())
        return self.happened


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)


def test_it_serves_when_it_is_told_to_and_counts_on_to_the_end() -> None:
    ready, *rest = Handover(0.01, STATE, COUNTED, Go(), COUNTED).run()
    assert isinstance(ready, Ready)
    assert rest == ["carry on", Taken(), "count 3", "serve", "count 3", "steer 0 0"]


def test_a_predecessor_that_dies_leaves_the_replica_to_it_ready_or_not() -> None:
    *_, serve, steer = Handover(revision=0).run()
    assert (serve, steer) == ("serve", "steer 0 0")


def test_without_a_revision_on_either_side_it_is_ready() -> None:
    ready, *_ = Handover(0.01, STATE, Go(), serving=False, revision=0).run()
    assert isinstance(ready, Ready)


def test_a_copy_that_cannot_serve_what_is_served_never_says_that_it_is_ready() -> None:
    handover = Handover(60.0, revision=0)
    handover.running.state = ApplyState.REJECTED
    assert handover.run() == []
