"""Policies that give a Service credentials: bound to it, they are policies of the instances that send to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from msgspec import structs

from gateway_runtime.local.faults import FileFault
from gateway_runtime.local.place import Place
from gateway_runtime.local.policies import read_config, read_mode
from gateway_runtime.local.resources import Resource
from gateway_runtime.policies.registry import definition
from gateway_runtime.schema import document

# After every policy that can be ordered, and before the router.
LAST_ORDER = 2**31 - 2


class ServiceCredentials:
    """What is bound to each Service. `faults` are those that show only when every route is known."""

    def __init__(self) -> None:
        self._bound: defaultdict[str, list[tuple[Resource, document.PolicyBinding]]] = defaultdict(list)
        self.faults: list[FileFault] = []

    def bind(self, binding: Resource, service: Resource) -> None:
        """Take a binding. Raises `FileFault`."""
        spec, place = binding.spec, binding.place
        policy = definition(spec.policy_ref.name)
        if spec.rules:
            message = f"The policy “{policy.name}” is for a whole Service and cannot have rules."
            raise place.at("rules").fault(message)
        config = read_config(policy, spec.config, place.at("config"))
        made = document.PolicyBinding(
            id=binding.id,
            policy=policy.name,
            order=LAST_ORDER,
            config=config,
            mode=read_mode(spec, policy, place.at("mode")),
        )
        self._bound[service.id].append((binding, made))

    def of(self, api: Resource, services: Iterable[str]) -> Iterator[document.PolicyBinding]:
        """Yield the policies of an instance that sends to these services.

        A policy of an instance is for all that it sends, so with several services another one would get the secret.
        """
        used = set(services)
        for service in sorted(used):
            for binding, made in self._bound[service]:
                if len(used) > 1:
                    self.faults.append(_shared(binding.place.at("targetRef"), api))
                else:
                    yield structs.replace(made, id=f"{api.id} {made.id}")


def _shared(place: Place, api: Resource) -> FileFault:
    message = (
        f"“{api.title}” sends to other services too, and they would get these credentials. Give this service an "
        "instance of its own."
    )
    return place.fault(message, "not_supported")
