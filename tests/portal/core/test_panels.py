"""What higher apps add to lower apps' pages."""

from typing import Any
from unittest.mock import patch

from django.http import HttpRequest
from django.test import RequestFactory

from portal.core import panels
from tests.portal.base import PortalTestCase


class PanelTests(PortalTestCase):
    def setUp(self) -> None:
        """Start without the apps' own panels."""
        for registry in ("_panels", "_tabs"):
            patched = patch.dict(getattr(panels, registry), clear=True)
            patched.start()
            self.addCleanup(patched.stop)

    def request(self, *permissions: str) -> HttpRequest:
        """Return a request of somebody who holds these permissions in production."""
        request: Any = RequestFactory().get("/")
        request.environment = self.world.production
        request.organization = self.world.organization
        request.user = self.world.ada
        request.permissions = frozenset(permissions)
        return request

    def add(self, name: str, **more: Any) -> None:
        """Register a card that says its name."""
        context = more.pop("context", lambda request, target: {"label": name, "value": 1, "maximum": 2})
        panels.register("gateway", name=name, template="components/progress.html", context=context, **more)

    def test_cards_come_in_order(self) -> None:
        self.add("second", order=20)
        self.add("first", order=10)
        first, second = panels.rendered_panels(self.request(), "gateway", self.world.gateway)
        assert "first" in first
        assert "second" in second

    def test_a_card_without_permission_is_neither_shown_nor_asked_for(self) -> None:
        asked: list[str] = []
        self.add("secret", permission="traffic.view", context=lambda request, target: asked.append("asked"))
        assert panels.rendered_panels(self.request("gateway.view"), "gateway", self.world.gateway) == []
        assert asked == []

    def test_a_card_with_nothing_to_say_is_left_out(self) -> None:
        self.add("empty", context=lambda request, target: None)
        assert panels.rendered_panels(self.request(), "gateway", self.world.gateway) == []

    def test_the_same_name_again_replaces(self) -> None:
        self.add("one")
        self.add("one")
        assert len(panels.rendered_panels(self.request(), "gateway", self.world.gateway)) == 1

    def test_tabs_lead_to_the_object_and_follow_the_role(self) -> None:
        panels.register_tab(
            "gateway", name="x", title="X", url_name="gateways:detail", permission="gateway.view", order=1
        )
        assert panels.tabs_of(self.request(), "gateway", self.world.gateway) == []
        ((tab, url),) = panels.tabs_of(self.request("gateway.view"), "gateway", self.world.gateway)
        assert tab.title == "X"
        assert url == self.world.gateway.get_absolute_url()
