"""A real gateway between a raw client and a recording service, and the rule by which every variant is judged."""

from __future__ import annotations

import asyncio
import itertools
import os
import re
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway_runtime.schema.document import (
    ApiInstance,
    Consumer,
    Contract,
    Document,
    Listener,
    PolicyBinding,
    Route,
    Rule,
    Service,
    Target,
)
from gateway_runtime.schema.limits import TrustedProxies
from gateway_runtime.tasks import spawn
from tests.attacks.balancers import TRUSTED_NETWORK
from tests.attacks.client import Conversation, NotAnAnswer, RawClient
from tests.attacks.scripts import SLOW
from tests.attacks.upstream import TOKEN_LENGTH, Upstream
from tests.attacks.variants import HOST, TOKEN, Case, Variant, head
from tests.integration.gateway.conftest import GatewayProcess

SIDE_BY_SIDE = 16
CASE_SECONDS = 40
# What is on its way to the service when the last answer has come has arrived by then.
_SETTLE_SECONDS = 0.03
_LOCK = {"username": "ada", "password": "sesame"}
_SECRET_DIGEST = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"  # SHA-256 of “secret”


def battlefield(gateway: str, ports: dict[str, int], service_port: int) -> Document:
    """Return the document: open, locked and registered APIs with one service behind all of them.

    The listener `usual` knows nothing but their base paths; `default` has an open API for all other paths, too;
    `balanced` stands behind a load balancer that speaks the PROXY protocol.
    """

    def api(
        id: str, base_path: str, *policies: PolicyBinding, rules: tuple[Rule, ...] = (), listener: str = "usual"
    ) -> ApiInstance:
        service = Service(id=f"{id}-service", name=id, targets=[Target(host="127.0.0.1", port=service_port)])
        return ApiInstance(
            id=id, name=id, listener=listener, base_path=base_path, services=[service], policies=list(policies),
            routes=[Route(id=f"{id}-route", name="all", service=service.id, rules=list(rules))],
        )  # fmt: skip

    lock = PolicyBinding(id="lock", policy="http-basic-authentication", order=1, config=_LOCK)
    part_lock = PolicyBinding(
        id="part", policy="http-basic-authentication", order=1, config=_LOCK, rules=[Rule(path="/admin(/.*)?")]
    )
    badge = PolicyBinding(id="badge", policy="client-id-enforcement", order=1)
    whole = PolicyBinding(id="whole", policy="body-reading", order=2, config={"refuse": "evil-body"})
    stream = PolicyBinding(id="stream", policy="body-reading", order=2, config={"way": "stream", "refuse": "evil-body"})
    return Document(
        gateway=gateway,
        name="edge",
        allow_private_targets=True,
        trusted_proxies=TrustedProxies(networks=[TRUSTED_NETWORK]),
        listeners=[
            Listener(id=name, name=name, port=port, host="127.0.0.1", proxy_protocol=name == "balanced")
            for name, port in ports.items()
        ],
        apis=[
            api("open", "/public"),
            api("locked", "/secret", lock),
            api("registered", "/members", badge),
            api("partly", "/partly", part_lock),
            # As long as `/public`, so that the lengths in an attack stay true.
            api("judged", "/judged", whole),
            api("sieved", "/sieved", stream),
            api("locked-judged", "/inside", lock, whole),
            api("reading", "/reading", rules=(Rule(path="/(item/.*)", methods="GET|HEAD", host="gateway[.]test"),)),
            api("chosen", "/chosen", rules=(Rule(headers={"x-mode": "[a-z]+"}),)),
            # Whatever no other API takes comes to the last of these, at the same service and without a lock.
            api("open-too", "/public", listener="default"),
            api("locked-too", "/secret", lock, listener="default"),
            api("rest", "", listener="default"),
            api("behind", "/public", listener="balanced"),
        ],
        consumers=[
            Consumer(id="app", name="App", client_id="app", secrets=[_SECRET_DIGEST]),
            Consumer(id="stranger", name="Stranger", client_id="stranger", secrets=[_SECRET_DIGEST]),
        ],
        contracts=[Contract(api="registered", consumer="app")],
    )


@dataclass
class Arena:
    """The running things, and the loop in which client and service live. `slow` are requests that wait all the time."""

    gateway: GatewayProcess
    upstream: Upstream
    ports: dict[str, int]
    runner: asyncio.Runner
    slow: list[asyncio.Task[int]] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run something in the arena's loop."""
        return self.runner.run(coroutine)

    def token(self) -> bytes:
        """Return a name that nothing else has."""
        return b"t%011x" % next(self._numbers)

    def memory_bytes(self) -> int:
        """Return how much memory the gateway's worker holds."""
        pid = self.gateway.worker_pids()[0]
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    async def begin_slow(self) -> None:
        """Ask services that never answer, so that everything else happens meanwhile."""
        for script in SLOW * 5:
            self.slow.append(spawn("slow", self._ask_slow(script)))

    async def _ask_slow(self, script: bytes) -> int:
        client = await RawClient.connect(self.ports["usual"])
        try:
            await client.send(head(HOST, target=b"/public/" + self.token() + b"/do/" + script))
            # The loop stands still between two tests, and time goes on: the test that waits for the end has the limit.
            answer = await client.answer(seconds=None)
            assert answer is not None, f"no answer where the service is {script!r}"
            return answer.status
        finally:
            await client.close()

    async def judge(self, case: Case) -> None:
        """Run every variant of a case. Raises AssertionError with what went wrong, by variant."""
        gate = asyncio.Semaphore(SIDE_BY_SIDE)
        async with asyncio.timeout(CASE_SECONDS):
            found = await asyncio.gather(*(self._one(case, variant, gate) for variant in case.variants))
        await asyncio.sleep(_SETTLE_SECONDS)
        faults = [fault for token, fault in found if fault]
        for variant, (token, fault) in zip(case.variants, found, strict=True):
            if not fault:
                faults += self._traces(case, variant, token)
        assert not faults, f"{len(faults)} of {len(case.variants)} variants:\n" + "\n".join(faults[:12])
        self.check_health()

    def check_health(self) -> None:
        """The worker is the one it was, and has logged no failure."""
        failures = [line for line in self.gateway.log.splitlines() if '"log.level":"error"' in line]
        assert not failures, failures[:3]
        assert not self.gateway.events("worker_ended"), "a worker has died"

    async def _one(self, case: Case, variant: Variant, gate: asyncio.Semaphore) -> tuple[bytes, str]:
        token = self.token()
        async with gate:
            try:
                await self._fight(case, variant, token)
                await self.ask_ordinarily()
            except (AssertionError, NotAnAnswer, TimeoutError, ConnectionError) as error:
                sent = b"".join(variant.pieces)[:300]
                return token, f"- {variant.label}: {type(error).__name__}: {error}\n    sent {sent!r}"
        return token, ""

    async def _fight(self, case: Case, variant: Variant, token: bytes) -> None:
        client = await RawClient.connect(self.ports[case.listener])
        try:
            await client.send(*_named(variant.pieces, token))
            expected = [frozenset({200})] * variant.before + list(case.outcome.statuses)
            head_only = b"".join(variant.pieces).startswith(b"HEAD ")
            found = await client.conversation(len(expected), head_only=head_only)
            _check_answers(found, expected, case.outcome.closed)
            if case.outcome.closed is False:
                await self._ask(client)
            if case.outcome.look is not None:
                case.outcome.look(self.upstream.seen(token)[variant.before :], found.answers[variant.before :])
        finally:
            await client.close()

    def _traces(self, case: Case, variant: Variant, token: bytes) -> list[str]:
        seen = self.upstream.seen(token)
        faults = []
        if case.outcome.upstream is None:
            if any(b"/smuggled" in request.line for request in seen):
                faults.append(f"- {variant.label}: the service saw what was hidden")
        elif len(seen) != case.outcome.upstream + variant.before:
            faults.append(f"- {variant.label}: the service saw {len(seen)}: {[request.line for request in seen]}")
        if not case.outcome.partly and self.upstream.partly_seen(token):
            faults.append(f"- {variant.label}: the service saw a part")
        return faults

    async def ask_ordinarily(self) -> None:
        """An ordinary request on a new connection is answered rightly; now and then, a locked API is still locked."""
        client = await RawClient.connect(self.ports["usual"])
        try:
            await self._ask(client)
            if next(self._numbers) % 4:
                return
            await client.send(head(HOST, target=b"/secret/" + self.token()))
            answer = await client.answer()
            assert answer is not None, "no answer where credentials are missing"
            assert answer.status == 401, answer
        finally:
            await client.close()

    async def _ask(self, client: RawClient) -> None:
        token = self.token()
        await client.send(head(HOST, target=b"/public/" + token))
        answer = await client.answer()
        assert answer is not None, "no answer to an ordinary request"
        assert (answer.status, answer.body) == (200, b"seen /" + token), answer
        assert len(self.upstream.seen(token)) == 1


def _named(pieces: tuple[bytes, ...], token: bytes) -> tuple[bytes, ...]:
    """Put the variant's own name in, also where the stand-in is cut in two."""
    assert len(token) == TOKEN_LENGTH
    data = b"".join(pieces)
    data = re.sub(re.escape(TOKEN), token, data)
    named, start = [], 0
    for piece in pieces:
        named.append(data[start : start + len(piece)])
        start += len(piece)
    return tuple(named)


def _check_answers(found: Conversation, expected: list[frozenset[int]], closed: bool | None) -> None:
    assert len(found.answers) == len(expected), f"answers {found.statuses}, expected {[set(e) for e in expected]}"
    for answer, allowed in zip(found.answers, expected, strict=True):
        assert answer.status in allowed, f"answers {found.statuses}, expected {[set(e) for e in expected]}"
    assert not found.rest, f"more came: {found.rest[:200]!r}"
    if closed is not None:
        assert found.closed is closed, f"closed: {found.closed} after {found.statuses}"
