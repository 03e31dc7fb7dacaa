"""What a policy is given when it is built for one binding of one API."""

from collections.abc import Callable, MutableMapping
from typing import Any

from gateway_runtime import clock as times
from gateway_runtime.clock import Clock, Sleep
from gateway_runtime.policies.context import ConsumerIndex
from gateway_runtime.policies.results import Response
from gateway_runtime.schema.policy import PolicyDefinition

# State of bindings that outlives a revision, by (binding id, name).
Kept = MutableMapping[tuple[str, str], Any]


class BindingRuntime:
    """The `PolicyRuntime` of one binding."""

    __slots__ = ("_definition", "_kept", "api", "binding", "clock", "consumers", "now", "sleep")

    def __init__(
        self,
        *,
        api: str,
        binding: str,
        definition: PolicyDefinition,
        consumers: ConsumerIndex,
        clock: Clock,
        kept: Kept,
        now: Clock = times.time,
        sleep: Sleep = times.sleep,
    ) -> None:
        self.api = api
        self.binding = binding
        self.consumers = consumers
        self.clock = clock
        self.now = now
        self.sleep = sleep
        self._definition = definition
        self._kept = kept

    def refusal(self, code: str, *, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Response:
        """Return the prebuilt answer for one of the definition's refusal codes."""
        refusal = next((r for r in self._definition.refusals if r.code == code), None)
        if refusal is None:
            raise LookupError(f"{self._definition.name} does not declare the refusal {code!r}")
        return Response(
            status=refusal.status,
            code=refusal.code,
            title=refusal.title,
            detail=refusal.detail,
            policy=self._definition.name,
            headers=headers,
        )

    def keep(self, name: str, make: Callable[[], Any]) -> Any:
        """Return state of this binding that survives a new revision, made on first use."""
        key = (self.binding, name)
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]
