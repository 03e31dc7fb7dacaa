"""REST: services and routes of API instances."""

from portal.apis.models import Route, Service
from portal.core.setting_forms.secrets import MASK
from tests.certificates import Authority
from tests.portal.base import PortalTestCase
from tests.portal.cases import ObjectApiCases


class ServiceApiTests(ObjectApiCases, PortalTestCase):
    path = "/api/v1/services/"
    change = {"url": "https://orders-2.example.test", "settings": {"protocol": "http2"}}

    def get_create(self):
        return {"instance": str(self.world.instance.pk), "name": "europe", "url": "https://eu.example.test"}

    create = {"name": "europe"}

    def get_target(self):
        return self.world.instance.services.get(name="default")

    def get_other_target(self):
        return self.world.other_instance.services.get()

    def test_key_is_masked_and_kept_when_it_comes_back_masked(self):
        pair, client = Authority().issue("gateway.example.test"), self.owner_client()
        tls = {"certificate": pair.certificate, "key": pair.key}
        body = {**self.get_create(), "settings": {"tls": tls}}
        made = client.post(self.path, body, content_type="application/json").json()
        assert made["settings"]["tls"]["key"] == MASK
        changed = client.patch(
            f"{self.path}{made['id']}/", {"settings": made["settings"]}, content_type="application/json"
        )
        assert changed.status_code == 200, changed.content
        assert pair.key in Service.objects.get(pk=made["id"]).secrets.replace("\\n", "\n")

    def test_wrong_setting_is_named_where_it_is(self):
        body = {**self.get_create(), "settings": {"retries": {"attempts": 99}}}
        response = self.owner_client().post(self.path, body, content_type="application/json")
        assert response.status_code == 400
        assert "/settings/retries/attempts" in response.json()["fields"]

    def test_instance_of_another_organization_cannot_be_named(self):
        body = self.get_create() | {"instance": str(self.world.other_instance.pk)}
        response = self.owner_client().post(self.path, body, content_type="application/json")
        assert "/instance" in response.json()["fields"]

    def test_services_of_one_instance_are_listed(self):
        found = self.owner_client().get(self.path, {"instance": str(self.world.instance.pk)}).json()
        assert [each["name"] for each in found["results"]] == ["default"]

    def test_service_that_no_route_leads_to_is_removed(self):
        spare = Service.objects.create(instance=self.world.instance, name="spare", url="https://spare.example.test")
        assert self.owner_client().delete(f"{self.path}{spare.pk}/").status_code == 204
        assert self.owner_client().delete(f"{self.path}{self.get_target().pk}/").status_code == 409


class RouteApiTests(ObjectApiCases, PortalTestCase):
    path = "/api/v1/routes/"
    create = {"name": "eu"}
    change = {"name": "the rest", "rules": []}

    def get_create(self):
        service = self.world.instance.services.get()
        return {
            "instance": str(self.world.instance.pk),
            "name": "eu",
            "rules": [{"path": "/eu/.*", "headers": {"x-kind": "a"}}],
            "destinations": [{"service": str(service.pk), "weight": 3, "path": "/v2"}],
        }

    def get_target(self):
        return self.world.instance.routes.get(name="all requests")

    def get_other_target(self):
        return self.world.other_instance.routes.get()

    def made(self):
        return self.owner_client().post(self.path, self.get_create(), content_type="application/json").json()

    def test_route_says_what_was_sent(self):
        made, sent = self.made(), self.get_create()
        assert {name: made[name] for name in sent} == sent

    def test_route_is_put_to_another_place(self):
        place = f"{self.path}{self.made()['id']}/place/"
        assert self.owner_client().post(place, {"position": 9}, content_type="application/json").status_code == 200
        found = self.owner_client().get(self.path, {"instance": str(self.world.instance.pk)}).json()["results"]
        assert [each["name"] for each in found] == ["all requests", "eu"]

    def test_wrong_pattern_is_named_where_it_is(self):
        body = self.get_create() | {"rules": [{"path": "("}]}
        response = self.owner_client().post(self.path, body, content_type="application/json")
        assert "/rules/0/path" in response.json()["fields"]

    def test_service_of_another_organization_cannot_be_named(self):
        other = self.world.other_instance.services.get()
        body = self.get_create() | {"destinations": [{"service": str(other.pk)}]}
        response = self.owner_client().post(self.path, body, content_type="application/json")
        assert "/destinations/0/service" in response.json()["fields"]

    def test_last_route_stays(self):
        assert self.owner_client().delete(f"{self.path}{self.get_target().pk}/").status_code == 409
        assert Route.objects.filter(instance=self.world.instance).count() == 1
