import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from gateway_runtime import workers as module
from gateway_runtime.configuration.source import Offer
from gateway_runtime.control import ApiFault, Applied, Apply, Drain, Hello, Load, Rejected, Steer, Telemetry
from gateway_runtime.handover import Begin
from gateway_runtime.schema import document as documents
from gateway_runtime.schema.document import ApiInstance, Document, Listener
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.telemetry import TrafficRow
from gateway_runtime.workers import WorkerHandle, WorkerPool

Reply = Callable[[Apply], Any]


class FakeProcess:
    """A process that ends when it is killed or told to drain."""

    def __init__(self) -> None:
        self.pid = id(self)
        self.returncode: int | None = None
        self.channel: FakeWorkerChannel | None = None
        self._ended = asyncio.Event()

    async def wait(self) -> int:
        await self._ended.wait()
        assert self.returncode is not None
        return self.returncode

    def kill(self) -> None:
        self.end(-9)

    def end(self, status: int) -> None:
        self.returncode = status
        self._ended.set()
        if self.channel is not None:
            self.channel.incoming.put_nowait(None)


class FakeWorkerChannel:
    """The supervisor's end: answers every document as the test says."""

    def __init__(self, process: FakeProcess, reply: Reply) -> None:
        self.incoming: asyncio.Queue[Any] = asyncio.Queue()
        self.incoming.put_nowait(Hello(worker_pid=1))
        self.sent: list[Any] = []
        self._process, self._reply = process, reply

    def send(self, message: Any) -> None:
        self.sent.append(message)
        if isinstance(message, Drain):
            self._process.end(0)
        elif isinstance(message, Steer):
            pass
        else:
            answer = self._reply(message)
            if answer is None:
                self._process.kill()
            else:
                self.incoming.put_nowait(answer)

    async def messages(self) -> Any:
        while (message := await self.incoming.get()) is not None:
            yield message

    async def close(self) -> None:
        pass


def applies(message: Apply) -> Applied:
    return Applied(revision=message.revision, took_ms=1.0)


def rejects(message: Apply) -> Rejected:
    return Rejected(revision=message.revision, code="no", path="p", message="No.")


class Fleet:
    """Starts fake workers, with a behaviour for each place."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *replies: Reply) -> None:
        self.replies = list(replies)
        self.started: list[WorkerHandle] = []
        self.telemetry: list[tuple[Telemetry, int]] = []
        self.pool = WorkerPool(len(replies), lambda telemetry, dropped: self.telemetry.append((telemetry, dropped)))
        monkeypatch.setattr(module, "start_worker", self._start)
        monkeypatch.setattr(module, "FIRST_BACK_OFF_SECONDS", 0.0)

    async def _start(self, number: int) -> WorkerHandle:
        process = FakeProcess()
        process.channel = FakeWorkerChannel(process, lambda message: self.replies[number](message))
        handle = WorkerHandle(number, process, process.channel)  # type: ignore[arg-type]
        self.started.append(handle)
        return handle

    def revisions(self) -> list[int]:
        return [worker.revision for worker in self.pool.alive]

    def run(self, scenario: Callable[[], Any]) -> None:
        async def play() -> None:
            await self.pool.start()
            try:
                await scenario()
            finally:
                await self.pool.stop(0.0)

        asyncio.run(play())


def offer(number: int, *apis: ApiInstance) -> Offer:
    # A listener with a name as its host is not tried beforehand.
    listener = Listener(id="l", name="l", port=80, host="localhost")
    content = documents.encode(Document(gateway="g", name="edge", listeners=[listener], apis=list(apis)))
    return Offer(number, f"digest-{number}", content)


def api(base_path: str = "/a") -> ApiInstance:
    return ApiInstance(id="a", name="A", listener="l", base_path=base_path)


async def settle(pool: WorkerPool, size: int) -> None:
    """Let the keepers run until so many workers are there."""
    async with asyncio.timeout(2):
        while len(pool.alive) != size:
            await asyncio.sleep(0)


def test_every_worker_takes_a_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = Fleet(monkeypatch, applies, applies)

    async def scenario() -> None:
        assert await fleet.pool.apply(offer(1)) == []
        assert fleet.revisions() == [1, 1]

    fleet.run(scenario)


def test_when_one_refuses_the_others_go_back(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = Fleet(monkeypatch, applies, applies)

    async def scenario() -> None:
        await fleet.pool.apply(offer(1))
        fleet.replies[1] = rejects
        with pytest.raises(ConfigFault) as caught:
            await fleet.pool.apply(offer(2))
        assert (caught.value.code, caught.value.path) == ("no", "p")
        assert fleet.revisions() == [1, 1]
        assert [m.revision for m in fleet.started[0].channel.sent] == [1, 2, 1]  # type: ignore[attr-defined]

    fleet.run(scenario)


def test_a_worker_that_dies_over_a_document_is_replaced_with_what_the_others_serve(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fleet = Fleet(monkeypatch, applies, lambda message: None if len(fleet.started) == 2 else applies(message))

    async def scenario() -> None:
        await fleet.pool.apply(offer(1))
        await settle(fleet.pool, 2)
        assert fleet.revisions() == [1, 1]
        assert fleet.pool.restarts == 1

    fleet.run(scenario)


def test_a_document_that_kills_every_worker_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    deadly = [2]

    def reply(message: Apply) -> Applied | None:
        return None if message.revision in deadly else applies(message)

    fleet = Fleet(monkeypatch, reply, reply)

    async def scenario() -> None:
        await fleet.pool.apply(offer(1))
        with pytest.raises(ConfigFault) as caught:
            await fleet.pool.apply(offer(2))
        assert caught.value.code == "workers_failed"
        await settle(fleet.pool, 2)
        assert fleet.revisions() == [1, 1]

    fleet.run(scenario)


def test_a_late_worker_is_given_the_last_good_definition_of_a_broken_api(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = Fleet(monkeypatch, applies)
    fault = ApiFault(api="a", name="A", code="c", path="p", message="m", kept=True)

    async def scenario() -> None:
        await fleet.pool.apply(offer(1, api("/good")))
        fleet.replies[0] = lambda message: Applied(revision=message.revision, took_ms=1.0, faults=[fault])
        await fleet.pool.apply(offer(2, api("/broken")))
        fleet.started[0].kill()
        await settle(fleet.pool, 0)
        await settle(fleet.pool, 1)
        (told,) = fleet.started[1].channel.sent  # type: ignore[attr-defined]
        assert (told.revision, [known.base_path for known in told.definitions]) == (2, ["/good"])

    fleet.run(scenario)


def test_totals_of_dropped_requests_are_turned_into_what_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = Fleet(monkeypatch, applies)
    row = TrafficRow(1, "a", "", "", 200, "", "", 1, 0, 0, {}, {})

    async def scenario() -> None:
        incoming = fleet.started[0].channel.incoming  # type: ignore[attr-defined]
        for dropped in (2, 2, 5):
            incoming.put_nowait(Telemetry(rows=[row], served=9, dropped=dropped))
        while len(fleet.telemetry) < 3:
            await asyncio.sleep(0)
        assert [dropped for _, dropped in fleet.telemetry] == [2, 0, 3]

    fleet.run(scenario)


def test_stopping_drains_every_worker_and_starts_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = Fleet(monkeypatch, applies, applies)

    async def scenario() -> None:
        await fleet.pool.stop(4.0)
        assert fleet.pool.alive == []

    fleet.run(scenario)
    assert [worker.channel.sent for worker in fleet.started] == [[Drain(seconds=4.0)]] * 2  # type: ignore[attr-defined]


def test_a_late_worker_is_given_the_certificates_that_the_others_go_on_with(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = Fleet(monkeypatch, applies)
    fault = ApiFault(api="", name="Listener l", code="c", path="p", message="m", kept=True, listener="l")

    def with_certificate(number: int, text: str) -> Offer:
        tls = documents.Tls(certificates=[documents.Certificate(certificate=text, key="")])
        listener = Listener(id="l", name="l", port=80, host="localhost", tls=tls)
        return offer(number)._replace(
            document=documents.encode(Document(gateway="g", name="edge", listeners=[listener]))
        )

    async def scenario() -> None:
        await fleet.pool.apply(with_certificate(1, "good"))
        fleet.replies[0] = lambda message: Applied(revision=message.revision, took_ms=1.0, faults=[fault])
        await fleet.pool.apply(with_certificate(2, "broken"))
        fleet.started[0].kill()
        await settle(fleet.pool, 0)
        await settle(fleet.pool, 1)
        (told,) = fleet.started[1].channel.sent  # type: ignore[attr-defined]
        assert [known.tls.certificates[0].certificate for known in told.listeners] == ["good"]

    fleet.run(scenario)


def test_leaving_steers_new_connections_away_before_any_listener_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = Fleet(monkeypatch, applies, applies)
    monkeypatch.setattr(module, "STEERING_SECONDS", 0.0)
    monkeypatch.setattr(module, "STEERED_SECONDS", 0.0)

    async def scenario() -> None:
        await fleet.pool.leave(4.0, first=2, count=3)

    fleet.run(scenario)
    for worker in fleet.started:
        sent = worker.channel.sent  # type: ignore[attr-defined]
        assert sent[:3] == [Steer(first=2, count=3), Steer(first=2, count=1), Drain(seconds=4.0, gently=True)]


def test_a_successor_does_not_take_its_predecessor_s_ports_for_a_stranger_s(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = Fleet(monkeypatch, applies)
    known: list[list[int]] = []

    def probe(_: bytes, held: list[Listener]) -> list[Listener]:
        known.append([listener.port for listener in held])
        return held

    monkeypatch.setattr(module, "probe_listeners", probe)
    before = WorkerPool(1, lambda telemetry, dropped: None)
    before.inherit(Begin(workers=1, serving=True, listeners=[Listener(id="l", name="l", port=80)], definitions=[api()]))

    async def scenario() -> None:
        fleet.pool.inherit(before.begin(serving=True))
        await fleet.pool.apply(offer(1))
        (told,) = fleet.started[0].channel.sent  # type: ignore[attr-defined]
        assert [each.id for each in told.definitions] == ["a"]

    fleet.run(scenario)
    assert known == [[80]]


def test_the_newest_load_of_a_worker_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = Fleet(monkeypatch, applies)

    async def scenario() -> None:
        incoming = fleet.started[0].channel.incoming  # type: ignore[attr-defined]
        for load in (Load(1, 1, 0.1), Load(2, 3, 0.4), None):
            incoming.put_nowait(Telemetry(rows=[], served=0, dropped=0, load=load))
        while len(fleet.telemetry) < 3:
            await asyncio.sleep(0)
        assert fleet.pool.alive[0].load == Load(2, 3, 0.4)

    fleet.run(scenario)
