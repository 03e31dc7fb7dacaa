"""Encrypting everything with the newest key of the ring, and doing without the older ones."""

from io import StringIO

import pytest
from cryptography.fernet import Fernet, InvalidToken
from django.core.management import CommandError, call_command
from django.db import connection

from portal.core import key_rotation
from portal.core.crypto import decrypt, encrypt
from portal.core.key_rotation import encrypted_places, keys_check, keys_rotate
from portal.gateways.models import Gateway
from tests.portal.base import World, make_gateway

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@pytest.fixture
def old_world(settings, world: World) -> World:
    """A world whose secrets are encrypted with an old key, while the ring has a newer one."""
    settings.KEY_RING = [*settings.KEY_RING]
    for gateway in Gateway.objects.all():
        secrets = gateway.signing_key, gateway.encrypt_key, gateway.secrets
        settings.KEY_RING = [OLD]
        Gateway.objects.filter(pk=gateway.pk).update(signing_key=secrets[0], encrypt_key=secrets[1], secrets=secrets[2])
        settings.KEY_RING = [NEW, OLD, BEFORE]
    return world


BEFORE = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


def of(tallies, model: type) -> list:
    return [tally for tally in tallies if tally.place.model is model]


def rotate(*arguments: str) -> str:
    out = StringIO()
    call_command("rotate_keys", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_every_encrypted_column_is_found() -> None:
    found = {str(place) for place in encrypted_places()}
    assert {
        "gateways.Gateway.signing_key", "gateways.Gateway.encrypt_key", "gateways.Gateway.secrets",
        "gateways.Certificate.private_key", "policies.PolicyBinding.secrets", "policies.AutomatedPolicy.secrets",
        "apis.Service.secrets",
    } <= found  # fmt: skip


def test_check_counts_what_needs_an_older_key_and_changes_nothing(old_world: World) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select signing_key from gateways_gateway")
        before = cursor.fetchall()
    assert all(tally.left == tally.secrets == 2 for tally in of(keys_check(), Gateway))
    with pytest.raises(CommandError, match="secrets still need an older key"):
        rotate("--check")
    with connection.cursor() as cursor:
        cursor.execute("select signing_key from gateways_gateway")
        assert cursor.fetchall() == before


def test_older_keys_can_be_removed_after_it(old_world: World, settings) -> None:
    secrets = {gateway.pk: gateway.signing_key for gateway in Gateway.objects.all()}
    text = rotate()
    assert "Every secret is encrypted with the newest key" in text
    settings.KEY_RING = [NEW]
    assert {gateway.pk: gateway.signing_key for gateway in Gateway.objects.all()} == secrets
    assert "0 left" in rotate("--check")


def test_older_keys_are_needed_before_it(old_world: World, settings) -> None:
    settings.KEY_RING = [NEW]
    with pytest.raises(InvalidToken):
        [gateway.signing_key for gateway in Gateway.objects.all()]
    with pytest.raises(CommandError, match="No key of the ring opens"):
        rotate()


def test_it_goes_on_where_it_was_stopped(old_world: World, monkeypatch) -> None:
    monkeypatch.setattr(key_rotation, "BATCH", 1)
    seen = []

    def stop(tally: key_rotation.Tally) -> None:
        seen.append(tally.renewed)
        if tally.place.model is Gateway:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        keys_rotate(told=stop)
    renewed = sum(tally.renewed for tally in of(keys_rotate(), Gateway))
    assert renewed == 3 * 2 - 1
    assert sum(tally.renewed for tally in keys_rotate()) == 0


def test_secret_that_changes_meanwhile_is_left_alone(old_world: World, monkeypatch) -> None:
    def changed_first(sealed: str) -> str:
        text = decrypt(sealed)
        Gateway.objects.filter(pk=old_world.gateway.pk).update(secrets="another")
        return text

    monkeypatch.setattr(key_rotation, "decrypt", changed_first)
    keys_rotate()
    assert Gateway.objects.get(pk=old_world.gateway.pk).secrets == "another"


def test_many_rows_are_gone_through_in_batches(old_world: World, monkeypatch) -> None:
    for number in range(5):
        make_gateway(old_world.sandbox, f"More {number}")
    monkeypatch.setattr(key_rotation, "BATCH", 2)
    told = []
    keys_rotate(told=lambda tally: told.append((str(tally.place), tally.secrets)))
    assert [count for place, count in told if place == "gateways.Gateway.secrets"] == [2, 4, 6, 7]


def test_what_is_encrypted_with_the_newest_key_is_not_touched(settings) -> None:
    settings.KEY_RING = [NEW, OLD]
    assert not key_rotation.needs_older_key(encrypt("quiet"))
    settings.KEY_RING = [OLD]
    sealed = encrypt("quiet")
    settings.KEY_RING = [NEW, OLD]
    assert key_rotation.needs_older_key(sealed)
