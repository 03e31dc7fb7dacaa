"""Applications, tiers and contracts for tests, made by the services that make the real ones."""

from contextlib import contextmanager
from typing import Any

from portal.accounts.models import User
from portal.apis.models import ApiInstance
from portal.catalog.models import Visibility
from portal.contracts.models import Approval, ClientApplication, Contract, SlaTier
from portal.contracts.services import application_create, contract_request, tier_create
from portal.gateways import signals
from tests.portal.base import PortalTestCase

PER_MINUTE = {"maximumRequests": 10, "timePeriodInMilliseconds": 60_000}


def make_application(owner: User, name: str = "Shop app", **fields: Any) -> ClientApplication:
    """Make an application with its first secret."""
    return application_create(actor=owner, name=name, **fields).application


def make_tier(instance: ApiInstance, name: str = "Gold", *, approval: str = Approval.MANUAL, actor: User) -> SlaTier:
    """Make a tier of ten requests per minute."""
    return tier_create(actor=actor, instance=instance, name=name, limits=[PER_MINUTE], approval=approval)


class ContractTestCase(PortalTestCase):
    """The world with a public API and an application of Cora."""

    application: ClientApplication

    @classmethod
    def setUpTestData(cls) -> None:
        """Publish the API and make the application."""
        super().setUpTestData()
        cls.world.api.visibility = Visibility.PUBLIC
        cls.world.api.save()
        cls.application = make_application(cls.world.cora)

    def request_access(self, tier: SlaTier | None = None, **changes: Any) -> Contract:
        """Ask access for Cora's application."""
        asked = {"actor": self.world.cora, "application": self.application, "instance": self.world.instance}
        return contract_request(**(asked | {"tier": tier} | changes))

    def pending_contract(self) -> Contract:
        """Ask for a tier that somebody has to approve."""
        return self.request_access(make_tier(self.world.instance, actor=self.world.ada))

    @contextmanager
    def published(self) -> Any:
        """Collect the gateways whose configuration was said to change."""
        gateways: list[Any] = []

        def note(gateway: Any, **_: Any) -> None:
            gateways.append(gateway)

        signals.receiver_connect(note)
        try:
            yield gateways
        finally:
            signals._configuration_changed.disconnect(note)
