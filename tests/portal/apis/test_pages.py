"""The console's pages about API instances."""

from portal.apis.models import ApiInstance, Service
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


class RoutePageTests(ObjectPageCases, PortalTestCase):
    edit_page = "apis:route_edit"
    actions = ("apis:route_delete",)

    def get_target(self):
        return self.world.instance.routes.get()

    def get_other_target(self):
        return self.world.other_instance.routes.get()

    @property
    def form(self):
        service = self.world.instance.services.get()
        return {"name": "reads", "service": str(service.pk), "path": "/items(/.*)?", "methods": "get head", "order": 10}

    def test_route_is_added_and_methods_are_normalised(self):
        address = console_url(self.world.production, "apis:route_create", self.world.instance.pk)
        self.owner_client().post(address, self.form)
        assert self.world.instance.routes.get(name="reads").methods == "GET|HEAD"

    def test_pattern_that_re2_cannot_read_is_refused(self):
        address = console_url(self.world.production, "apis:route_create", self.world.instance.pk)
        response = self.owner_client().post(address, self.form | {"path": "(?=x)"})
        assert "RE2" in response.context["form"].errors["path"][0]

    def test_service_of_another_instance_cannot_be_chosen(self):
        other = Service.objects.get(instance=self.world.other_instance)
        address = console_url(self.world.production, "apis:route_create", self.world.instance.pk)
        response = self.owner_client().post(address, self.form | {"service": str(other.pk)})
        assert "service" in response.context["form"].errors

    def test_last_route_stays(self):
        address = console_url(self.world.production, "apis:route_delete", self.get_target().pk)
        self.owner_client().post(address)
        assert self.world.instance.routes.count() == 1


class ServicePageTests(ObjectPageCases, PortalTestCase):
    edit_page = "apis:service_edit"
    actions = ("apis:service_delete",)
    form = {"url": "https://orders-eu.example.test/api"}

    def get_target(self):
        return self.world.instance.services.get()

    def get_other_target(self):
        return self.world.other_instance.services.get()

    def test_service_is_added(self):
        address = console_url(self.world.production, "apis:service_create", self.world.instance.pk)
        self.owner_client().post(address, self.form | {"name": "europe"})
        assert self.world.instance.services.get(name="europe").url == "https://orders-eu.example.test/api"

    def test_service_in_use_stays(self):
        address = console_url(self.world.production, "apis:service_delete", self.get_target().pk)
        response = self.owner_client().post(address, follow=True)
        assert "all requests" in response.content.decode()
        assert self.world.instance.services.count() == 1
