"""Gateways, listeners and replicas."""

from datetime import timedelta

import pytest
from django.utils import timezone

from gateway_runtime.schema.envelope import GatewayKeys, seal, unseal
from gateway_runtime.schema.replica import ApplyState, ReplicaStatus
from portal.audit.models import AuditEvent
from portal.core.errors import ApplicationError
from portal.gateways.listener_services import listener_create, listener_delete
from portal.gateways.models import Replica
from portal.gateways.ports import port_warning
from portal.gateways.selectors import ConnectionState, gateway_connected, gateway_status
from portal.gateways.services import (
    gateway_create,
    gateway_delete,
    gateway_update,
    replica_report,
)
from portal.gateways.signals import receiver_connect


def status(name="r1", **changes):
    now = timezone.now().timestamp()
    values = {
        "replica": name, "host": "edge-1", "pid": 7, "version": "0.1.0", "workers": 2, "started_at": now - 60,
        "seen_at": now, "revision": 3, "state": ApplyState.APPLIED, "served": 10,
    }  # fmt: skip
    return ReplicaStatus(**values | changes)


@pytest.fixture
def changes(world):
    """The messages of all configuration changes asked for."""
    heard = []

    def hear(*, message, **_):
        heard.append(message)

    receiver_connect(hear, weak=False, dispatch_uid="test")
    yield heard
    from portal.gateways.signals import _configuration_changed

    _configuration_changed.disconnect(dispatch_uid="test")


class TestGateway:
    def test_new_gateway_has_working_keys_slug_and_a_listener(self, world, settings):
        gateway = gateway_create(actor=world.ada, environment=world.sandbox, name="Edge of Sandbox")
        assert gateway.slug == "edge-of-sandbox"
        assert gateway.listeners.get().port == settings.GATEWAY_PORT
        sealed = seal(
            b"{}", gateway="g", revision=1, digest="d", created_at=1.0, signing_key=gateway.signing_key,
            encrypt_key=gateway.encrypt_key,
        )  # fmt: skip
        keys = GatewayKeys(verify=gateway.verify_key, encrypt=gateway.encrypt_key)
        assert unseal(sealed, gateway="g", keys=keys)[1] == b"{}"

    def test_names_that_differ_only_in_signs_get_different_slugs(self, world):
        gateway_create(actor=None, environment=world.sandbox, name="Edge 1")
        assert gateway_create(actor=None, environment=world.sandbox, name="Edge, 1", port=8081).slug == "edge-1-2"
        assert gateway_create(actor=None, environment=world.sandbox, name="門", port=8082).slug == "gateway"

    def test_taken_name_is_refused(self, world):
        with pytest.raises(ApplicationError) as caught:
            gateway_create(actor=world.ada, environment=world.production, name=" edge ")
        assert caught.value.code == "gateway_name_taken"

    def test_reserved_first_port_leaves_no_gateway(self, world):
        with pytest.raises(ApplicationError):
            gateway_create(actor=world.ada, environment=world.sandbox, name="New", port=9998)
        assert not world.sandbox.gateways.exists()

    def test_renaming_keeps_the_slug(self, world, changes):
        gateway = gateway_update(actor=world.ada, gateway=world.gateway, name="Front", public_host="api.example.test")
        assert (gateway.name, gateway.slug, gateway.public_host) == ("Front", "edge", "api.example.test")
        assert changes == ["Changed gateway Front"]

    @pytest.mark.parametrize("host", ["https://api.example.test", "api.example.test:8080", "a b", "api/x"])
    def test_public_host_is_a_host_only(self, world, host):
        with pytest.raises(ApplicationError) as caught:
            gateway_update(actor=world.ada, gateway=world.gateway, public_host=host)
        assert "public_host" in caught.value.fields

    def test_gateway_in_use_is_not_removed(self, world):
        with pytest.raises(ApplicationError) as caught:
            gateway_delete(actor=world.ada, gateway=world.gateway)
        assert "Orders v1" in caught.value.message

    def test_keys_are_not_in_the_audit_trail(self, world):
        gateway = gateway_create(actor=world.ada, environment=world.sandbox, name="Edge")
        event = AuditEvent.objects.get(action="gateway.create")
        assert event.environment_id == world.sandbox.pk
        assert gateway.encrypt_key not in str(event.after)


class TestListener:
    @pytest.mark.parametrize("port", [0, -1, 65536, 9998, 8000])
    def test_port_that_cannot_be_used_is_refused(self, world, port):
        with pytest.raises(ApplicationError) as caught:
            listener_create(actor=world.ada, gateway=world.gateway, port=port)
        assert "port" in caught.value.fields

    def test_port_of_redis_is_refused(self, world, settings):
        settings.REDIS_URL = "redis://:x@127.0.0.1:7777/0"
        with pytest.raises(ApplicationError, match="used by Redis"):
            listener_create(actor=world.ada, gateway=world.gateway, port=7777)

    def test_second_listener_on_a_port_is_refused(self, world):
        with pytest.raises(ApplicationError, match="already used by listener public"):
            listener_create(actor=world.ada, gateway=world.gateway, port=8080)

    def test_port_of_another_gateway_is_only_a_warning(self, world):
        other = gateway_create(actor=world.ada, environment=world.sandbox, name="Second", port=8080)
        assert "gateway Edge" in port_warning(gateway=other, port=8080)
        assert port_warning(gateway=other, port=8099) == ""

    def test_gateways_of_other_organizations_are_not_named(self, world):
        world.gateway.listeners.all().update(port=8099)
        assert port_warning(gateway=world.gateway, port=8080) == ""

    def test_listener_is_opened_and_closed(self, world, changes):
        listener = listener_create(actor=world.ada, gateway=world.gateway, port=8090)
        assert listener.name == "http-8090"
        listener_delete(actor=world.ada, listener=listener)
        assert changes == ["Opened port 8090", "Closed port 8090"]

    def test_listener_in_use_is_not_closed(self, world):
        with pytest.raises(ApplicationError, match="Orders v1"):
            listener_delete(actor=world.ada, listener=world.listener)


class TestReplicas:
    def test_reports_are_stored_once_per_replica(self, world):
        replica_report(gateway=world.gateway, statuses=[status(), status("r2", host="edge-2")])
        replica_report(gateway=world.gateway, statuses=[status(revision=4, served=25)])
        assert Replica.objects.filter(gateway=world.gateway).count() == 2
        replica = Replica.objects.get(replica_id="r1")
        assert (replica.revision, replica.served) == (4, 25)

    def test_same_replica_id_under_two_gateways_is_two_replicas(self, world):
        replica_report(gateway=world.gateway, statuses=[status()])
        replica_report(gateway=world.other_gateway, statuses=[status()])
        assert Replica.objects.count() == 2

    def test_rejection_says_where_and_why(self, world):
        rejected = status(state=ApplyState.REJECTED, error_code="bad", error_path="apis[0]", message="Bad pattern.")
        replica_report(gateway=world.gateway, statuses=[rejected])
        assert Replica.objects.get().message == "apis[0]: Bad pattern."


class TestStatus:
    def state(self, world, seconds_later):
        return gateway_status(world.gateway, timezone.now() + timedelta(seconds=seconds_later)).state

    def test_gateway_without_replica_was_never_seen(self, world):
        assert self.state(world, 0) is ConnectionState.NEVER_SEEN

    def test_connected_until_silent_for_too_long(self, world):
        replica_report(gateway=world.gateway, statuses=[status()])
        assert self.state(world, 7) is ConnectionState.CONNECTED
        assert self.state(world, 9) is ConnectionState.DISCONNECTED

    def test_stopping_is_disconnected_at_once(self, world):
        replica_report(gateway=world.gateway, statuses=[status(stopping=True)])
        assert self.state(world, 0) is ConnectionState.DISCONNECTED

    def test_only_connected_replicas_count(self, world):
        gone = status("r2", seen_at=timezone.now().timestamp() - 60, revision=9, workers=8)
        replica_report(gateway=world.gateway, statuses=[status(), gone])
        found = gateway_status(world.gateway, timezone.now())
        assert (found.revision, found.workers, found.replicas) == (3, 2, 1)

    def test_replicas_on_different_revisions_are_all_told(self, world):
        replica_report(gateway=world.gateway, statuses=[status(), status("r2", revision=4)])
        assert gateway_status(world.gateway, timezone.now()).revisions == (4, 3)

    def test_connected_gateway_of_another_environment_does_not_tick_the_checklist(self, world):
        replica_report(gateway=world.gateway, statuses=[status()])
        assert gateway_connected([world.production], timezone.now())
        assert not gateway_connected([world.sandbox], timezone.now())
