"""REST of policies and their bindings."""

import json
from typing import Any

from gateway_runtime.policies.registry import all_definitions
from portal.audit.models import AuditEvent
from portal.policies import services
from portal.policies.models import PolicyBinding
from tests.portal.base import PortalTestCase
from tests.portal.cases import ObjectApiCases

SECRET = "a secret nobody may read"
BASIC = "http-basic-authentication"
BINDINGS = "/api/v1/policy-bindings/"


def bind(world: Any, instance: Any) -> PolicyBinding:
    return services.policy_apply(
        actor=world.ada, instance=instance, policy=BASIC, config={"username": "w", "password": SECRET}
    )


class BindingApiCases(ObjectApiCases, PortalTestCase):
    """Who may read and change."""

    path = BINDINGS
    change = {"enabled": False}
    deletes = True

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.binding = bind(cls.world, cls.world.instance)
        cls.other = bind(cls.world, cls.world.other_instance)

    def get_target(self) -> Any:
        return self.binding

    def get_other_target(self) -> Any:
        return self.other

    def get_create(self) -> dict[str, Any]:
        limit = {"maximumRequests": 1, "timePeriodInMilliseconds": 1000}
        return {"instance": self.world.instance.pk, "policy": "rate-limiting", "config": {"rateLimits": [limit]}}

    create = {"in": "get_create"}


class BindingApiTests(PortalTestCase):
    """What the answers hold."""

    def setUp(self) -> None:
        self.ada = self.client_of(self.world.ada)

    def send(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        return self.ada.generic(method, path, json.dumps(body or {}, default=str), content_type="application/json")

    def apply(self, policy: str, config: dict[str, Any]) -> Any:
        return self.send("POST", BINDINGS, {"instance": self.world.instance.pk, "policy": policy, "config": config})

    def test_every_policy_is_applied_with_its_example(self) -> None:
        for policy in all_definitions():
            with self.subTest(policy=policy.name):
                response = self.apply(policy.name, policy.example)
                self.assertEqual(response.status_code, 201, response.content)
                shown = response.json()["config"]
                secret = set(policy.secret_settings())
                self.assertEqual(
                    {name: value for name, value in shown.items() if name not in secret},
                    {name: value for name, value in policy.example.items() if name not in secret},
                )

    def test_unknown_setting_is_refused_with_the_nearest_name(self) -> None:
        response = self.apply("rate-limiting", {"rateLimit": []})
        self.assertEqual(response.status_code, 400)
        self.assertEqual(response.json()["code"], "unknown_setting")
        self.assertIn("“rateLimits”", response.json()["fields"]["/config/rateLimit"])

    def test_value_out_of_range_is_named_by_a_pointer(self) -> None:
        limit = {"maximumRequests": 0, "timePeriodInMilliseconds": 1000}
        response = self.apply("rate-limiting", {"rateLimits": [limit]})
        self.assertEqual(list(response.json()["fields"]), ["/config/rateLimits/0/maximumRequests"])

    def test_unknown_policy_is_refused_with_the_nearest_name(self) -> None:
        response = self.apply("rate-limit", {})
        self.assertEqual(response.status_code, 400)
        self.assertIn("rate-limiting", response.json()["fields"]["/policy"])

    def test_settings_must_be_an_object(self) -> None:
        response = self.apply(BASIC, ["no"])  # type: ignore[arg-type]
        self.assertEqual(response.status_code, 400)
        self.assertIn("/config", response.json()["fields"])

    def test_instance_of_another_organization_cannot_be_named(self) -> None:
        body = {"instance": self.world.other_instance.pk, "policy": BASIC, "config": {}}
        response = self.send("POST", BINDINGS, body)
        self.assertEqual(response.status_code, 400)
        self.assertIn("/instance", response.json()["fields"])

    def test_secret_is_in_no_answer_and_not_in_the_audit_trail(self) -> None:
        created = self.apply(BASIC, {"username": "w", "password": SECRET})
        path = f"{BINDINGS}{created.json()['id']}/"
        self.assertEqual(created.json()["config"]["password"], "••••••")
        changed = self.send("PATCH", path, {"config": created.json()["config"] | {"username": "new"}})
        self.assertEqual(changed.status_code, 200, changed.content)
        for response in (created, changed, self.ada.get(path), self.ada.get(BINDINGS)):
            self.assertNotIn(SECRET, response.content.decode())
        self.assertEqual(json.loads(PolicyBinding.objects.get().secrets), {"password": SECRET})
        for event in AuditEvent.objects.all():
            self.assertNotIn(SECRET, json.dumps([event.before, event.after, event.message]))

    def test_switch_and_remove(self) -> None:
        path = f"{BINDINGS}{self.apply(BASIC, {'username': 'w', 'password': 'x'}).json()['id']}/"
        self.assertFalse(self.send("POST", f"{path}disable/").json()["enabled"])
        self.assertTrue(self.send("POST", f"{path}enable/").json()["enabled"])
        self.assertEqual(self.send("DELETE", path).status_code, 204)
        self.assertFalse(PolicyBinding.objects.exists())

    def test_policy_and_instance_of_a_binding_stay(self) -> None:
        created = self.apply(BASIC, {"username": "w", "password": "x"}).json()
        body = {"policy": "rate-limiting", "instance": self.world.other_instance.pk, "order": 7}
        changed = self.send("PATCH", f"{BINDINGS}{created['id']}/", body).json()
        self.assertEqual((changed["policy"], changed["instance"], changed["order"]), (BASIC, created["instance"], 7))


class PolicyCatalogueTests(PortalTestCase):
    """The policies there are."""

    def test_every_policy_has_a_schema_without_references(self) -> None:
        rows = self.client_of(self.world.cora).get("/api/v1/policies/").json()
        self.assertEqual([row["name"] for row in rows], [policy.name for policy in all_definitions()])
        for row in rows:
            self.assertTrue(row["config_schema"]["properties"])
            self.assertNotIn("$ref", json.dumps(row["config_schema"]))

    def test_policy_is_found_by_alias(self) -> None:
        response = self.client_of(self.world.cora).get("/api/v1/policies/basic-authentication/")
        self.assertEqual(response.json()["name"], BASIC)

    def test_unknown_policy_is_not_found(self) -> None:
        response = self.client_of(self.world.cora).get("/api/v1/policies/rate-limitin/")
        self.assertEqual(response.status_code, 404)
        self.assertIn("rate-limiting", response.json()["message"])

    def test_strangers_are_refused(self) -> None:
        self.assertEqual(self.client_of(None).get("/api/v1/policies/").status_code, 401)
