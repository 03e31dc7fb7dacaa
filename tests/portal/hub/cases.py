"""The world of the hub's tests: Acme's public Orders API with a specification, and Olaf's private one."""

import hashlib
import json
from typing import Any

from portal.catalog.models import ApiVersion, Specification, Visibility
from tests.portal.contracts.factories import ContractTestCase
from tests.portal.hub.specification import ORDERS


def describe(version: ApiVersion, document: dict[str, Any]) -> Specification:
    """Give a version its specification."""
    source = json.dumps(document)
    return Specification.objects.create(
        api_version=version,
        source=source,
        document=document,
        openapi=document["openapi"],
        digest=hashlib.sha256(source.encode()).hexdigest(),
    )


class HubTestCase(ContractTestCase):
    """A public API with a specification (Acme), a private one (Other), and Cora's application."""

    @classmethod
    def setUpTestData(cls) -> None:
        """Describe both APIs."""
        super().setUpTestData()
        describe(cls.world.api_version, ORDERS)
        describe(cls.world.other_api.versions.get(), ORDERS)

    def hub_addresses(self, provider: str, slug: str, instance: Any) -> list[str]:
        """Return every address of an API."""
        base = f"/hub/apis/{provider}/{slug}/"
        return [
            base,
            f"{base}v1/reference/",
            f"{base}v1/operations/",
            f"{base}v1/openapi.json",
            f"{base}access/",
            f"{base}access/{instance.pk}/",
        ]

    def publish_world(self) -> None:
        """Make Olaf's API public too."""
        self.world.other_api.visibility = Visibility.PUBLIC
        self.world.other_api.save()
