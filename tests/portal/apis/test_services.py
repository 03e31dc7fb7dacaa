"""Deploying, changing and removing API instances."""

import pytest

from portal.apis.models import ApiInstance, Destination, InstanceStatus, Service
from portal.apis.selectors import api_deployed, instance_curl, instance_url
from portal.apis.services import (
    instance_delete,
    instance_deploy,
    instance_start,
    instance_stop,
    instance_update,
)
from portal.audit.models import AuditEvent
from portal.catalog.models import Api
from portal.catalog.services import NewApi, api_delete, api_version_create
from portal.core.errors import ApplicationError
from tests.portal.base import make_gateway
from tests.portal.catalog.specifications import ORDERS


def deploy(world, **changes):
    values = {
        "actor": world.ada,
        "environment": world.production,
        "gateway": world.gateway,
        "api": world.api_version,
        "port": 8080,
        "base_path": "/returns",
        "implementation_url": "https://returns.example.test/api/",
    }
    return instance_deploy(**values | changes)


class TestDeploy:
    def test_instance_gets_a_service_and_a_route_for_everything(self, world, messages):
        instance = deploy(world)
        assert instance.services.get().url == "https://returns.example.test/api"
        route = instance.routes.get()
        assert (route.rules, [way.service.name for way in route.destinations.all()]) == ([], ["default"])
        assert messages == ["Deployed Orders v1 at /returns"]
        event = AuditEvent.objects.get(action="instance.deploy")
        assert event.after["implementation_url"] == "https://returns.example.test/api"
        assert (event.actor_name, event.environment_id) == ("Ada Owner", world.production.pk)

    def test_new_api_with_its_specification(self, world):
        instance = deploy(world, api=NewApi(name="Returns", version="v2", source=ORDERS))
        assert str(instance) == "Returns v2"
        assert instance.api_version.specification.openapi == "3.0.3"

    def test_port_without_listener_gets_one(self, world, messages):
        assert deploy(world, port=8085).listener.port == 8085
        assert messages == ["Opened port 8085", "Deployed Orders v1 at /returns"]

    def test_same_path_on_another_port_is_no_overlap(self, world):
        assert deploy(world, port=8085, base_path="/orders").base_path == "/orders"

    @pytest.mark.parametrize("base_path", ["/orders", "/orders/open", "/"])
    def test_overlap_is_refused_with_both_names(self, world, base_path):
        with pytest.raises(ApplicationError) as caught:
            deploy(world, api=NewApi(name="Returns"), base_path=base_path)
        assert caught.value.code == "base_path_overlap"
        assert "Orders v1" in caught.value.message
        assert "the new API" in caught.value.message
        assert not Api.objects.filter(name="Returns").exists()

    def test_stopped_instance_keeps_its_base_path(self, world):
        instance_stop(actor=world.ada, instance=world.instance)
        with pytest.raises(ApplicationError, match="overlap"):
            deploy(world, base_path="/orders")

    def test_gateway_of_another_environment_is_refused(self, world):
        with pytest.raises(ApplicationError, match="not a gateway of Production"):
            deploy(world, gateway=make_gateway(world.sandbox, "Other", port=8081))

    def test_api_of_another_organization_is_refused(self, world):
        with pytest.raises(ApplicationError, match="Choose an API of Acme"):
            deploy(world, api=world.other_api.versions.get())

    def test_failure_at_the_end_leaves_nothing(self, world, monkeypatch, messages):
        monkeypatch.setattr(Destination, "save_checked", lambda self: (_ for _ in ()).throw(RuntimeError))
        with pytest.raises(RuntimeError):
            deploy(world, api=NewApi(name="Returns"), port=8085)
        assert not Api.objects.filter(name="Returns").exists()
        assert not world.gateway.listeners.filter(port=8085).exists()
        assert not ApiInstance.objects.filter(base_path="/returns").exists()

    def test_private_address_is_taken_where_the_environment_allows_it(self, world):
        world.production.allow_private_targets = True
        assert deploy(world, implementation_url="http://127.0.0.1:9001").services.get().url == "http://127.0.0.1:9001"


class TestUpdate:
    def test_what_is_not_given_stays(self, world, messages):
        instance_update(actor=world.ada, instance=world.instance, label="partners")
        instance = ApiInstance.objects.get(pk=world.instance.pk)
        assert (instance.label, instance.base_path, instance.listener.port) == ("partners", "/orders", 8080)
        assert messages == ["Changed Orders v1 (partners)"]

    def test_nothing_changed_publishes_nothing(self, world, messages):
        instance_update(actor=world.ada, instance=world.instance, base_path="/orders")
        assert messages == []
        assert not AuditEvent.objects.filter(action="instance.update").exists()

    def test_moving_onto_another_instance_is_refused(self, world):
        deploy(world)
        with pytest.raises(ApplicationError, match=r"/returns/x of Orders v1 and /returns of Orders v1 overlap"):
            instance_update(actor=world.ada, instance=world.instance, base_path="/returns/x")

    def test_instance_may_deepen_its_own_path(self, world):
        assert (
            instance_update(actor=world.ada, instance=world.instance, base_path="/orders/v1").base_path == "/orders/v1"
        )

    def test_version_of_the_same_api_takes_over(self, world):
        second = api_version_create(actor=world.ada, api=world.api, version="v2")
        assert str(instance_update(actor=world.ada, instance=world.instance, api_version=second)) == "Orders v2"
        with pytest.raises(ApplicationError, match="version of Orders"):
            instance_update(actor=world.ada, instance=world.instance, api_version=world.other_api.versions.get())

    def test_port_moves_to_another_listener(self, world):
        assert instance_update(actor=world.ada, instance=world.instance, port=8085).listener.port == 8085
        with pytest.raises(ApplicationError, match="another value"):
            instance_update(actor=world.ada, instance=world.instance, port=9998)

    def test_consumer_endpoint_is_shown_instead_of_the_gateway(self, world):
        instance = instance_update(
            actor=world.ada, instance=world.instance, consumer_endpoint="https://api.example.test/orders"
        )
        assert instance_url(instance) == "https://api.example.test/orders"


class TestLife:
    def test_stop_and_start(self, world, messages):
        assert instance_stop(actor=world.ada, instance=world.instance).status == InstanceStatus.STOPPED
        assert not api_deployed(world.production)
        instance_stop(actor=world.ada, instance=world.instance)
        assert instance_start(actor=world.ada, instance=world.instance).status == InstanceStatus.ACTIVE
        assert api_deployed(world.production)
        assert messages == ["Stopped Orders v1", "Started Orders v1"]

    def test_delete_removes_routes_and_services_and_frees_the_api(self, world, messages):
        with pytest.raises(ApplicationError):
            api_delete(actor=world.ada, api=world.api)
        instance_delete(actor=world.ada, instance=world.instance)
        assert not Service.objects.filter(instance__environment=world.production).exists()
        assert messages == ["Removed Orders v1"]
        api_delete(actor=world.ada, api=world.api)

    def test_addresses(self, world, settings):
        assert instance_url(world.instance) == f"http://{settings.GATEWAY_HOST}:8080/orders"
        world.gateway.public_host = "api.example.test"
        world.instance.gateway = world.gateway
        assert instance_curl(world.instance) == "curl -i http://api.example.test:8080/orders"
        world.gateway.public_host = "::1"
        assert instance_url(world.instance) == "http://[::1]:8080/orders"
