"""REST: organizations, environments and people."""

from typing import Any

from portal.organizations.models import Environment, Organization, Role, RoleBinding
from tests.portal.base import PortalTestCase, client_of, make_role
from tests.portal.cases import ObjectApiCases

JSON = "application/json"


class OrganizationApiTests(ObjectApiCases, PortalTestCase):
    path = "/api/v1/organizations/"
    target, other_target = "organization", "other_organization"
    change = {"name": "Renamed"}

    def test_only_operators_create_one(self) -> None:
        self.assertEqual(client_of(self.world.ada).post(self.path, {"name": "Second"}, JSON).status_code, 403)
        self.world.ada.is_operator = True
        self.world.ada.save()
        response = client_of(self.world.ada).post(self.path, {"name": "Second"}, JSON)
        self.assertEqual((response.status_code, response.json()["slug"]), (201, "second"))

    def test_short_name_cannot_be_changed(self) -> None:
        address = f"{self.path}{self.world.organization.pk}/"
        client_of(self.world.ada).patch(address, {"name": "Acme", "slug": "moved"}, JSON)
        self.assertEqual(Organization.objects.get(pk=self.world.organization.pk).slug, "acme")


class EnvironmentApiTests(ObjectApiCases, PortalTestCase):
    path = "/api/v1/environments/"
    target, other_target = "sandbox", "other_environment"
    change = {"name": "Renamed"}

    def get_create(self) -> dict[str, Any]:
        return {"organization": str(self.world.organization.pk), "name": "Staging"}

    create = {"name": "Staging"}

    def test_viewer_is_told_that_the_role_is_missing(self) -> None:
        response = client_of(self.world.ben).post(self.path, self.get_create(), JSON)
        self.assertEqual(response.status_code, 403)
        self.assertIn("environment.change", response.json()["message"])

    def test_nothing_is_made_in_another_organization(self) -> None:
        body = self.get_create() | {"organization": str(self.world.other_organization.pk)}
        response = client_of(self.world.ada).post(self.path, body, JSON)
        self.assertEqual(response.status_code, 400)
        self.assertIn("/organization", response.json()["fields"])

    def test_nothing_moves_to_another_organization(self) -> None:
        address = f"{self.path}{self.world.sandbox.pk}/"
        body = {"organization": str(self.world.other_organization.pk), "slug": "moved"}
        self.assertEqual(client_of(self.world.ada).patch(address, body, JSON).status_code, 200)
        kept = Environment.objects.get(pk=self.world.sandbox.pk)
        self.assertEqual((kept.organization, kept.slug), (self.world.organization, "sandbox"))

    def test_list_can_be_narrowed(self) -> None:
        rows = client_of(self.world.ada).get(self.path, {"slug": "sandbox"}).json()["results"]
        self.assertEqual([row["id"] for row in rows], [str(self.world.sandbox.pk)])


class PersonApiTests(ObjectApiCases, PortalTestCase):
    path = "/api/v1/people/"
    change = {"role": "editor"}
    create = {"email": "eve@example.test"}
    deletes = True

    def get_target(self) -> RoleBinding:
        return RoleBinding.objects.get(user=self.world.ben)

    def get_other_target(self) -> RoleBinding:
        return RoleBinding.objects.get(user=self.world.olaf)

    def get_create(self) -> dict[str, Any]:
        return {"email": "eve@example.test", "organization": str(self.world.organization.pk), "role": "viewer"}

    def test_link_of_a_new_person_is_in_the_answer_only(self) -> None:
        client = client_of(self.world.ada)
        body = client.post(self.path, self.get_create(), JSON).json()
        self.assertIn("/invitation/", body["invitation_link"])
        self.assertNotIn("invitation_link", client.get(f"{self.path}{body['id']}/").json())

    def test_nobody_makes_themselves_owner(self) -> None:
        own = RoleBinding.objects.get(user=self.world.erik)
        response = client_of(self.world.erik).patch(f"{self.path}{own.pk}/", {"role": "owner"}, JSON)
        self.assertEqual(response.status_code, 403)
        own.refresh_from_db()
        self.assertEqual(own.role, Role.EDITOR)

    def test_owner_of_one_environment_adds_people_only_there(self) -> None:
        make_role(self.world.cora, self.world.sandbox, Role.OWNER)
        client = client_of(self.world.cora)
        self.assertEqual(client.post(self.path, self.get_create(), JSON).status_code, 403)
        there = self.get_create() | {"environment": str(self.world.sandbox.pk)}
        self.assertEqual(client.post(self.path, there, JSON).status_code, 201)

    def test_environment_and_organization_must_belong_together(self) -> None:
        make_role(self.world.olaf, self.world.organization, Role.VIEWER)
        body = self.get_create() | {"environment": str(self.world.other_environment.pk)}
        response = client_of(self.world.olaf).post(self.path, body, JSON)
        self.assertEqual(response.json()["code"], "environment_elsewhere")

    def test_last_owner_stays(self) -> None:
        own = RoleBinding.objects.get(user=self.world.ada)
        response = client_of(self.world.ada).delete(f"{self.path}{own.pk}/")
        self.assertEqual((response.status_code, response.json()["code"]), (409, "last_owner"))

    def test_what_belongs_to_the_person_cannot_be_set(self) -> None:
        client_of(self.world.ada).post(self.path, self.get_create() | {"is_operator": True, "password": "x"}, JSON)
        user = RoleBinding.objects.get(user__email="eve@example.test").user
        self.assertFalse(user.is_operator)
        self.assertFalse(user.has_usable_password())
