"""The specifications that policies work by: read only where one asks, and once for each API version."""

from typing import Any

import msgspec

from gateway_runtime.policies.registry import all_definitions
from gateway_runtime.schema.policy import PolicyConfig, PolicyDefinition
from portal.catalog.models import Specification
from portal.gateways.models import Gateway


class UnusableSpecification(Exception):
    """An API has no specification that a policy could work by; the sentence says why."""


class Specifications:
    """The specifications of the API versions on one gateway that have a policy by which they may be needed."""

    def __init__(self, gateway: Gateway, automated: list[Any]) -> None:
        self._gateway = gateway
        self._automated = automated
        self._texts: dict[Any, str] | None = None

    def text(self, api_version_id: Any, policy: PolicyDefinition) -> str:
        """Return the specification of an API version for a policy. Raises `UnusableSpecification`."""
        if self._texts is None:
            self._texts = self._read()
        text = self._texts.get(api_version_id)
        if text is None:
            raise UnusableSpecification("the API version has no specification. Import one.")
        if policy.check_specification is not None:
            try:
                policy.check_specification(text)
            except ValueError as error:
                raise UnusableSpecification(str(error)) from error
        return text

    def _read(self) -> dict[Any, str]:
        names = [each.name for each in all_definitions() if each.needs_specification is not None]
        found = Specification.objects.filter(api_version__instances__gateway=self._gateway)
        if not any(each.policy in names for each in self._automated):
            found = found.filter(
                api_version__instances__policies__policy__in=names, api_version__instances__policies__enabled=True
            )
        rows = found.distinct().values_list("api_version_id", "document")
        return {version: msgspec.json.encode(document).decode() for version, document in rows.iterator()}


def asks(policy: PolicyDefinition, config: PolicyConfig) -> bool:
    """Tell whether a policy with these settings works by the specification of its API."""
    return policy.needs_specification is not None and policy.needs_specification(config)
