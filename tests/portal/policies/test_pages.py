"""The pages of an API instance's policies."""

import json
from typing import Any

from gateway_runtime.policies.registry import all_definitions
from gateway_runtime.schema.faults import convert
from portal.core.links import console_url
from portal.policies import services
from portal.policies.models import PolicyBinding
from portal.policies.posted import form_data
from tests.portal.base import PortalTestCase

SECRET = "a secret nobody may read"
BASIC = "http-basic-authentication"


class PolicyPageTests(PortalTestCase):
    """List, choice, form and switches."""

    binding: PolicyBinding

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.binding = services.policy_apply(
            actor=cls.world.ada,
            instance=cls.world.instance,
            policy=BASIC,
            config={"username": "warehouse", "password": SECRET},
        )

    def url(self, name: str, *args: Any, instance: Any = None) -> str:
        return console_url(self.world.production, f"policies:{name}", (instance or self.world.instance).pk, *args)

    def pages(self) -> list[str]:
        return [
            self.url("list"),
            self.url("add"),
            self.url("apply", "rate-limiting"),
            self.url("edit", self.binding.pk),
        ]

    def actions(self) -> list[str]:
        names = ("enable", "disable", "remove", "earlier", "later")
        return [self.url(name, self.binding.pk) for name in names]

    def test_owner_sees_every_page(self) -> None:
        for page in self.pages():
            with self.subTest(page=page):
                self.assertEqual(self.client_of(self.world.ada).get(page).status_code, 200)

    def test_viewer_sees_the_list_only(self) -> None:
        ben = self.client_of(self.world.ben)
        response = ben.get(self.url("list"))
        self.assertContains(response, "Basic authentication")
        self.assertNotContains(response, "Remove")
        for page in self.pages()[1:]:
            with self.subTest(page=page):
                self.assertEqual(ben.get(page).status_code, 403)
        for action in self.actions():
            with self.subTest(action=action):
                self.assertEqual(ben.post(action).status_code, 403)

    def test_strangers_find_nothing(self) -> None:
        for user in (self.world.cora, self.world.olaf):
            client = self.client_of(user)
            for page in self.pages():
                with self.subTest(page=page):
                    self.assertEqual(client.get(page).status_code, 404)
            for action in self.actions():
                self.assertEqual(client.post(action).status_code, 404)

    def test_anonymous_is_sent_to_sign_in(self) -> None:
        for page in self.pages():
            self.assertEqual(self.client_of(None).get(page).status_code, 302)

    def test_binding_is_not_found_below_another_instance(self) -> None:
        ada = self.client_of(self.world.ada)
        self.assertEqual(
            ada.get(self.url("edit", self.binding.pk, instance=self.world.other_instance)).status_code, 404
        )

    def test_secret_is_on_no_page(self) -> None:
        ada = self.client_of(self.world.ada)
        for page in self.pages():
            self.assertNotContains(ada.get(page), SECRET)

    def test_search_narrows_without_javascript(self) -> None:
        ada = self.client_of(self.world.ada)
        response = ada.get(self.url("add"), {"q": "LIMIT"})
        self.assertContains(response, "Rate limiting")
        self.assertNotContains(response, "Header injection")
        self.assertContains(ada.get(self.url("add"), {"q": "nothing like it"}), "No policy matches")

    def test_every_policy_can_be_applied_by_its_form(self) -> None:
        ada = self.client_of(self.world.ada)
        for policy in all_definitions():
            PolicyBinding.objects.all().delete()
            with self.subTest(policy=policy.name):
                response = ada.post(self.url("apply", policy.name), form_data(policy, policy.example))
                self.assertRedirects(response, self.url("list"), fetch_redirect_response=False)
                binding = PolicyBinding.objects.get()
                stored = {**binding.config, **json.loads(binding.secrets)}
                self.assertEqual(convert(stored, policy.config), convert(policy.example, policy.config))

    def test_documentation_and_example_are_beside_the_form(self) -> None:
        ada = self.client_of(self.world.ada)
        self.assertContains(ada.get(self.url("apply", "rate-limiting")), "When to use it")
        example = ada.get(self.url("apply", "header-injection") + "?example")
        self.assertContains(example, 'value="x-environment"')

    def test_the_form_says_where_its_expressions_are_checked(self) -> None:
        page = self.client_of(self.world.ada).get(self.url("apply", "rate-limiting"))
        self.assertContains(page, 'data-expression-check="/api/v1/policies/rate-limiting/check-expression/"')
        self.assertContains(page, "js/policy-expressions.js")
        self.assertContains(page, 'data-expression="string"')

    def test_wrong_value_comes_back_with_its_sentence_and_the_input(self) -> None:
        data = {
            "rateLimits.0.maximumRequests": "0",
            "rateLimits.0.timePeriodInMilliseconds": "1234",
            "algorithm": "fixed-window",
            "timeZone": "UTC",
            "key": "api",
        }
        response = self.client_of(self.world.ada).post(self.url("apply", "rate-limiting"), data)
        self.assertContains(response, "Use 1 or more.", status_code=422)
        self.assertContains(response, 'value="1234"', status_code=422)

    def test_add_row_shows_the_form_again_and_saves_nothing(self) -> None:
        data = {
            "rateLimits.0.maximumRequests": "5",
            "algorithm": "fixed-window",
            "timeZone": "UTC",
            "key": "api",
            "_add_row": "rateLimits",
        }
        response = self.client_of(self.world.ada).post(self.url("apply", "rate-limiting"), data)
        self.assertContains(response, 'name="rateLimits.1.maximumRequests"')
        self.assertContains(response, 'value="5"')
        self.assertEqual(PolicyBinding.objects.count(), 1)

    def test_edit_keeps_the_secret_that_is_left_empty(self) -> None:
        response = self.client_of(self.world.ada).post(
            self.url("edit", self.binding.pk), {"username": "new", "password": ""}
        )
        self.assertEqual(response.status_code, 302)
        self.binding.refresh_from_db()
        self.assertEqual(self.binding.config, {"username": "new"})
        self.assertEqual(json.loads(self.binding.secrets), {"password": SECRET})

    def test_applying_twice_says_so_beside_the_form(self) -> None:
        response = self.client_of(self.world.ada).post(self.url("apply", BASIC), {"username": "x", "password": "y"})
        self.assertContains(response, "already applied", status_code=422)

    def test_switch_answers_htmx_with_the_list_and_the_panel(self) -> None:
        response = self.client_of(self.world.ada).post(
            self.url("disable", self.binding.pk), headers={"HX-Request": "true"}
        )
        self.assertContains(response, 'id="applied-policies"')
        self.assertContains(response, 'id="deployment"')
        self.assertContains(response, "Enable")
        self.binding.refresh_from_db()
        self.assertFalse(self.binding.enabled)

    def test_switch_works_without_javascript(self) -> None:
        response = self.client_of(self.world.ada).post(self.url("disable", self.binding.pk))
        self.assertRedirects(response, self.url("list"), fetch_redirect_response=False)

    def test_remove_takes_it_away(self) -> None:
        ada = self.client_of(self.world.ada)
        response = ada.post(self.url("remove", self.binding.pk), follow=True)
        self.assertContains(response, "Basic authentication is removed.")
        self.assertContains(response, "No policy yet")

    def test_policy_that_this_version_does_not_know_is_named(self) -> None:
        PolicyBinding.objects.update(policy="from-the-future")
        self.assertContains(self.client_of(self.world.ada).get(self.url("list")), "from-the-future")
