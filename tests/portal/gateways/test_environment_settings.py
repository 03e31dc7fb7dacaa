"""What an environment's own settings mean for its gateways."""

import pytest

from portal.gateways import services
from portal.organizations.services import environment_change
from tests.portal.base import World


def test_change_of_an_environment_reaches_its_gateways_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []
    monkeypatch.setattr(services, "gateway_configuration_changed", lambda *, gateway, **_: told.append(gateway))
    environment_change(
        environment=world.production, actor=world.ada, name="Production", kind="production", allow_private_targets=True
    )
    assert told == [world.gateway]
