"""What a renewal of a gateway's registration means for its revisions."""

import pytest

from gateway_runtime.configuration.registration import gateway_keys
from gateway_runtime.schema.envelope import EnvelopeError, unseal
from gateway_runtime.schema.replica import Registration
from portal.gateways.registration_services import registration_renew, registration_revoke
from portal.gateways.registration_tokens import gateway_register, registration_token_create
from portal.publishing import services
from portal.publishing.models import Revision
from portal.publishing.sealing import is_sealed_for_now, revision_document
from tests.portal.base import World
from tests.portal.publishing.fake_redis import FakeRedis


def register(world: World, token: str = "") -> Registration:
    token = token or registration_token_create(actor=None, gateway=world.gateway).secret
    return gateway_register(name="edge", token=token)


def publish(world: World) -> Revision:
    services.publish_request(gateway=world.gateway, message="Changed something", waits=False)
    revision = services.gateway_publish(gateway_id=world.gateway.pk)
    assert revision is not None
    return revision


def opens(registration: Registration, revision: Revision) -> bool:
    try:
        unseal(bytes(revision.envelope), gateway=registration.gateway, keys=gateway_keys(registration))
    except EnvelopeError:
        return False
    return True


def test_without_a_renewal_an_unchanged_configuration_needs_no_new_revision(
    world: World, fake_redis: FakeRedis
) -> None:
    register(world)
    assert publish(world).number == publish(world).number == 1


def test_a_renewal_seals_the_running_configuration_anew(world: World, fake_redis: FakeRedis) -> None:
    old = register(world)
    first = publish(world)
    new = register(world, registration_renew(actor=None, gateway=world.gateway, at_once=True).secret)
    second = publish(world)
    assert (second.number, second.digest) == (2, first.digest)
    assert (opens(old, first), opens(old, second)) == (True, False)
    assert (opens(new, first), opens(new, second)) == (False, True)


def test_revisions_from_before_a_renewal_can_still_be_read(world: World, fake_redis: FakeRedis) -> None:
    register(world)
    first = publish(world)
    for _ in range(2):
        registration_renew(actor=None, gateway=world.gateway, at_once=True)
    first = Revision.objects.get(pk=first.pk)
    assert not is_sealed_for_now(first)
    assert revision_document(first).gateway == str(world.gateway.pk)


@pytest.mark.parametrize("registered", [True, False])
def test_revisions_from_before_a_revocation_can_still_be_read(
    world: World, fake_redis: FakeRedis, registered: bool
) -> None:
    if registered:
        register(world)
    first = publish(world)
    registration_revoke(actor=None, gateway=world.gateway)
    register(world)
    first = Revision.objects.get(pk=first.pk)
    assert revision_document(first).gateway == str(world.gateway.pk)
    assert publish(world).number == 2
