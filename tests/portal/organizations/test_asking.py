"""What somebody may not do: hidden where they never could, else told with the reason and whom to ask."""

from typing import Any

from portal.contracts.models import Contract
from portal.core.links import console_url
from portal.organizations.asking import names_of, people_to_ask
from portal.organizations.models import Environment, Role
from tests.portal.base import PortalTestCase, make_role, make_user
from tests.portal.contracts.factories import make_application


class AskingTests(PortalTestCase):
    def page(self, user: Any, name: str, *arguments: Any, environment: Environment | None = None) -> str:
        """Return a page of production, or of another environment."""
        address = console_url(environment or self.world.production, name, *arguments)
        return self.client_of(user).get(address).content.decode()

    def half(self) -> Any:
        """Return somebody who owns the sandbox and only views production."""
        person = make_user("Hanna Half")
        make_role(person, self.world.sandbox, Role.OWNER)
        make_role(person, self.world.production, Role.VIEWER)
        return person

    def test_what_one_s_role_never_includes_is_not_shown(self) -> None:
        html = self.page(self.world.ben, "gateways:list")
        assert "Add gateway" not in html
        assert "why-not" not in html

    def test_what_it_includes_elsewhere_is_there_with_the_reason_and_whom_to_ask(self) -> None:
        html = self.page(self.half(), "gateways:list")
        assert 'class="menu menu-end why-not"' in html
        assert "Add gateway" in html
        assert "Your role in Production does not include this. Ada Owner can give you one that does." in html
        assert f'href="{console_url(self.world.production, "gateways:create")}"' not in html

    def test_where_it_is_held_it_is_a_plain_button(self) -> None:
        html = self.page(self.half(), "gateways:list", environment=self.world.sandbox)
        assert f'href="{console_url(self.world.sandbox, "gateways:create")}"' in html
        assert "why-not" not in html

    def test_buttons_of_an_object_say_it_too(self) -> None:
        html = self.page(self.half(), "apis:detail", self.world.instance.pk)
        assert 'Stop<span class="visually-hidden">: not possible, why?</span>' in html
        assert console_url(self.world.production, "apis:stop", self.world.instance.pk) not in html

    def test_one_s_own_application_is_for_a_colleague_to_approve(self) -> None:
        contract = Contract.objects.create(
            application=make_application(self.world.ada), instance=self.world.instance, status="pending"
        )
        html = self.page(self.world.ada, "contracts:detail", contract.pk)
        assert "You cannot approve access for your own application. Ask a colleague." in html
        assert f'action="{console_url(self.world.production, "contracts:approve", contract.pk)}"' not in html

    def test_a_refused_page_names_whom_to_ask(self) -> None:
        html = self.page(self.world.ben, "gateways:create")
        assert "Ada Owner can give it to you." in " ".join(html.split())

    def test_people_of_the_place_are_asked(self) -> None:
        local = make_user("Lena Local")
        make_role(local, self.world.sandbox, Role.OWNER)
        assert people_to_ask(self.world.production) == [self.world.ada]
        assert names_of(people_to_ask(self.world.sandbox)) == "Ada Owner or Lena Local"
