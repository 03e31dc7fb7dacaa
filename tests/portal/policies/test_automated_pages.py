"""Automated policies in the console and over REST: who may do what, and what is shown."""

import json
from typing import Any

from gateway_runtime.policies.registry import all_definitions
from gateway_runtime.schema.faults import convert
from portal.core.links import console_url
from portal.policies import automated_services, services
from portal.policies.models import AutomatedPolicy
from portal.policies.posted import form_data
from tests.portal.base import PortalTestCase, make_instance
from tests.portal.cases import ObjectApiCases, ObjectPageCases

BASIC = "http-basic-authentication"
SECRET = "a secret nobody may read"
LIMIT = {"rateLimits": [{"maximumRequests": 1, "timePeriodInMilliseconds": 1000}]}
PATH = "/api/v1/automated-policies/"


def automate(world: Any, environment: Any, policy: str = BASIC, **fields: Any) -> AutomatedPolicy:
    config = {"username": "w", "password": SECRET} if policy == BASIC else LIMIT
    return automated_services.automated_policy_apply(
        actor=world.ada, environment=environment, policy=policy, config=config, **fields
    )


class _Automated:
    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()  # type: ignore[misc]
        cls.automated = automate(cls.world, cls.world.production)  # type: ignore[attr-defined]
        cls.other = automate(cls.world, cls.world.other_environment)  # type: ignore[attr-defined]

    def get_target(self) -> Any:
        return self.automated  # type: ignore[attr-defined]

    def get_other_target(self) -> Any:
        return self.other  # type: ignore[attr-defined]


class AutomatedPageCases(_Automated, ObjectPageCases, PortalTestCase):
    """Who may read and change the pages."""

    list_page, detail_page = "automated_policies:list", "automated_policies:detail"
    edit_page = "automated_policies:edit"
    form = {"username": "new", "password": ""}
    actions = tuple(
        f"automated_policies:{name}" for name in ("enable", "disable", "enforce", "remove", "earlier", "later")
    )


class AutomatedApiCases(_Automated, ObjectApiCases, PortalTestCase):
    """Who may read and change by the interface."""

    path = PATH
    change = {"mode": "shadow"}
    deletes = True
    create = {"in": "get_create"}

    def get_create(self) -> dict[str, Any]:
        return {"environment": self.world.production.pk, "policy": "rate-limiting", "config": LIMIT}


class AutomatedApiTests(_Automated, PortalTestCase):
    """What the answers hold."""

    def send(self, method: str, path: str, body: dict[str, Any], user: Any = None) -> Any:
        client = self.client_of(user or self.world.ada)
        return client.generic(method, path, json.dumps(body, default=str), content_type="application/json")

    def test_secret_is_masked_and_kept(self) -> None:
        path = f"{PATH}{self.automated.pk}/"
        shown = self.client_of(self.world.ada).get(path)
        self.assertEqual(shown.json()["config"], {"username": "w", "password": "••••••"})
        self.assertEqual(self.send("PATCH", path, {"config": shown.json()["config"]}).status_code, 200)
        self.automated.refresh_from_db()
        self.assertEqual(json.loads(self.automated.secrets), {"password": SECRET})

    def test_selector_is_checked_by_its_place(self) -> None:
        answer = self.send("PATCH", f"{PATH}{self.automated.pk}/", {"selector": {"a b": "c"}})
        self.assertEqual(answer.status_code, 400)
        self.assertEqual(list(answer.json()["fields"]), ["/selector"])

    def test_coverage_lists_instances_with_reasons(self) -> None:
        automated_services.automated_policy_update(
            actor=self.world.ada, automated=self.automated, selector={"layer": "system"}
        )
        make_instance(self.world.gateway, self.world.api_version, base_path="/b", labels={"layer": "system"})
        rows = self.client_of(self.world.ben).get(f"{PATH}{self.automated.pk}/coverage/").json()
        self.assertEqual({row["state"]: row["covered"] for row in rows}, {"labels": False, "covered": True})
        self.assertIn("It lacks the label layer=system.", {row["reason"] for row in rows})

    def test_coverage_is_not_for_strangers(self) -> None:
        for user in (self.world.cora, self.world.olaf):
            self.assertEqual(self.client_of(user).get(f"{PATH}{self.automated.pk}/coverage/").status_code, 404)

    def test_labels_of_an_instance_are_read_and_changed(self) -> None:
        path = f"/api/v1/api-instances/{self.world.instance.pk}/"
        answer = self.send("PATCH", path, {"labels": {"layer": "system"}})
        self.assertEqual(answer.json()["labels"], {"layer": "system"})
        wrong = self.send("PATCH", path, {"labels": {"layer": "has space"}})
        self.assertEqual(list(wrong.json()["fields"]), ["/labels"])

    def test_list_costs_the_same_for_any_number(self) -> None:
        client = self.client_of(self.world.ben)
        # The first answer notes where the session is used.
        client.get(PATH)
        with self.assertNumQueries(5):
            client.get(PATH)
        for number in range(3):
            automate(self.world, self.world.production, "rate-limiting", selector={"n": str(number)})
        with self.assertNumQueries(5):
            client.get(PATH)


class AutomatedConsoleTests(_Automated, PortalTestCase):
    """What the pages show and take."""

    def url(self, name: str, *args: Any) -> str:
        return console_url(self.world.production, f"automated_policies:{name}", *args)

    def test_every_policy_can_be_applied_by_its_form(self) -> None:
        ada = self.client_of(self.world.ada)
        self.assertEqual(ada.get(self.url("add")).status_code, 200)
        for policy in all_definitions():
            AutomatedPolicy.objects.all().delete()
            with self.subTest(policy=policy.name):
                self.assertEqual(ada.get(self.url("apply", policy.name) + "?example").status_code, 200)
                sent = {**form_data(policy, policy.example), "_when.selector": "layer=system\ntier=1"}
                self.assertEqual(ada.post(self.url("apply", policy.name), sent).status_code, 302)
                automated = AutomatedPolicy.objects.get()
                stored = {**automated.config, **json.loads(automated.secrets)}
                self.assertEqual(convert(stored, policy.config), convert(policy.example, policy.config))
                self.assertEqual(automated.selector, {"layer": "system", "tier": "1"})

    def test_viewer_can_neither_choose_nor_apply(self) -> None:
        ben = self.client_of(self.world.ben)
        for page in (self.url("add"), self.url("apply", BASIC)):
            self.assertEqual(ben.get(page).status_code, 403)
        self.assertEqual(ben.post(self.url("apply", BASIC), {}).status_code, 403)
        self.assertEqual(self.client_of(self.world.olaf).get(self.url("list")).status_code, 404)

    def test_wrong_selector_stands_beside_its_field(self) -> None:
        response = self.client_of(self.world.ada).post(
            self.url("apply", BASIC), {"username": "w", "password": "x", "_when.selector": "layer"}
        )
        self.assertEqual(response.status_code, 422)
        self.assertIn("name=value", response.context["form"].errors["_when.selector"][0])

    def test_secret_is_on_no_page(self) -> None:
        ada = self.client_of(self.world.ada)
        for name in ("detail", "edit"):
            self.assertNotContains(ada.get(self.url(name, self.automated.pk)), SECRET)

    def test_instance_shows_what_holds_for_it_and_what_is_set_aside(self) -> None:
        services.policy_apply(
            actor=self.world.ada,
            instance=self.world.instance,
            policy=BASIC,
            config={"username": "own", "password": "x"},
        )
        page = self.client_of(self.world.ben).get(
            console_url(self.world.production, "policies:list", self.world.instance.pk)
        )
        self.assertContains(page, "On every API of Production")
        self.assertContains(page, "Does not act")

    def test_pages_cost_the_same_for_any_number(self) -> None:
        ben = self.client_of(self.world.ben)
        pages = {"list": self.url("list"), "detail": self.url("detail", self.automated.pk)}
        before = {name: self._queries(ben, page) for name, page in pages.items()}
        for number in range(3):
            automate(self.world, self.world.production, "rate-limiting", selector={"n": str(number)})
            make_instance(self.world.gateway, self.world.api_version, base_path=f"/{number}", label=str(number))
        self.assertEqual({name: self._queries(ben, page) for name, page in pages.items()}, before)

    def _queries(self, client: Any, page: str) -> int:
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as captured:
            self.assertEqual(client.get(page).status_code, 200)
        # A page now and then also saves the session.
        return sum(query["sql"].startswith("SELECT") for query in captured.captured_queries)
