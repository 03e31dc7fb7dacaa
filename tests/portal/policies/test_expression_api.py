"""REST: checking an expression while it is being written."""

import json
from typing import Any
from unittest.mock import patch

from gateway_runtime.policies import registry
from tests.portal.base import PortalTestCase
from tests.portal.policies.test_expression_settings import POLICY


class ExpressionCheckTests(PortalTestCase):
    """What is wrong with it, and where."""

    def setUp(self) -> None:
        patched = patch.dict(registry._BY_NAME, {POLICY.name: POLICY})
        patched.start()
        self.addCleanup(patched.stop)

    def check(self, setting: str, expression: str, *, policy: str = POLICY.name, user: Any = "cora") -> Any:
        client = self.client_of(getattr(self.world, user) if user else None)
        body = json.dumps({"setting": setting, "expression": expression})
        return client.post(f"/api/v1/policies/{policy}/check-expression/", body, content_type="application/json")

    def test_a_right_expression_has_nothing_wrong(self) -> None:
        response = self.check("keySelector", "#[attributes.headers['x-key']]")
        self.assertEqual(response.status_code, 200)
        self.assertEqual(response.json(), {"code": "", "message": "", "position": None})
        self.assertEqual(self.check("headers[0].value", "  text #[attributes.method] ").json()["code"], "")

    def test_a_mistake_is_told_with_its_character(self) -> None:
        self.assertEqual(
            self.check("keySelector", "#[attributs]").json(),
            {
                "code": "unknown_name",
                "message": "Character 3: There is no “attributs”. Did you mean “attributes”?",
                "position": 2,
            },
        )
        self.assertEqual(self.check("keySelector", "").json()["code"], "not_an_expression")
        self.assertEqual(self.check("keySelector", "#[" + "(" * 9000).json()["code"], "too_deep")

    def test_a_setting_without_expressions_says_so(self) -> None:
        found = self.check("headers[0].key", "#[1]").json()
        self.assertEqual((found["code"], found["position"]), ("unknown_setting", None))

    def test_unknown_policies_and_strangers_are_refused(self) -> None:
        self.assertEqual(self.check("keySelector", "#[1]", policy="no-such-policy").status_code, 404)
        self.assertEqual(self.check("keySelector", "#[1]", user=None).status_code, 401)
        self.assertEqual(self.check("keySelector", "x" * 20_001).status_code, 400)
