"""Encrypted fields: opened when they are read, and only then."""

import pytest

from portal.core import crypto
from portal.core.crypto import Sealed
from portal.gateways.models import Gateway
from tests.portal.base import World


def test_reading_a_row_opens_no_secret(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    decrypt = crypto.decrypt
    monkeypatch.setattr(crypto, "decrypt", lambda token: opened.append(token) or decrypt(token))
    gateway = Gateway.objects.get(pk=world.gateway.pk)
    assert opened == []
    assert gateway.signing_key == gateway.signing_key == world.gateway.signing_key
    assert len(opened) == 1


def test_a_row_that_is_saved_unread_keeps_its_secret(world: World) -> None:
    gateway = Gateway.objects.get(pk=world.gateway.pk)
    gateway.name = "Renamed"
    gateway.save()
    assert Gateway.objects.get(pk=gateway.pk).signing_key == world.gateway.signing_key


def test_lists_of_values_do_not_show_it(world: World) -> None:
    [found] = Gateway.objects.filter(pk=world.gateway.pk).values_list("signing_key", flat=True)
    assert isinstance(found, Sealed)
    assert world.gateway.signing_key not in repr(found)
    assert found.open() == world.gateway.signing_key
