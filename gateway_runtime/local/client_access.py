"""Who may call what, and how often: client applications with their contracts, and tiers, for the document."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from gateway_runtime.local.faults import FileFault
from gateway_runtime.local.kinds import ClientApplication, Contract, Kind
from gateway_runtime.local.place import Place
from gateway_runtime.local.resources import Resource
from gateway_runtime.policies.rate_limiting_settings import RateLimit
from gateway_runtime.policies.registry import read_config
from gateway_runtime.schema import document
from gateway_runtime.schema.mode import Mode
from gateway_runtime.schema.policy import PolicyDefinition

# A client ID is sent in a header.
_match_client_id = re.compile("[!-~]+").fullmatch


class ClientAccess:
    """Reads them all. `faults` has what is wrong, `notes` policies that nobody has a contract for."""

    def __init__(
        self, applications: Iterable[Resource], tiers: Iterable[Resource], apis: Mapping[str, Resource]
    ) -> None:
        self._applications = list(applications)
        self._tiers = {resource.id: resource for resource in tiers}
        self._apis = apis
        self._seen: dict[str, Resource] = {}
        self.consumers: list[document.Consumer] = []
        self.contracts: list[document.Contract] = []
        self.tiers: list[document.Tier] = []
        self.faults: list[FileFault] = []
        self.notes: list[FileFault] = []

    def read(self) -> None:
        """Fill `consumers`, `contracts` and `tiers`."""
        for tier in self._tiers.values():
            try:
                self.tiers.append(_tier(tier))
            except FileFault as fault:
                self.faults.append(fault)
        for application in self._applications:
            try:
                self.consumers.append(self._consumer(application))
            except FileFault as fault:
                self.faults.append(fault)
            self._read_contracts(application)

    def note_need(
        self, binding: Resource, policy: PolicyDefinition, config: dict[str, Any], mode: Mode, targets: list[Resource]
    ) -> None:
        """Tell about a policy that lets only applications with a contract in, where none has one."""
        if mode is Mode.OFF or policy.needs_contracts is None:
            return
        if not policy.needs_contracts(read_config(policy, config)):
            return
        named = {contract.api for contract in self.contracts}
        here = binding.place.at("policyRef", "name")
        for api in targets:
            if api.id not in named:
                message = f"No ClientApplication has a contract for “{api.title}”, so this policy lets nobody in."
                self.notes.append(here.fault(message, "without_effect"))

    def _consumer(self, resource: Resource) -> document.Consumer:
        spec: ClientApplication = resource.spec
        here = resource.place.at("clientId")
        if not _match_client_id(spec.client_id):
            raise here.fault("A client ID has letters, digits and signs of ASCII, and no space.")
        first = self._seen.setdefault(spec.client_id, resource)
        if first is not resource:
            shown = first.place.at("clientId").shown
            raise here.fault(f"“{first.title}” has the same client ID ({shown}).", "client_id_in_use")
        return document.Consumer(
            id=resource.id,
            name=resource.title,
            client_id=spec.client_id,
            secrets=list(spec.client_secret_sha256 or ()),
        )

    def _read_contracts(self, application: Resource) -> None:
        first: dict[str, Place] = {}
        for index, contract in enumerate(application.spec.contracts or ()):
            place = application.place.at("contracts", index)
            try:
                made = self._contract(application, contract, place)
                if first.setdefault(made.api, place) is not place:
                    message = f"The contract for “{contract.api}” is there twice: also in {first[made.api].shown}."
                    raise place.fault(message, "duplicate_contract")
                self.contracts.append(made)
            except FileFault as fault:
                self.faults.append(fault)

    def _contract(self, application: Resource, contract: Contract, place: Place) -> document.Contract:
        namespace = contract.namespace or application.namespace
        api = _find(self._apis, Kind.API_INSTANCE, contract.api, namespace, place.at("api"))
        tier = ""
        if contract.tier is not None:
            tier = _find(self._tiers, Kind.SLA_TIER, contract.tier, namespace, place.at("tier"))
        return document.Contract(api=api, consumer=application.id, tier=tier)


def _find(known: Mapping[str, Resource], kind: Kind, name: str, namespace: str, place: Place) -> str:
    """Return the id of what a contract names. Raises `FileFault`."""
    id = f"{namespace}/{name}"
    if id in known:
        return id
    names = sorted(each.name for each in known.values() if each.namespace == namespace)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f" Did you mean “{near[0]}”?" if near else ""
    raise place.fault(f"There is no {kind} “{name}” in the namespace “{namespace}”.{hint}", "unknown_target")


def _tier(resource: Resource) -> document.Tier:
    limits: list[RateLimit] = resource.spec.limits
    seen: set[int | str | None] = set()
    for index, limit in enumerate(limits):
        period = limit.calendar_period or limit.time_period_in_milliseconds
        if period in seen:
            raise resource.place.at("limits", index).fault("Two limits have the same period. Keep the stricter one.")
        seen.add(period)
    return document.Tier(
        id=resource.id,
        name=resource.title,
        limits=[
            document.TierLimit(
                maximum_requests=limit.maximum_requests,
                period_ms=limit.time_period_in_milliseconds or 0,
                calendar_period=limit.calendar_period or "",
            )
            for limit in limits
        ],
    )
