"""Policies that are settings of an API: they see no request, and shape what it is compiled from."""

from collections.abc import Iterable

from gateway_runtime.policies.registry import definition, read_config
from gateway_runtime.schema.document import ApiInstance, PolicyBinding
from gateway_runtime.schema.mode import Mode


def shaped(api: ApiInstance, bindings: Iterable[PolicyBinding]) -> ApiInstance:
    """Return an API as those of its policies make it that are settings. The bindings are in order, and can be used."""
    for binding in bindings:
        policy = definition(binding.policy)
        if policy.shape is not None and binding.mode is Mode.ENFORCE:
            api = policy.shape(read_config(policy, binding.config), api)
    return api
