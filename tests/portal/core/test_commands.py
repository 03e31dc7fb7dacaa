"""“Show the command for this”: every form and button has one, and running it does the same."""

import json
import re
import shlex
from typing import Any

from django.test import override_settings
from django.urls import resolve, reverse
from django.utils.html import escape

from portal.accounts.services import api_token_create
from portal.apis.models import ApiInstance, Route, Service
from portal.apis.service_form import ServiceForm
from portal.catalog.models import Api
from portal.contracts.models import Contract, SlaTier
from portal.core.find import _patterns
from portal.core.links import console_url
from portal.core.views import ActionView, EditPage
from portal.gateways.models import Gateway, Listener
from portal.policies.models import PolicyBinding
from portal.urls import urlpatterns
from tests.portal.apis.test_add_api import FOLDED
from tests.portal.base import PortalTestCase
from tests.portal.contracts.factories import make_application


def pages() -> list[type[Any]]:
    """Return every page of the console that changes something."""
    views = (getattr(pattern.callback, "view_class", None) for _, _, pattern in _patterns(urlpatterns, "", ""))
    return [view for view in views if view is not None and issubclass(view, (EditPage, ActionView))]


def filled(form: Any) -> dict[str, Any]:
    """Return what a browser would post of a form that nobody has touched."""
    return {field.html_name: field.value() for field in form if field.value() not in (None, False)}


def test_every_form_and_button_has_a_command_or_says_why_not() -> None:
    assert len(pages()) > 40
    assert [view.__name__ for view in pages() if (view.rest is None) == (not view.no_command)] == []


def test_every_command_is_a_call_that_there_is() -> None:
    missing = []
    for view in pages():
        if view.rest is None:
            continue
        path = re.sub(r"{[^}]+}", "0a0a0a0a-0000-4000-8000-000000000000", view.rest.path)
        found = resolve(f"/api/v1{path}").func
        methods = getattr(found, "actions", None) or dict.fromkeys(found.view_class.http_method_names, "")
        if view.rest.method.lower() not in methods:
            missing.append(f"{view.__name__}: {view.rest.method} {view.rest.path}")
    assert missing == []


@override_settings(PORTAL_URL="https://portico.example.test")
class CommandTests(PortalTestCase):
    def setUp(self) -> None:
        """Sign the owner in and make the token that the commands are run with."""
        self.browser = self.client_of(self.world.ada)
        self.token = api_token_create(user=self.world.ada, actor=self.world.ada, name="shell").secret

    def shown(self, name: str, *arguments: Any, form: dict[str, Any] | None = None) -> str:
        """Return the command that a page shows: a form's with what is in its fields, else a button's."""
        address = console_url(self.world.production, name, *arguments)
        if form is None:
            page = self.browser.get(address, {"_command": "1"})
        else:
            page = self.browser.post(f"{address}?_command=1", form)
        assert page.status_code == 200, page.content.decode()
        text: str = page.context["command"].text
        return text

    def execute(self, text: str) -> Any:
        """Do what curl would do with the arguments that a shell makes of a command."""
        words = shlex.split(text.replace("$PORTICO_TOKEN", self.token))
        assert words[:3] == ["curl", "--fail-with-body", "-X"]
        method, url = words[3], words[4]
        headers = dict(words[i + 1].split(": ", 1) for i, word in enumerate(words) if word == "-H")
        body = words[words.index("-d") + 1] if "-d" in words else ""
        assert url.startswith("https://portico.example.test/api/v1/")
        return self.client_of(None).generic(
            method,
            url.removeprefix("https://portico.example.test"),
            body,
            content_type=headers.get("Content-Type", "application/octet-stream"),
            headers={"Authorization": headers["Authorization"]},
        )

    def done(self, name: str, *arguments: Any, form: dict[str, Any] | None = None) -> Any:
        """Show a command, run it, and return the answer."""
        answer = self.execute(self.shown(name, *arguments, form=form))
        assert answer.status_code < 300, answer.content
        return answer

    def test_showing_changes_nothing(self) -> None:
        self.shown("gateways:edit", self.world.gateway.pk, form={"name": "Renamed", "public_host": ""})
        self.shown("apis:stop", self.world.instance.pk)
        self.world.gateway.refresh_from_db()
        self.world.instance.refresh_from_db()
        assert (self.world.gateway.name, self.world.instance.status) == ("Edge", "active")

    def test_forms_of_gateways(self) -> None:
        self.done("gateways:create", form={"name": "Second", "port": "9100", "public_host": "api.example.test"})
        second = Gateway.objects.get(name="Second")
        assert (second.public_host, second.listeners.get().port) == ("api.example.test", 9100)
        self.done("gateways:edit", second.pk, form={"name": "It's", "public_host": "", "sampled_percent": "2.5"})
        second.refresh_from_db()
        assert (second.name, second.sampled_percent) == ("It's", 2.5)
        self.done("gateways:listener_create", second.pk, form={"port": "9101", "name": "inner"})
        listener = Listener.objects.get(port=9101)
        assert listener.gateway == second
        self.done("gateways:listener_delete", listener.pk)
        assert not Listener.objects.filter(port=9101).exists()

    def test_forms_of_the_catalog(self) -> None:
        form = {"name": "Parcels", "version": "v1", "summary": "", "layer": "system", "visibility": "private"}
        self.done("catalog:create", form=form)
        api = Api.objects.get(name="Parcels")
        self.done("catalog:edit", api.pk, form={**form, "summary": "“Where is it?”"})
        self.done("catalog:version_create", api.pk, form={"version": "v2", "lifecycle": "stable"})
        api.refresh_from_db()
        assert api.summary == "“Where is it?”"
        assert sorted(api.versions.values_list("version", flat=True)) == ["v1", "v2"]
        self.done("catalog:delete", api.pk)
        assert not Api.objects.filter(pk=api.pk).exists()

    def test_buttons_and_settings_of_an_instance(self) -> None:
        self.done("apis:stop", self.world.instance.pk)
        assert ApiInstance.objects.get(pk=self.world.instance.pk).status == "stopped"
        self.done("apis:start", self.world.instance.pk)
        form = {
            "api_version": self.world.api_version.pk,
            "port": "8080",
            "base_path": "/parcels",
            "implementation_url": "http://orders.example.test:9001",
            "labels": "layer=system",
            "label": "eu",
            "consumer_endpoint": "",
        }
        self.done("apis:settings", self.world.instance.pk, form=form)
        changed = ApiInstance.objects.get(pk=self.world.instance.pk)
        assert (changed.base_path, changed.labels, changed.label) == ("/parcels", {"layer": "system"}, "eu")

    def test_services_and_routes(self) -> None:
        form = {"name": "eu", "url": "http://eu.example.test:9001"}
        self.done("apis:service_create", self.world.instance.pk, form=filled(ServiceForm()) | form)
        service = Service.objects.get(name="eu")
        route_form = {"name": "items", "rules.0.path": "/items", "destinations.0.service": str(service.pk)}
        route_form |= {"destinations.0.weight": "1", "destinations.0.path": ""}
        self.done("apis:route_create", self.world.instance.pk, form=route_form)
        route = Route.objects.get(name="items")
        assert route.destinations.get().service == service
        self.done("apis:route_delete", route.pk)
        assert not Route.objects.filter(name="items").exists()

    def test_policies_with_their_settings(self) -> None:
        form = {
            "rateLimits.0.maximumRequests": "7",
            "rateLimits.0.timePeriodInMilliseconds": "60000",
            "key": "api",
            "algorithm": "fixed-window",
            "timeZone": "UTC",
            "_when.mode": "enforce",
        }
        self.done("policies:apply", self.world.instance.pk, "rate-limiting", form=form)
        binding = PolicyBinding.objects.get()
        assert binding.config["rateLimits"][0]["maximumRequests"] == 7
        form["rateLimits.0.maximumRequests"] = "8"
        self.done("policies:edit", self.world.instance.pk, binding.pk, form=form)
        binding.refresh_from_db()
        assert binding.config["rateLimits"][0]["maximumRequests"] == 8
        self.done("policies:disable", self.world.instance.pk, binding.pk)
        binding.refresh_from_db()
        assert not binding.enabled
        self.done("policies:remove", self.world.instance.pk, binding.pk)
        assert not PolicyBinding.objects.exists()

    def test_tiers_and_contracts(self) -> None:
        form = {
            "name": "Gold", "description": "", "approval": "manual",
            "requests_0": "5", "period_0": "1", "unit_0": "minutes",
        }  # fmt: skip
        self.done("contracts:tier_create", self.world.instance.pk, form=form)
        tier = SlaTier.objects.get()
        assert (tier.name, tier.limits) == ("Gold", [{"maximumRequests": 5, "timePeriodInMilliseconds": 60000}])
        contract = Contract.objects.create(
            application=make_application(self.world.cora), instance=self.world.instance, tier=tier
        )
        for action, status in (("approve", "active"), ("revoke", "revoked"), ("restore", "active")):
            self.done(f"contracts:{action}", contract.pk)
            contract.refresh_from_db()
            assert contract.status == status

    def test_people_and_environments(self) -> None:
        self.done("organizations:environment_create", form={"name": "Staging", "kind": "sandbox", "colour": "violet"})
        staging = self.world.organization.environments.get(name="Staging")
        assert staging.colour == "violet"
        form = {"email": "nora@example.test", "name": "Nora", "role": "viewer", "environment": str(staging.pk)}
        self.done("organizations:invite", form=form)
        assert staging.role_bindings.get().user.email == "nora@example.test"

    def listed(self, address: str, data: Any = None, *, client: Any = None) -> list[str]:
        """Return the commands that a page has folded away; `data` is posted to it."""
        client = client or self.browser
        page = client.get(address) if data is None else client.post(address, data)
        assert page.status_code == 200, page.content.decode()
        for command in page.context["commands"]:
            assert escape(command.text) in page.content.decode()
        return [command.text for command in page.context["commands"]]

    def test_actions_on_many_rows(self) -> None:
        apis = console_url(self.world.production, "apis:list")
        page = self.browser.post(apis, {"action": "stop", "row": [str(self.world.instance.pk)]})["Location"]
        [text] = self.listed(page)
        assert self.execute(text).json()["results"][0]["state"] == "changed"
        self.world.instance.refresh_from_db()
        assert self.world.instance.status == "stopped"
        page = self.browser.post(apis, {"action": "policy-apply", "row": [str(self.world.instance.pk)]})["Location"]
        [text] = self.listed(page, {"policy": "ip-blocklist", "config": '{"ips": ["192.0.2.1"]}'})
        assert self.execute(text).json()["results"][0]["state"] == "changed"
        assert self.world.instance.policies.get().policy == "ip-blocklist"

    def test_an_api_is_added(self) -> None:
        step = {
            name: console_url(self.world.production, f"apis:add_{name}")
            for name in ("gateway", "api", "endpoint", "review")
        }
        where = {"port": "8080", "base_path": "/parcels", "implementation_url": "https://parcels.example.test"}
        self.browser.post(step["gateway"], {"gateway": str(self.world.gateway.pk)})
        self.browser.post(step["api"], {"choice": "name", "name": "Parcels", "version": "v1", "layer": "system"})
        self.browser.post(step["endpoint"], {**where, "label": "", "consumer_endpoint": "", **FOLDED})
        [text] = self.listed(step["review"])
        assert self.execute(text).status_code == 201
        assert ApiInstance.objects.get(base_path="/parcels").api_version.api.name == "Parcels"

    def test_applications_and_access_of_developers(self) -> None:
        [text] = self.listed("/hub/applications/new/")
        made = self.execute(text).json()
        assert made["name"] == "YOUR_NAME"
        own = f"/hub/applications/{made['id']}/"
        [text] = self.listed(f"{own}edit/")
        assert self.execute(text.replace("YOUR_NAME", "Shop")).json()["name"] == "Shop"
        page = self.browser.get(own).context
        assert self.execute(page["rotate_commands"][0].text).json()["client_secret"]
        assert self.execute(page["delete_commands"][0].text).status_code == 204

    def test_tokens(self) -> None:
        [text] = self.listed(reverse("accounts:token_create"))
        assert self.execute(text).json()["token"].startswith("portico_pat_")

    def test_secrets_are_never_shown(self) -> None:
        form = {"username": "shop", "password": "a-long-enough-password", "_when.mode": "enforce"}
        text = self.shown("policies:apply", self.world.instance.pk, "http-basic-authentication", form=form)
        assert "a-long-enough-password" not in text
        assert json.loads(shlex.split(text)[-1])["config"]["password"] == "YOUR_PASSWORD"
        assert "$PORTICO_TOKEN" in text
        assert self.token not in text

    def test_what_is_typed_cannot_break_out_of_the_command(self) -> None:
        text = self.shown("gateways:edit", self.world.gateway.pk, form={"name": "'; rm -rf / #$(id)`id`"})
        assert json.loads(shlex.split(text)[-1])["name"] == "'; rm -rf / #$(id)`id`"

    def test_a_wrong_form_says_what_is_wrong_first(self) -> None:
        address = console_url(self.world.production, "gateways:edit", self.world.gateway.pk)
        page = self.browser.post(f"{address}?_command=1", {"name": ""})
        assert page.status_code == 422
        assert "The command can be shown when" in page.content.decode()

    def test_it_is_for_those_who_may_do_it(self) -> None:
        address = console_url(self.world.production, "apis:stop", self.world.instance.pk)
        assert self.client_of(self.world.ben).get(address, {"_command": "1"}).status_code == 403
        assert self.client_of(self.world.olaf).get(address, {"_command": "1"}).status_code == 404

    def test_every_button_leads_to_its_command(self) -> None:
        html = self.browser.get(self.world.instance.get_absolute_url()).content.decode()
        stop = console_url(self.world.production, "apis:stop", self.world.instance.pk)
        assert f'href="{stop}?_command=1"' in html
