"""The front door, the shell and the first steps."""

from typing import Any
from unittest.mock import patch

from django.urls import reverse

from portal.core import checklist
from portal.core.links import console_url
from portal.organizations.models import Environment, Role
from tests.portal.base import PortalTestCase, make_role


class FrontDoorTests(PortalTestCase):
    def test_stranger_goes_to_the_hub(self) -> None:
        self.assertRedirects(self.client.get("/"), reverse("hub:home"), fetch_redirect_response=False)

    def test_first_visible_environment_then_the_one_used_last(self) -> None:
        client = self.client_of(self.world.ada)
        assert client.get("/")["Location"] == "/console/acme/production/"
        client.get(console_url(self.world.sandbox, "console_home"))
        assert client.get("/")["Location"] == "/console/acme/sandbox/"

    def test_environment_used_last_is_forgotten_with_the_role(self) -> None:
        binding = make_role(self.world.cora, self.world.sandbox, Role.VIEWER)
        client = self.client_of(self.world.cora)
        assert client.get(console_url(self.world.sandbox, "console_home")).status_code == 200
        binding.delete()
        self.assertContains(client.get("/"), "You have no role in any organization yet")

    def test_without_a_role_the_hub_is_offered(self) -> None:
        self.assertContains(self.client_of(self.world.cora).get("/"), reverse("hub:home"))


class ShellTests(PortalTestCase):
    def home(self, user: Any, environment: Environment) -> str:
        """Return the console's first page."""
        return self.client_of(user).get(console_url(environment, "console_home")).content.decode()

    def test_production_is_marked_and_sandbox_is_not(self) -> None:
        assert "console-production" in self.home(self.world.ada, self.world.production)
        assert "console-production" not in self.home(self.world.ada, self.world.sandbox)

    def test_every_page_says_where_one_is(self) -> None:
        for page in ("console_home", "apis:list", "gateways:create", "audit:list", "find"):
            with self.subTest(page=page):
                address = console_url(self.world.production, page)
                html = self.client_of(self.world.ada).get(address).content.decode()
                assert "/acme/production/" in address
                assert "· Production · Acme · Portico</title>" in " ".join(html.split())
                assert '<span class="place-environment">Production' in html
                assert "console-marked" in html

    def test_an_environment_has_the_colour_of_its_kind_until_one_is_chosen(self) -> None:
        assert "shade-red" in self.home(self.world.ada, self.world.production)
        assert "console-marked" not in self.home(self.world.ada, self.world.sandbox)
        self.world.sandbox.colour = "violet"
        self.world.sandbox.save()
        html = self.home(self.world.ada, self.world.sandbox)
        assert "console-sandbox shade-violet console-marked" in html

    def test_switcher_lists_only_visible_places(self) -> None:
        html = self.home(self.world.ada, self.world.production)
        assert "/console/acme/sandbox/" in html
        assert "/console/other/" not in html

    def test_navigation_follows_the_role(self) -> None:
        with patch("portal.organizations.middleware.held_permissions", return_value=frozenset({"environment.view"})):
            html = self.home(self.world.ben, self.world.production)
        assert console_url(self.world.production, "console_home") in html
        assert console_url(self.world.production, "organizations:people") not in html
        assert console_url(self.world.production, "organizations:people") in self.home(
            self.world.ben, self.world.production
        )

    def test_current_entry_is_marked(self) -> None:
        html = self.home(self.world.ada, self.world.production)
        assert 'href="/console/acme/production/" aria-current="page"' in html

    def test_a_page_of_an_api_is_marked_where_its_breadcrumbs_begin(self) -> None:
        instance = self.world.instance
        apis = console_url(self.world.production, "apis:list")
        for name in ("apis:detail", "analytics:instance", "traces:instance", "traces:start", "contracts:tier_create"):
            with self.subTest(page=name):
                html = self.client_of(self.world.ada).get(console_url(self.world.production, name, instance.pk)).content
                assert f'<li><a href="{apis}" aria-current="page">' in html.decode()
                assert html.decode().partition("</nav>")[0].count("aria-current") == 1

    def test_page_has_its_landmarks_and_a_way_past_the_navigation(self) -> None:
        html = self.home(self.world.ada, self.world.production)
        for part in ('href="#content"', '<main id="content"', 'aria-label="Main"', 'role="status"'):
            assert part in html


class ChecklistTests(PortalTestCase):
    def setUp(self) -> None:
        """Three steps of which the test decides."""
        self.done: set[str] = set()
        steps = patch.dict(checklist._steps, clear=True)
        steps.start()
        self.addCleanup(steps.stop)
        for order, key in ((20, "second"), (10, "first"), (30, "third")):
            checklist.register(
                order, key, f"The {key}", "Do it.", "console_home", lambda environment, key=key: key in self.done
            )

    def part(self) -> str:
        """Return the checklist as it polls itself."""
        address = console_url(self.world.production, "console_home") + "?part=checklist"
        return self.client_of(self.world.ada).get(address, headers={"HX-Request": "true"}).content.decode()

    def test_steps_are_in_order_and_the_first_open_one_is_current(self) -> None:
        self.done = {"first"}
        states = checklist.states(self.world.production)
        assert [(state.step.key, state.done, state.current) for state in states] == [
            ("first", True, False),
            ("second", False, True),
            ("third", False, False),
        ]

    def test_it_polls_only_until_all_is_done(self) -> None:
        assert 'hx-trigger="every' in self.part()
        self.done = {"first", "second", "third"}
        html = self.part()
        assert "hx-trigger" not in html
        assert "All first steps are done" in html

    def test_progress_is_said(self) -> None:
        self.done = {"first", "third"}
        assert "2 of 3 done" in self.part()
        assert "<html" not in self.part()
