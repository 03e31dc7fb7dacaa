"""The policies of an API as its document binds them: read, built, and held to what a binding may say."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import Any

from gateway_runtime.configuration.limits import most_buffered
from gateway_runtime.consumers.index import ApiConsumers
from gateway_runtime.directories.directory import Directories
from gateway_runtime.fetching.remote import Remotes
from gateway_runtime.fetching.service import AskedServices
from gateway_runtime.policies.chain import Binding
from gateway_runtime.policies.conditions import compile_condition
from gateway_runtime.policies.registry import definition, read_config
from gateway_runtime.policies.runtime import BindingRuntime
from gateway_runtime.policies.shadow import count_nothing, shadowed
from gateway_runtime.schema.document import ApiInstance, PolicyBinding, Surroundings
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.mode import Mode
from gateway_runtime.state.shared import SharedState
from gateway_runtime.upstream.registry import PoolRegistry

# Takes the API, the application, the policy, the reason code and the status of what shadow mode let pass.
CountShadow = Callable[[str, str, str, str, int], None]


class BindingBuilder:
    """Builds bindings for one worker, and holds what policies share and keep from one revision to the next."""

    def __init__(
        self,
        pools: PoolRegistry,
        clock: Callable[[], float],
        count_shadow: CountShadow | None = None,
        add_line: Callable[[bytes], None] | None = None,
        *,
        is_first: bool = True,
    ) -> None:
        self.remotes = Remotes(pools.surroundings, clock)
        self._directories = Directories(pools.surroundings, clock)
        self._services = AskedServices(pools)
        self._clock = clock
        self._count_shadow = count_shadow
        self._add_line = add_line
        # Whether this worker does what need not be done by all.
        self._is_first = is_first
        self._kept: dict[tuple[str, str], Any] = {}

    def build(
        self,
        document: Surroundings,
        api: ApiInstance,
        position: int,
        binding: PolicyBinding,
        consumers: ApiConsumers,
        shared: SharedState | None,
        built: list[BindingRuntime],
        counted_as: str,
    ) -> Binding:
        """Return the built policy, and add to `built` what it was built with. Raises `ConfigFault`.

        `counted_as` is the label of the API's requests where they are counted.
        """
        path = f"policies[{position}]"
        try:
            policy = definition(binding.policy)
            config = read_config(policy, binding.config)
        except ConfigFault as fault:
            raise ConfigFault(f"{path}.{fault.path}".rstrip("."), fault.code, fault.message) from fault
        if policy.whole_api and binding.rules:
            message = f"The policy “{policy.name}” is for a whole API and cannot have rules."
            raise ConfigFault(f"{path}.rules", "invalid_value", message)
        runtime = BindingRuntime(
            api=api.id,
            binding=binding.id,
            definition=policy,
            consumers=consumers,
            clock=self._clock,
            kept=self._kept,
            shared=shared,
            remotes=self.remotes,
            directories=self._directories,
            services=self._services,
            is_first=self._is_first,
            api_name=api.name,
            add_line=self._add_line,
            specification=api.specification,
        )
        handlers = policy.build(config, runtime)
        built.append(runtime)
        if binding.mode is Mode.SHADOW:
            if not policy.can_shadow:
                message = f"The policy “{policy.name}” cannot be in shadow mode: it has no verdict to record."
                raise ConfigFault(f"{path}.mode", "shadow_not_possible", message)
            count = partial(self._count_shadow, counted_as) if self._count_shadow is not None else count_nothing
            handlers = shadowed(policy.name, handlers, count, most_buffered(document, api))
        return Binding(policy.name, handlers, compile_condition(binding.rules, path))

    def retain(self, bindings: Collection[str]) -> None:
        """Let go of what was kept for other bindings than these."""
        self._kept = {key: state for key, state in self._kept.items() if key[0] in bindings}
