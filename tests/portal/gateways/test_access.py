"""Each registration has a user of Redis of its own."""

import hashlib
from typing import Any

import pytest
import redis

from gateway_runtime.schema.access import gateway_rules
from portal.core.errors import ApplicationError
from portal.gateways import access
from portal.gateways.models import GatewayCredential, RegistrationToken
from portal.gateways.registration import credential_create
from portal.gateways.registration_tokens import gateway_register, registration_token_create
from tests.portal.base import World
from tests.portal.gateways.fake_redis import FakeRedis


def register(world: World) -> Any:
    """Register as a machine does."""
    token = registration_token_create(actor=None, gateway=world.gateway).secret
    return gateway_register(name="edge", token=token)


def test_a_registration_has_a_user_that_is_limited_to_its_gateway(world: World, server: FakeRedis) -> None:
    url = register(world).redis_url
    user, _, rest = url.removeprefix("redis://").partition(":")
    password = rest.partition("@")[0]
    assert user == f"gateway-{world.gateway.pk}-1"
    digest = hashlib.sha256(password.encode()).hexdigest()
    assert server.users[user] == ("reset", "on", f"#{digest}", *gateway_rules(str(world.gateway.pk)))
    assert server.saved


def test_all_registrations_of_a_gateway_share_one_user(world: World, server: FakeRedis) -> None:
    assert register(world) == register(world)
    assert list(server.users) == [f"gateway-{world.gateway.pk}-1"]


def test_the_password_is_kept_encrypted(world: World, server: FakeRedis) -> None:
    from django.db import connection

    register(world)
    password = GatewayCredential.objects.get().password
    with connection.cursor() as cursor:
        cursor.execute("select password from gateways_gatewaycredential")
        assert password not in cursor.fetchone()[0]


@pytest.mark.parametrize("away", [redis.ConnectionError("away"), redis.ResponseError("NOPERM")])
def test_a_token_is_not_used_up_where_no_user_can_be_made(world: World, server: FakeRedis, away: Exception) -> None:
    server.refuses = away
    with pytest.raises(ApplicationError) as refused:
        register(world)
    assert refused.value.status == 503
    assert RegistrationToken.objects.get().used_at is None
    assert not GatewayCredential.objects.exists()


def test_a_redis_that_lets_no_users_be_made_names_the_setting(world: World, server: FakeRedis) -> None:
    server.refuses = redis.ResponseError("unknown command 'ACL'")
    with pytest.raises(ApplicationError, match="PORTICO_REDIS_ACL=no"):
        register(world)


def test_without_users_every_gateway_has_the_access_of_the_portal(world: World, settings: Any) -> None:
    settings.REDIS_ACL = False
    settings.GATEWAY_REDIS_URL = "redis://:secret@redis.example:6380/2"
    assert register(world).redis_url == settings.GATEWAY_REDIS_URL


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("redis://:secret@redis.example:6380/2", "redis://{who}@redis.example:6380/2"),
        ("rediss://admin:p%40w@10.0.0.1", "rediss://{who}@10.0.0.1"),
        ("redis://[::1]:6379/0", "redis://{who}@[::1]:6379/0"),
        ("unix:///run/redis.sock?db=3&password=secret", "unix://{who}@/run/redis.sock?db=3"),
    ],
)
def test_an_address_keeps_everything_but_who_comes(
    world: World, settings: Any, server: FakeRedis, given: str, expected: str
) -> None:
    settings.GATEWAY_REDIS_URL = given
    credential = credential_create(gateway=world.gateway, encrypt_key="k")
    assert access.access_url(credential) == expected.format(who=f"{credential.user}:{credential.password}")


class TestKeeping:
    def test_users_that_a_restart_has_lost_are_made_again(self, world: World, server: FakeRedis) -> None:
        register(world)
        before = dict(server.users)
        server.users = {}
        access.access_keep()
        assert server.users == before

    def test_what_is_as_it_should_be_is_left_alone(self, world: World, server: FakeRedis) -> None:
        register(world)
        saved = server.saved
        access.access_keep()
        assert server.saved == saved

    def test_rules_of_an_older_version_are_replaced(
        self, world: World, server: FakeRedis, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        register(world)
        monkeypatch.setattr(access, "gateway_rules", lambda gateway: ["+new"])
        access.access_keep()
        (user,) = server.users
        assert server.users[user][-1] == "+new"

    def test_a_redis_that_refuses_is_told_in_the_log(
        self, world: World, server: FakeRedis, caplog: pytest.LogCaptureFixture
    ) -> None:
        register(world)
        server.refuses = redis.ResponseError("NOPERM")
        access.access_keep()
        assert "PORTICO_REDIS_ACL=no" in caplog.text

    def test_without_users_redis_is_not_asked(self, world: World, server: FakeRedis, settings: Any) -> None:
        register(world)
        settings.REDIS_ACL = False
        server.refuses = redis.ConnectionError("away")
        access.access_keep()
