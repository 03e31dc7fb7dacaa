"""Who moves a version to deprecated and back."""

from portal.catalog.models import Lifecycle
from portal.core.links import console_url
from portal.organizations.models import Role
from tests.portal.base import PortalTestCase, client_of, make_role

JSON = "application/json"


class DeprecatingRolesTests(PortalTestCase):
    def change(self, role: Role, lifecycle: str) -> int:
        make_role(self.world.cora, self.world.organization, role)
        address = f"/api/v1/api-versions/{self.world.api_version.pk}/"
        return client_of(self.world.cora).patch(address, {"lifecycle": lifecycle}, JSON).status_code

    def test_contributor_does_not_deprecate(self) -> None:
        self.assertEqual(self.change(Role.CATALOG_CONTRIBUTOR, "deprecated"), 403)
        self.world.api_version.refresh_from_db()
        self.assertEqual(self.world.api_version.lifecycle, Lifecycle.STABLE)

    def test_contributor_does_not_take_a_deprecation_back(self) -> None:
        self.world.api_version.lifecycle = Lifecycle.DEPRECATED
        self.world.api_version.save()
        self.assertEqual(self.change(Role.CATALOG_CONTRIBUTOR, "stable"), 403)

    def test_contributor_is_told_so_beside_the_field(self) -> None:
        make_role(self.world.cora, self.world.organization, Role.CATALOG_CONTRIBUTOR)
        address = console_url(self.world.production, "catalog:version_edit", self.world.api_version.pk)
        page = client_of(self.world.cora).post(address, {"lifecycle": "deprecated"})
        self.assertContains(page, "does not include deprecating", status_code=422)

    def test_administrator_deprecates(self) -> None:
        self.assertEqual(self.change(Role.CATALOG_ADMINISTRATOR, "deprecated"), 200)
