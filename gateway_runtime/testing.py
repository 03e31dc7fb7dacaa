"""A policy on its own, for tests: built as the gateway does it and sent requests, without sockets or waiting."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from gateway_runtime.consumers.index import ApiConsumers, Directory
from gateway_runtime.directories.directory import Directories
from gateway_runtime.fetching.remote import Remotes
from gateway_runtime.fetching.service import AskedServices
from gateway_runtime.policies.chain import Binding, Chain
from gateway_runtime.policies.context import RequestContext
from gateway_runtime.policies.registry import definition, read_config
from gateway_runtime.policies.results import NEEDS_BODY, Response
from gateway_runtime.policies.runtime import BindingRuntime
from gateway_runtime.schema.document import Consumer, Tier
from gateway_runtime.schema.policy import PolicyDefinition


class FakeSleep:
    """Sleeping that ends when a clock is moved. `waiting` are those who sleep, by the time at which they wake."""

    def __init__(self, clock: "FakeClock") -> None:
        self._clock = clock
        self.waiting: list[tuple[float, asyncio.Future[None]]] = []

    async def __call__(self, seconds: float) -> None:
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.append((self._clock.now + seconds, sleeper))
        await sleeper

    async def advance(self, seconds: float) -> None:
        """Let time pass, and everybody who wakes do what is next."""
        self._clock.advance(seconds)
        for entry in [entry for entry in self.waiting if entry[0] <= self._clock.now]:
            self.waiting.remove(entry)
            entry[1].set_result(None)
        for _ in range(5):
            await asyncio.sleep(0)


class FakeClock:
    """Monotonic seconds that pass when told."""

    def __init__(self, start: float = 1000.0) -> None:
        self.now = start

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class SentRequest(RequestContext):
    """A request with a body that nobody has read yet."""

    __slots__ = ("sent",)

    sent: bytes


def request(
    method: str = "GET",
    path: str = "/",
    headers: dict[str, str] | list[tuple[str, str]] | None = None,
    *,
    client_ip: str = "192.0.2.1",
    application: str = "",
    body: bytes = b"",
) -> SentRequest:
    """Return the context of a request. Its body is read where a policy asks for it: see `PolicyCase.send`."""
    pairs = headers.items() if isinstance(headers, dict) else headers or ()
    target, _, query = path.partition("?")
    context = SentRequest(
        method.encode(),
        target.encode(),
        query.encode(),
        [(name.lower().encode(), value.encode("latin-1")) for name, value in pairs],
        client_ip,
        b"request-1",
    )
    context.application = application
    context.body_length = len(body)
    context.sent = body
    return context


class PolicyCase:
    """One policy built from plain settings. `keep=` another case's `kept` to stand for the next revision."""

    def __init__(
        self,
        name: str | PolicyDefinition,
        config: dict[str, Any],
        *,
        consumers: Iterable[Consumer] = (),
        strangers: Iterable[Consumer] = (),
        clock: FakeClock | None = None,
        kept: dict[tuple[str, str], Any] | None = None,
        remotes: Remotes | None = None,
        directories: Directories | None = None,
        services: AskedServices | None = None,
        shared: Any = None,
        specification: str = "",
        tiers: Mapping[str, Tier] | None = None,
        binding: str = "binding-1",
    ) -> None:
        self.definition = definition(name) if isinstance(name, str) else name
        self.clock = clock or FakeClock()
        self.sleep = FakeSleep(self.clock)
        self.lines: list[bytes] = []
        self.kept: dict[tuple[str, str], Any] = {} if kept is None else kept
        directory = Directory()
        directory.fill([*consumers, *strangers])
        runtime = BindingRuntime(
            api="api-1",
            binding=binding,
            definition=self.definition,
            consumers=ApiConsumers(directory, consumers, tiers),
            clock=self.clock,
            kept=self.kept,
            now=self.clock,
            sleep=self.sleep,
            remotes=remotes,
            directories=directories,
            services=services,
            shared=shared,
            api_name="Orders",
            add_line=self.lines.append,
            specification=specification,
        )
        self.handlers = self.definition.build(read_config(self.definition, config), runtime)
        self.chain = Chain([Binding(self.definition.name, self.handlers)])

    def send(self, context: SentRequest) -> Response | None:
        """Run the request phases of a policy that needs no I/O. Its body is read where the policy asks for it."""
        result = self.chain.run_request(context)
        if result is NEEDS_BODY:
            context.body = context.sent
            result = self.chain.resume_request(context)
        assert result is None or isinstance(result, Response)
        return result

    async def ask(self, context: SentRequest) -> Response | None:
        """Run the request phases of a policy that may wait."""
        result = self.chain.run_request(context)
        while not (result is None or isinstance(result, Response)):
            if result is NEEDS_BODY:
                context.body = context.sent
                result = self.chain.resume_request(context)
            else:
                result = await result  # type: ignore[misc]
        return result

    def answer(
        self, context: RequestContext, headers: dict[str, str] | None = None, status: int = 200, body: bytes = b""
    ) -> dict[str, str]:
        """Run the response phases and return the response's headers. `context.response_body` is what was asked for."""
        context.response_status = status
        context.response_headers = [(n.lower().encode(), v.encode()) for n, v in (headers or {}).items()]
        waiting = self.chain.run_response(context)
        if waiting is NEEDS_BODY:
            context.response_body = body
            waiting = self.chain.resume_response(context)
        assert waiting is None
        return {name.decode(): value.decode() for name, value in context.response_headers}

    async def answer_later(
        self, context: RequestContext, headers: dict[str, str] | None = None, status: int = 200, body: bytes = b""
    ) -> None:
        """Run the response phases of a policy that may wait. The answer is in the context then."""
        context.response_status = status
        context.response_headers = [(n.lower().encode(), v.encode()) for n, v in (headers or {}).items()]
        waiting = self.chain.run_response(context)
        while waiting is not None:
            if waiting is NEEDS_BODY:
                context.response_body = body
                waiting = self.chain.resume_response(context)
            else:
                waiting = await waiting  # type: ignore[misc]

    def end(self, context: RequestContext) -> None:
        """Tell the policy that the request is over."""
        for ended in self.chain.ended:
            ended(context)


def policy_case(name: str | PolicyDefinition, config: dict[str, Any] | None = None, **more: Any) -> PolicyCase:
    """Build a policy, by name or from its definition; without settings, from its own example."""
    policy = definition(name) if isinstance(name, str) else name
    return PolicyCase(policy, policy.example if config is None else config, **more)
