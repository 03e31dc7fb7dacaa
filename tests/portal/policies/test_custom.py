"""A policy that the operator has installed has its form, its REST schema and its documentation like every other one."""

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from gateway_runtime.policies import registry
from gateway_runtime.policies.custom import find_custom
from portal.core.links import console_url
from portal.docs import library
from portal.policies.models import PolicyBinding
from tests.portal.base import PortalTestCase

TEMPLATE = Path(__file__).parents[3] / "portal" / "cli" / "templates" / "policy.py.txt"


class CustomPolicyTests(PortalTestCase):
    """The policy that `portico policy new office-hours` writes."""

    @pytest.fixture(autouse=True)
    def _installed(self, tmp_path: Path) -> Iterator[None]:
        words = {"NAME": "office-hours", "MODULE": "office_hours", "TITLE": "Office hours"}
        text = TEMPLATE.read_text(encoding="utf-8")
        for word, value in words.items():
            text = text.replace(f"{{{{{word}}}}}", value)
        (tmp_path / "office_hours.py").write_text(text, encoding="utf-8")
        (policy,) = find_custom(registry.all_definitions(), {"PORTICO_POLICIES": str(tmp_path)}).definitions
        with patch.dict(registry._BY_NAME, {policy.name: policy}):
            library.pages.cache_clear()
            yield
        library.pages.cache_clear()

    def url(self, name: str, *args: object) -> str:
        return console_url(self.world.production, f"policies:{name}", self.world.instance.pk, *args)

    def test_it_is_among_the_policies_of_its_category(self) -> None:
        self.assertContains(self.client_of(self.world.ada).get(self.url("add")), "Office hours")

    def test_its_form_applies_it(self) -> None:
        ada = self.client_of(self.world.ada)
        form = ada.get(self.url("apply", "office-hours"))
        self.assertContains(form, "The header that a request must carry.")
        values = {name: field.initial for name, field in form.context["form"].fields.items() if field.initial}
        response = ada.post(self.url("apply", "office-hours"), {**values, "header": "x-badge"})
        self.assertRedirects(response, self.url("list"))
        self.assertEqual(PolicyBinding.objects.get(policy="office-hours").config, {"header": "x-badge"})

    def test_rest_tells_its_settings_and_takes_it(self) -> None:
        ada = self.client_of(self.world.ada)
        listed = {each["name"]: each for each in ada.get("/api/v1/policies/").json()}
        self.assertIn("header", str(listed["office-hours"]))
        body = {"instance": str(self.world.instance.pk), "policy": "office-hours", "config": {"headr": "x"}}
        refused = ada.post("/api/v1/policy-bindings/", body, content_type="application/json")
        self.assertContains(refused, "Did you mean “header”?", status_code=400)

    def test_its_page_is_in_the_documentation(self) -> None:
        page = self.client_of(self.world.ada).get("/docs/policies/office-hours/")
        self.assertContains(page, "office_hours_refused")
