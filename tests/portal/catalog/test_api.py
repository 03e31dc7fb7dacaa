"""REST: the catalog."""

from tests.portal.base import PortalTestCase
from tests.portal.cases import ObjectApiCases
from tests.portal.catalog.specifications import ORDERS


class ApiApiTests(ObjectApiCases, PortalTestCase):
    path = "/api/v1/apis/"
    target = "api"
    other_target = "other_api"
    create = {"name": "Returns"}
    change = {"summary": "All orders of the shop.", "layer": "process"}

    def get_create(self):
        return {"organization": self.world.organization.pk, "name": "Returns", "version": "v2"}

    def test_import_makes_an_api_from_its_specification(self):
        body = {"organization": str(self.world.organization.pk), "source": ORDERS.replace("Orders", "Returns")}
        response = self.owner_client().post(f"{self.path}import/", body, content_type="application/json")
        assert response.status_code == 201, response.content
        api = self.owner_client().get(f"{self.path}{response.json()['api']}/").json()
        assert api["name"] == "Returns"
        assert api["versions"][0]["version"] == "1.2.0"
        assert api["versions"][0]["specification"]["openapi"] == "3.0.3"

    def test_import_needs_a_document_or_an_address(self):
        body = {"organization": str(self.world.organization.pk)}
        response = self.owner_client().post(f"{self.path}import/", body, content_type="application/json")
        assert response.status_code == 400
        assert "/source" in response.json()["fields"]

    def test_viewer_cannot_import(self):
        body = {"organization": str(self.world.organization.pk), "source": ORDERS}
        response = self.client_of(self.world.ben).post(f"{self.path}import/", body, content_type="application/json")
        assert response.status_code == 403

    def test_deployed_api_is_not_deleted(self):
        response = self.owner_client().delete(f"{self.path}{self.world.api.pk}/")
        assert response.status_code == 409
        assert "Orders v1 in Production" in response.json()["message"]


class ApiVersionApiTests(ObjectApiCases, PortalTestCase):
    path = "/api/v1/api-versions/"
    target = "api_version"
    create = {"version": "v2"}
    change = {"lifecycle": "deprecated"}

    def get_create(self):
        return {"api": self.world.api.pk, "version": "v2"}

    def get_other_target(self):
        return self.world.other_api.versions.get()

    def test_specification_is_put_as_text_and_comes_back_as_it_was(self):
        address = f"{self.path}{self.world.api_version.pk}/specification/"
        client = self.owner_client()
        assert client.get(address).status_code == 404
        response = client.put(address, ORDERS, content_type="application/yaml")
        assert response.status_code == 200, response.content
        assert client.get(address).content.decode() == ORDERS

    def test_faulty_specification_is_answered_with_line_and_pointer(self):
        address = f"{self.path}{self.world.api_version.pk}/specification/"
        faulty = ORDERS.replace("      responses:", "      answers:", 1)
        response = self.owner_client().put(address, faulty, content_type="application/yaml")
        assert response.status_code == 400
        assert response.json()["fields"]["/source"].startswith("Line 8, /paths/~1orders/get: ")
        assert self.owner_client().get(address).status_code == 404

    def test_viewer_cannot_put_a_specification(self):
        address = f"{self.path}{self.world.api_version.pk}/specification/"
        response = self.client_of(self.world.ben).put(address, ORDERS, content_type="application/yaml")
        assert response.status_code == 403
