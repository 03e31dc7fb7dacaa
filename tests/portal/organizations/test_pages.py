"""The pages of people, environments and organizations."""

from portal.accounts.models import User
from portal.core.links import console_url
from portal.organizations.models import Environment, Organization, Role, RoleBinding
from tests.portal.base import PortalTestCase, client_of, make_role, make_user
from tests.portal.cases import ObjectPageCases


class PeoplePageTests(ObjectPageCases, PortalTestCase):
    list_page, create_page, edit_page = "organizations:people", "organizations:invite", "organizations:role_change"
    actions = ("organizations:role_remove", "organizations:invite_again", "organizations:end_sessions")
    create_form = {"email": "cora@example.test", "role": "viewer", "environment": "everywhere"}
    edit_form = {"role": "editor"}

    def get_target(self) -> RoleBinding:
        return RoleBinding.objects.get(user=self.world.ben)

    def get_other_target(self) -> RoleBinding:
        return RoleBinding.objects.get(user=self.world.olaf)

    def test_list_names_everybody_of_the_organization_and_nobody_else(self) -> None:
        page = client_of(self.world.ben).get(console_url(self.world.sandbox, "organizations:people"))
        self.assertContains(page, self.world.ada.email)
        self.assertNotContains(page, self.world.olaf.email)

    def test_new_person_s_link_is_shown_once(self) -> None:
        address = console_url(self.world.production, "organizations:invite")
        client = client_of(self.world.ada)
        page = client.post(address, self.create_form | {"email": "eve@example.test", "name": "Eve"})
        self.assertContains(page, "/invitation/")
        listed = client.get(console_url(self.world.production, "organizations:people"))
        self.assertContains(listed, "eve@example.test")
        self.assertContains(listed, "address not confirmed")
        self.assertNotContains(listed, "/invitation/")

    def test_owner_of_one_environment_adds_people_only_there(self) -> None:
        make_role(self.world.cora, self.world.sandbox, Role.OWNER)
        client = client_of(self.world.cora)
        address = console_url(self.world.sandbox, "organizations:invite")
        form = {"email": "eve@example.test", "role": "viewer"}
        for environment in ("everywhere", "", str(self.world.production.pk), str(self.world.other_environment.pk)):
            response = client.post(address, form | {"environment": environment})
            self.assertEqual(response.status_code, 422, environment)
        self.assertContains(client.post(address, form | {"environment": str(self.world.sandbox.pk)}), "/invitation/")

    def test_owner_can_step_down_when_there_is_another(self) -> None:
        make_role(self.world.cora, self.world.organization, Role.OWNER)
        own = RoleBinding.objects.get(user=self.world.ada)
        address = console_url(self.world.production, "organizations:role_change", own.pk)
        self.assertEqual(client_of(self.world.ada).post(address, {"role": "viewer"}).status_code, 302)
        own.refresh_from_db()
        self.assertEqual(own.role, Role.VIEWER)

    def test_last_owner_is_told_so_beside_the_field(self) -> None:
        own = RoleBinding.objects.get(user=self.world.ada)
        address = console_url(self.world.production, "organizations:role_change", own.pk)
        response = client_of(self.world.ada).post(address, {"role": "viewer"})
        self.assertContains(response, "last owner", status_code=422)

    def test_removed_person_is_gone(self) -> None:
        binding = self.get_target()
        address = console_url(self.world.production, "organizations:role_remove", binding.pk)
        self.assertEqual(client_of(self.world.ada).post(address).status_code, 302)
        self.assertFalse(RoleBinding.objects.filter(pk=binding.pk).exists())
        self.assertTrue(User.objects.filter(pk=binding.user_id).exists())

    def test_names_are_shown_inert(self) -> None:
        make_role(make_user("<script>alert(1)</script>", email="x@example.test"), self.world.organization, Role.VIEWER)
        page = client_of(self.world.ada).get(console_url(self.world.production, "organizations:people"))
        self.assertNotContains(page, "<script>alert")


class EnvironmentPageTests(ObjectPageCases, PortalTestCase):
    list_page, create_page = "organizations:environments", "organizations:environment_create"
    edit_page = "organizations:environment_edit"
    target, other_target = "sandbox", "other_environment"
    form = {"name": "Staging", "kind": "sandbox"}

    def test_short_name_cannot_be_changed(self) -> None:
        address = console_url(self.world.production, "organizations:environment_edit", self.world.sandbox.pk)
        client_of(self.world.ada).post(address, self.form | {"slug": "moved"})
        changed = Environment.objects.get(pk=self.world.sandbox.pk)
        self.assertEqual((changed.name, changed.slug), ("Staging", "sandbox"))

    def test_owner_of_one_environment_makes_no_other(self) -> None:
        make_role(self.world.cora, self.world.sandbox, Role.OWNER)
        address = console_url(self.world.sandbox, "organizations:environment_create")
        self.assertEqual(client_of(self.world.cora).post(address, self.form).status_code, 403)


class NewOrganizationPageTests(PortalTestCase):
    def address(self) -> str:
        return console_url(self.world.production, "organizations:create")

    def test_operator_makes_one_and_goes_there(self) -> None:
        self.world.ada.is_operator = True
        self.world.ada.save()
        response = client_of(self.world.ada).post(self.address(), {"name": "Second", "slug": ""})
        self.assertRedirects(response, "/console/second/production/")

    def test_nobody_else_does(self) -> None:
        client = client_of(self.world.ada)
        self.assertEqual(client.get(self.address()).status_code, 403)
        self.assertEqual(client.post(self.address(), {"name": "Second"}).status_code, 403)
        self.assertEqual(Organization.objects.count(), 2)
