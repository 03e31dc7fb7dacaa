"""The console's pages about API instances."""

from types import SimpleNamespace

from django.template.loader import render_to_string
from django.utils import timezone

from portal.apis.models import ApiInstance
from portal.core.links import console_url
from tests.portal.base import PortalTestCase
from tests.portal.cases import ObjectPageCases


class InstancePageTests(ObjectPageCases, PortalTestCase):
    list_page, detail_page = "apis:list", "apis:detail"
    edit_page = "apis:settings"
    target = "instance"
    other_target = "other_instance"
    actions = ("apis:stop", "apis:start")

    @property
    def form(self):
        return {
            "port": "8080",
            "base_path": "/all-orders",
            "implementation_url": "https://orders.example.test/api",
            "label": "partners",
            "consumer_endpoint": "",
            "api_version": str(self.world.api_version.pk),
        }

    def address(self, name, *args):
        return console_url(self.world.production, name, *args)

    def test_instance_page_shows_url_curl_and_routes(self):
        page = self.owner_client().get(self.address("apis:detail", self.world.instance.pk)).content.decode()
        assert "http://localhost:8080/orders" in page
        assert "curl -i http://localhost:8080/orders" in page
        assert "all requests" in page

    def test_settings_are_saved(self):
        self.owner_client().post(self.address("apis:settings", self.world.instance.pk), self.form)
        instance = ApiInstance.objects.get(pk=self.world.instance.pk)
        assert (instance.base_path, instance.label) == ("/all-orders", "partners")
        assert instance.services.get().url == "https://orders.example.test/api"

    def test_wrong_settings_are_refused_beside_their_fields_and_nothing_is_saved(self):
        form = self.form | {"base_path": "orders/", "implementation_url": "http://10.0.0.1/"}
        response = self.owner_client().post(self.address("apis:settings", self.world.instance.pk), form)
        assert response.status_code == 422
        assert set(response.context["form"].errors) == {"base_path", "implementation_url"}
        assert ApiInstance.objects.get(pk=self.world.instance.pk).base_path == "/orders"

    def test_removing_needs_the_name(self):
        address = self.address("apis:delete", self.world.instance.pk)
        assert self.owner_client().post(address, {"name": "something"}).status_code == 422
        assert ApiInstance.objects.filter(pk=self.world.instance.pk).exists()
        response = self.owner_client().post(address, {"name": "Orders v1"})
        assert response["Location"] == self.address("apis:list")
        assert not ApiInstance.objects.filter(pk=self.world.instance.pk).exists()

    def test_viewer_cannot_remove(self):
        address = self.address("apis:delete", self.world.instance.pk)
        assert self.client_of(self.world.ben).post(address, {"name": "Orders v1"}).status_code == 403

    def test_gateway_and_catalog_pages_list_the_instance(self):
        for name, target in (("gateways:detail", self.world.gateway), ("catalog:detail", self.world.api)):
            page = self.owner_client().get(self.address(name, target.pk)).content.decode()
            assert self.world.instance.get_absolute_url() in page, name


class InstanceSettingsTests(PortalTestCase):
    def form(self, **changes):
        instance = self.world.instance
        form = {
            "port": "8080",
            "base_path": "/orders",
            "implementation_url": "http://orders.example.test:9001",
            "api_version": str(instance.api_version_id),
            "settings.accessLog.sampling": "1.0",
        }
        return self.client_of(self.world.ada).post(
            console_url(self.world.production, "apis:settings", instance.pk), form | changes
        )

    def test_limits_and_access_log_are_saved(self):
        response = self.form(**{"settings.limits.bodyBytes": "1000", "settings.accessLog._on": "on"})
        assert response.status_code == 302, response.context["form"].errors
        self.world.instance.refresh_from_db()
        assert self.world.instance.settings["limits"] == {"bodyBytes": 1000}
        assert "accessLog" in self.world.instance.settings

    def test_a_field_that_no_access_line_has_is_refused_beside_its_line(self):
        response = self.form(**{"settings.accessLog._on": "on", "settings.accessLog.hide": "source.ip\nshoe.size"})
        assert "Line 2" in response.context["form"].errors["settings.accessLog.hide"][0]

    def test_deleting_says_what_goes_with_it(self):
        address = console_url(self.world.production, "apis:delete", self.world.instance.pk)
        assert "1 route" in self.client_of(self.world.ada).get(address).content.decode()


def test_tls_of_a_listener_is_told_with_names_and_end():
    certificate = SimpleNamespace(name="shop", names=["shop.example.test"], not_after=timezone.now())
    uses = [SimpleNamespace(certificate=certificate, names=[])]
    listener = SimpleNamespace(
        protocol="https", certificates=SimpleNamespace(all=uses), tls={"require_client_certificate": True}
    )
    told = render_to_string("apis/tls_facts.html", {"listener": listener})
    assert "shop for shop.example.test, until" in told
    assert "callers need a certificate" in told


def test_a_listener_without_tls_tells_nothing_of_it():
    assert "TLS" not in render_to_string("apis/tls_facts.html", {"listener": SimpleNamespace(protocol="http")})
