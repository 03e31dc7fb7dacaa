"""Where an automated policy applies, and where it does not and why."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import models

from portal.apis.models import ApiInstance, InstanceStatus
from portal.gateways.models import Gateway
from portal.policies.effective import effective_policies, matches
from portal.policies.models import AutomatedPolicy, PolicyBinding


class CoverageState(models.TextChoices):
    """What an automated policy means for one instance."""

    COVERED = "covered", "Covered"
    REPLACES = "replaces", "Covered, own one set aside"
    STOPPED = "stopped", "Covered when started"
    LABELS = "labels", "Not selected"
    ANOTHER = "another", "Another one applies"
    OFF = "off", "Switched off"


@dataclass(frozen=True, slots=True)
class Coverage:
    """One instance under an automated policy. `reason` is a sentence, "" where it simply applies."""

    instance: ApiInstance
    state: CoverageState
    reason: str = ""

    @property
    def covered(self) -> bool:
        """Tell whether requests to the instance meet the policy."""
        return self.state in (CoverageState.COVERED, CoverageState.REPLACES)


_NEEDED = (
    "label", "labels", "status", "base_path", "environment", "gateway",
    "api_version__version", "api_version__api__name",
)  # fmt: skip


def coverage_of(automated: AutomatedPolicy, instances: Any) -> list[Coverage]:
    """Return what an automated policy means for some instances of its environment, in a few queries."""
    policies = list(AutomatedPolicy.objects.filter(environment=automated.environment_id))
    # No policy of another kind changes what this one means.
    of_its_kind = PolicyBinding.objects.filter(
        instance__environment=automated.environment_id, policy=automated.policy
    ).only("instance", "policy", "enabled", "shadow", "order")
    own: defaultdict[Any, list[PolicyBinding]] = defaultdict(list)
    for binding in of_its_kind:
        own[binding.instance_id].append(binding)
    gateways = Gateway.objects.filter(environment=automated.environment_id).in_bulk()
    listed = instances.filter(environment=automated.environment_id).select_related("api_version__api")
    found = []
    for instance in listed.only(*_NEEDED):
        # Read once, though a thousand instances have it.
        instance.environment, instance.gateway = automated.environment, gateways[instance.gateway_id]
        found.append(_coverage(automated, instance, policies, own[instance.pk]))
    return found


def _coverage(
    automated: AutomatedPolicy, instance: ApiInstance, policies: Iterable[AutomatedPolicy], own: list[PolicyBinding]
) -> Coverage:
    if not automated.enabled:
        return Coverage(instance, CoverageState.OFF, "The policy is switched off.")
    if not matches(automated, instance):
        lacking = [
            f"{name}={value}" for name, value in automated.selector.items() if instance.labels.get(name) != value
        ]
        return Coverage(instance, CoverageState.LABELS, f"It lacks the label {', '.join(lacking)}.")
    found = effective_policies(instance, policies, own)
    if automated.pk not in {each.pk for each in found.automated}:
        return Coverage(instance, CoverageState.ANOTHER, "An earlier automated policy of the same kind applies.")
    if instance.status != InstanceStatus.ACTIVE:
        return Coverage(instance, CoverageState.STOPPED, "It is stopped and serves no requests.")
    if any(each.pk == automated.pk for each in found.set_aside.values()):
        return Coverage(instance, CoverageState.REPLACES, "Its own policy of this kind does not act meanwhile.")
    return Coverage(instance, CoverageState.COVERED)


def gateways_reached(environment: Any, selectors: Iterable[dict[str, str]]) -> list[Gateway]:
    """Return the gateways with an active instance that any of the selectors selects, each once."""
    wanted = list(selectors)
    instances = ApiInstance.objects.filter(environment=environment, status=InstanceStatus.ACTIVE)
    found = {
        gateway
        for gateway, labels in instances.values_list("gateway_id", "labels")
        if any(selector.items() <= labels.items() for selector in wanted)
    }
    return list(Gateway.objects.filter(pk__in=found))
