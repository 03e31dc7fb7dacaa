"""The console's pages about the catalog."""

from django.core.files.uploadedfile import SimpleUploadedFile

from portal.catalog.models import Api, Specification
from portal.catalog.services import specification_import
from portal.core.links import console_url
from tests.portal.base import PortalTestCase
from tests.portal.cases import ObjectPageCases
from tests.portal.catalog.specifications import ORDERS


class ApiPageTests(ObjectPageCases, PortalTestCase):
    list_page, detail_page = "catalog:list", "catalog:detail"
    create_page, edit_page = "catalog:create", "catalog:edit"
    target = "api"
    other_target = "other_api"
    form = {"name": "Returns", "summary": "", "description": "", "layer": "system", "visibility": "private"}
    create_form = {"version": "v1"}
    edit_form = {"name": "Orders and more"}
    actions = ("catalog:delete",)

    def address(self, name, *args):
        return console_url(self.world.production, name, *args)

    def test_import_by_file_makes_the_api(self):
        file = SimpleUploadedFile("orders.yaml", ORDERS.replace("title: Orders", "title: Returns").encode())
        form = {"file": file, "layer": "process", "visibility": "public"}
        response = self.owner_client().post(self.address("catalog:import"), form)
        api = Api.objects.get(name="Returns")
        assert response["Location"] == self.address("catalog:detail", api.pk)
        assert (api.layer, api.visibility, api.summary) == ("process", "public", "Orders of the shop.")

    def test_fault_of_a_document_is_shown_beside_the_field_it_came_by(self):
        form = {"text": "swagger: '2.0'", "layer": "system", "visibility": "private"}
        response = self.owner_client().post(self.address("catalog:import"), form)
        assert response.status_code == 422
        assert "Swagger 2.0" in response.context["form"].errors["text"][0]
        assert not Api.objects.filter(organization=self.world.organization).exclude(name="Orders").exists()

    def test_import_needs_exactly_one_source(self):
        form = {"text": ORDERS, "url": "https://example.com/a.yaml", "layer": "system", "visibility": "private"}
        response = self.owner_client().post(self.address("catalog:import"), form)
        assert "one way only" in response.context["form"].errors["text"][0]
        response = self.owner_client().post(
            self.address("catalog:import"), {"layer": "system", "visibility": "private"}
        )
        assert "Choose a file" in response.context["form"].errors["file"][0]

    def test_version_is_added_with_its_specification(self):
        form = {"version": "v2", "lifecycle": "development", "text": ORDERS}
        self.owner_client().post(self.address("catalog:version_create", self.world.api.pk), form)
        assert self.world.api.versions.get(version="v2").specification.openapi == "3.0.3"

    def test_specification_is_shown_with_its_operations_and_can_be_downloaded(self):
        specification_import(actor=self.world.ada, api_version=self.world.api_version, source=ORDERS)
        page = self.owner_client().get(self.address("catalog:specification", self.world.api_version.pk))
        assert "List orders" in page.content.decode()
        source = self.owner_client().get(self.address("catalog:specification_source", self.world.api_version.pk))
        assert source.content.decode() == ORDERS

    def test_specification_is_replaced(self):
        specification_import(actor=self.world.ada, api_version=self.world.api_version, source=ORDERS)
        address = self.address("catalog:specification_edit", self.world.api_version.pk)
        self.owner_client().post(address, {"text": ORDERS.replace("List orders", "All orders")})
        assert "All orders" in Specification.objects.get().source

    def test_pages_of_a_version_are_closed_to_others(self):
        specification_import(actor=self.world.ada, api_version=self.world.api_version, source=ORDERS)
        for name in ("version_edit", "specification", "specification_source", "specification_edit"):
            address = self.address(f"catalog:{name}", self.world.api_version.pk)
            assert self.client_of(self.world.olaf).get(address).status_code == 404, name
        for name in ("version_edit", "specification_edit"):
            address = self.address(f"catalog:{name}", self.world.api_version.pk)
            assert self.client_of(self.world.ben).get(address).status_code == 403, name
            assert self.client_of(self.world.ada).get(address).status_code == 200, name

    def test_deployed_api_is_not_removed_and_the_instance_is_named(self):
        response = self.owner_client().post(self.address("catalog:delete", self.world.api.pk), follow=True)
        assert "Orders v1 in Production" in response.content.decode()
        assert Api.objects.filter(pk=self.world.api.pk).exists()

    def test_description_is_rendered_without_scripts(self):
        self.world.api.description = "**Bold** <script>alert(1)</script> [x](javascript:alert(1))"
        self.world.api.save()
        page = self.owner_client().get(self.address("catalog:detail", self.world.api.pk)).content.decode()
        assert "<strong>Bold</strong>" in page
        assert "<script>alert" not in page
        assert 'href="javascript' not in page

    def test_filters_narrow_the_list(self):
        page = self.owner_client().get(self.address("catalog:list") + "?layer=experience").content.decode()
        assert "Nothing matches" in page
