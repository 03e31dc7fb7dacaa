"""Replacing the registration of a gateway, and taking it away."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
import redis
from django.utils import timezone

from gateway_runtime.configuration.registration import gateway_keys
from gateway_runtime.schema import keys
from gateway_runtime.schema.access import gateway_rules, revoked_rules
from gateway_runtime.schema.envelope import EnvelopeError, seal, unseal
from gateway_runtime.schema.replica import Registration
from gateway_runtime.schema.revocation import read_revocation
from portal.audit.models import AuditEvent
from portal.core.errors import ApplicationError
from portal.core.links import console_url
from portal.gateways import access
from portal.gateways.models import Gateway, GatewayCredential, Revocation
from portal.gateways.registration import registration_is_current
from portal.gateways.registration_services import (
    registration_renew,
    registration_revoke,
    registrations_expire,
)
from portal.gateways.registration_tokens import gateway_register, registration_token_create
from portal.gateways.selectors import ConnectionState, gateway_status
from portal.gateways.services import gateway_create, gateway_delete
from portal.gateways.signals import _configuration_changed, receiver_connect
from tests.portal.base import World, client_of
from tests.portal.gateways.fake_redis import FakeRedis


def register(gateway: Gateway, token: str = "") -> Registration:
    """Register as a machine does, with a new token or a given one."""
    token = token or registration_token_create(actor=None, gateway=gateway).secret
    return gateway_register(name=gateway.slug, token=token)


def opens(registration: Registration, gateway: Gateway) -> bool:
    """Tell whether a registration opens what is sealed for the gateway now."""
    gateway.refresh_from_db()
    sealed = seal(
        b"{}", gateway=str(gateway.pk), revision=1, digest="d", created_at=1.0, signing_key=gateway.signing_key,
        encrypt_key=gateway.encrypt_key,
    )  # fmt: skip
    try:
        return unseal(sealed, gateway=str(gateway.pk), keys=gateway_keys(registration))[1] == b"{}"
    except EnvelopeError:
        return False


def rules_of(server: FakeRedis, registration: Registration) -> list[str]:
    """Return what the user of a registration may do."""
    user = registration.redis_url.removeprefix("redis://").partition(":")[0]
    return list(server.users[user][3:])


@pytest.fixture
def gateway(world: World, server: FakeRedis, django_capture_on_commit_callbacks: Any) -> Gateway:
    return world.gateway


@pytest.fixture
def committed(django_capture_on_commit_callbacks: Any) -> Any:
    """Run what waits for the commit."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


@pytest.fixture
def asked() -> Any:
    """The messages of the publishes that were asked for."""
    heard: list[str] = []

    def hear(*, message: str, waits: bool, **_: Any) -> None:
        # A gateway that is held on a revision gets that one sealed anew, too.
        assert not waits
        heard.append(message)

    receiver_connect(hear, weak=False, dispatch_uid="renewing")
    yield heard
    _configuration_changed.disconnect(dispatch_uid="renewing")


class TestRenew:
    def test_old_and_new_work_side_by_side_for_a_day(self, gateway: Gateway, server: FakeRedis, committed: Any) -> None:
        old = register(gateway)
        with committed():
            new = register(gateway, registration_renew(actor=None, gateway=gateway).secret)
        assert (old.number, new.number) == (1, 2)
        assert old.redis_url != new.redis_url
        assert old.encrypt_key != new.encrypt_key
        assert opens(old, gateway)
        assert opens(new, gateway)
        assert rules_of(server, old) == rules_of(server, new) == gateway_rules(str(gateway.pk))

    def test_after_the_day_the_old_one_opens_nothing(
        self, gateway: Gateway, server: FakeRedis, committed: Any, asked: list[str]
    ) -> None:
        old = register(gateway)
        new = register(gateway, registration_renew(actor=None, gateway=gateway).secret)
        registrations_expire(now=timezone.now() + timedelta(hours=23))
        assert opens(old, gateway)
        assert asked == []
        with committed():
            registrations_expire(now=timezone.now() + timedelta(hours=25))
        assert not opens(old, gateway)
        assert opens(new, gateway)
        assert rules_of(server, old) == revoked_rules(str(gateway.pk))
        assert rules_of(server, new) == gateway_rules(str(gateway.pk))
        assert server.killed == [f"gateway-{gateway.pk}-1"]
        assert asked == ["Renewed the registration of Edge"]

    def test_at_once_means_at_once(self, gateway: Gateway, server: FakeRedis, committed: Any) -> None:
        first = register(gateway)
        second = register(gateway, registration_renew(actor=None, gateway=gateway).secret)
        with committed():
            third = register(gateway, registration_renew(actor=None, gateway=gateway, at_once=True).secret)
        assert [opens(each, gateway) for each in (first, second, third)] == [False, False, True]
        assert set(server.killed) == {f"gateway-{gateway.pk}-1", f"gateway-{gateway.pk}-2"}

    def test_three_in_a_row_open_for_each_other_until_they_end(self, gateway: Gateway) -> None:
        made = [register(gateway)]
        for _ in range(2):
            made.append(register(gateway, registration_renew(actor=None, gateway=gateway).secret))
        assert all(opens(each, gateway) for each in made)
        GatewayCredential.objects.filter(number=1).update(ends_at=timezone.now())
        registrations_expire()
        assert [opens(each, gateway) for each in made] == [False, True, True]

    def test_open_tokens_end(self, gateway: Gateway) -> None:
        token = registration_token_create(actor=None, gateway=gateway).secret
        register(gateway)
        registration_renew(actor=None, gateway=gateway)
        with pytest.raises(ApplicationError, match="expired"):
            register(gateway, token)

    def test_what_was_never_registered_is_not_renewed(self, gateway: Gateway) -> None:
        with pytest.raises(ApplicationError, match="Use Add replica"):
            registration_renew(actor=None, gateway=gateway)

    def test_a_file_from_before_is_not_current(self, gateway: Gateway, tmp_path: Any) -> None:
        path = tmp_path / "registration.yaml"
        assert not registration_is_current(gateway=gateway, path=path)
        path.write_bytes(msgspec.yaml.encode(register(gateway)))
        assert registration_is_current(gateway=gateway, path=path)
        new = register(gateway, registration_renew(actor=None, gateway=gateway).secret)
        assert not registration_is_current(gateway=gateway, path=path)
        path.write_bytes(msgspec.yaml.encode(new))
        registrations_expire(now=timezone.now() + timedelta(hours=25))
        assert registration_is_current(gateway=gateway, path=path)

    def test_it_is_audited_without_secrets(self, gateway: Gateway) -> None:
        register(gateway)
        registration_renew(actor=None, gateway=gateway)
        event = AuditEvent.objects.get(action="registration.renew")
        assert event.before == {"registration": 1}
        assert event.after["registration"] == 2
        for credential in GatewayCredential.objects.all():
            assert credential.password not in str(event.after)


class TestRevoke:
    def test_replicas_are_told_by_the_portal_s_own_word(
        self, gateway: Gateway, server: FakeRedis, committed: Any
    ) -> None:
        registration = register(gateway)
        with committed():
            registration_revoke(actor=None, gateway=gateway)
        notice = server.strings[keys.revocation(str(gateway.pk))]
        said = read_revocation(notice, gateway=str(gateway.pk), verify_key=registration.verify_key)
        assert said is not None
        assert said.up_to >= registration.number
        assert server.announced == [keys.announcements(str(gateway.pk))]

    def test_they_may_read_that_and_nothing_else_and_are_cut_off(
        self, gateway: Gateway, server: FakeRedis, committed: Any
    ) -> None:
        registration = register(gateway)
        with committed():
            registration_revoke(actor=None, gateway=gateway)
        assert rules_of(server, registration) == revoked_rules(str(gateway.pk))
        assert server.killed == [f"gateway-{gateway.pk}-1"]

    def test_what_is_published_afterwards_is_sealed_for_nobody(self, gateway: Gateway, asked: list[str]) -> None:
        registration = register(gateway)
        registration_revoke(actor=None, gateway=gateway)
        assert not opens(registration, gateway)
        assert asked == ["Revoked the registration of Edge"]

    def test_a_redis_that_is_away_learns_it_later(self, gateway: Gateway, server: FakeRedis, committed: Any) -> None:
        registration = register(gateway)
        server.refuses = redis.ConnectionError("away")
        with committed():
            registration_revoke(actor=None, gateway=gateway)
        server.refuses = None
        access.access_keep()
        assert rules_of(server, registration) == revoked_rules(str(gateway.pk))
        assert server.strings

    def test_it_shows_as_revoked_until_a_machine_registers_again(
        self, gateway: Gateway, server: FakeRedis, committed: Any
    ) -> None:
        old = register(gateway)
        with committed():
            registration_revoke(actor=None, gateway=gateway)
        gateway.refresh_from_db()
        assert gateway_status(gateway, timezone.now()).state is ConnectionState.REVOKED
        new = register(gateway)
        gateway.refresh_from_db()
        assert gateway_status(gateway, timezone.now()).state is ConnectionState.NEVER_SEEN
        assert opens(new, gateway)
        assert rules_of(server, new) == gateway_rules(str(gateway.pk))
        said = read_revocation(
            server.strings[keys.revocation(str(gateway.pk))], gateway=str(gateway.pk), verify_key=new.verify_key
        )
        assert said is not None
        assert old.number <= said.up_to < new.number

    def test_open_tokens_end(self, gateway: Gateway) -> None:
        token = registration_token_create(actor=None, gateway=gateway).secret
        registration_revoke(actor=None, gateway=gateway)
        with pytest.raises(ApplicationError, match="expired"):
            register(gateway, token)

    def test_one_that_is_revoked_is_not_revoked_again(self, gateway: Gateway) -> None:
        registration_revoke(actor=None, gateway=gateway)
        with pytest.raises(ApplicationError, match="revoked already"):
            registration_revoke(actor=None, gateway=gateway)

    def test_replicas_from_before_registrations_were_numbered_are_meant_too(self, gateway: Gateway) -> None:
        registration_revoke(actor=None, gateway=gateway)
        notice = bytes(Revocation.objects.get().notice)
        said = read_revocation(notice, gateway=str(gateway.pk), verify_key=gateway.verify_key)
        assert said is not None
        assert said.up_to >= 0

    def test_a_gateway_that_is_removed_is_revoked_and_stays_so(
        self, world: World, server: FakeRedis, committed: Any
    ) -> None:
        gateway = gateway_create(actor=None, environment=world.sandbox, name="Second", port=8085)
        registration, key = register(gateway), keys.revocation(str(gateway.pk))
        with committed():
            gateway_delete(actor=None, gateway=gateway)
        assert rules_of(server, registration)[3] == f"%R~{key}"
        before = dict(server.users), dict(server.strings)
        server.users, server.strings = {}, {}
        access.access_keep()
        assert (server.users, server.strings) == before

    def test_without_users_the_notice_is_there_all_the_same(
        self, gateway: Gateway, server: FakeRedis, committed: Any, settings: Any
    ) -> None:
        settings.REDIS_ACL = False
        register(gateway)
        with committed():
            registration_revoke(actor=None, gateway=gateway)
        assert list(server.strings) == [keys.revocation(str(gateway.pk))]
        assert server.users == {}


class TestPages:
    def test_renewing_shows_the_commands(self, gateway: Gateway, world: World) -> None:
        register(gateway)
        address = console_url(world.production, "gateways:registration_renew", gateway.pk)
        page = client_of(world.ada).post(address)
        assert register(gateway, page.context["token"]).number == 2
        assert "ends" in client_of(world.ada).get(gateway.get_absolute_url()).content.decode()

    def test_revoking_shows(self, gateway: Gateway, world: World) -> None:
        register(gateway)
        address = console_url(world.production, "gateways:registration_revoke", gateway.pk)
        page = client_of(world.ada).post(address, follow=True).content.decode()
        assert "This gateway is revoked" in page
        assert "Revoked" in client_of(world.ada).get(console_url(world.production, "gateways:list")).content.decode()

    @pytest.mark.parametrize("name", ["registration_renew", "registration_revoke"])
    def test_only_who_may_change_a_gateway_can(self, gateway: Gateway, world: World, name: str) -> None:
        address = console_url(world.production, f"gateways:{name}", gateway.pk)
        assert client_of(world.ben).post(address).status_code == 403
        assert client_of(world.olaf).post(address).status_code == 404

    def test_the_interface_says_the_same(self, gateway: Gateway, world: World) -> None:
        register(gateway)
        path, client = f"/api/v1/gateways/{gateway.pk}/", client_of(world.ada)
        made = client.post(f"{path}renew/", {"at_once": True}, content_type="application/json")
        assert made.status_code == 201
        assert register(gateway, made.json()["token"]).number == 2
        assert client.post(f"{path}revoke/").json()["status"]["state"] == "revoked"
        assert client.post(f"{path}revoke/").status_code == 409
        assert client_of(world.ben).post(f"{path}renew/").status_code == 403
