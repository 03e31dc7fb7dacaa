"""The console's search: what it finds, in which order, and what it keeps to itself."""

from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.contracts.models import Contract
from portal.core.find import console_pages
from portal.core.fuzzy import closeness
from portal.core.links import console_url
from portal.gateways.models import Gateway
from portal.organizations.models import Role
from portal.policies.models import PolicyBinding
from tests.portal.base import PortalTestCase, make_api, make_gateway, make_role, make_user
from tests.portal.contracts.factories import make_application


class FuzzyTests(PortalTestCase):
    def names(self, text: str) -> list[str]:
        """Return the gateways whose names have these letters."""
        return list(Gateway.objects.filter(name__fuzzy=text).values_list("name", flat=True))

    def test_letters_in_their_order_are_found_in_any_case(self) -> None:
        make_gateway(self.world.production, "Inner ring", port=9001)
        assert self.names("irn") == ["Inner ring"]
        assert self.names("rNg") == ["Inner ring"]
        assert self.names("gni") == []

    def test_wildcards_of_the_database_are_letters_like_others(self) -> None:
        make_gateway(self.world.production, "100% edge_case", slug="x", port=9001)
        assert self.names("%") == ["100% edge_case"]
        assert self.names("e_c") == ["100% edge_case"]
        assert self.names("e\\c") == []

    def test_the_nearer_is_closer(self) -> None:
        beginning, word, inside, strewn = (
            closeness(text, ["ord"]) for text in ("Orders", "My orders", "Reorder", "Of radio d")
        )
        assert None not in (beginning, word, inside, strewn)
        assert beginning < word < inside < strewn  # type: ignore[operator]

    def test_letters_strewn_over_a_long_text_are_no_match(self) -> None:
        assert closeness("a long text about nothing in particular", ["atp"]) is None


class FindTests(PortalTestCase):
    def titles(self, text: str, user: Any = None, environment: Any = None) -> dict[str, list[str]]:
        """Return what is found, by the kind's title."""
        address = console_url(environment or self.world.production, "find")
        answer = self.client_of(user or self.world.ada).get(address, {"q": text}, headers={"X-Palette": "1"})
        assert answer.status_code == 200
        return {group.title: [item.title for item in group.items] for group in answer.context["groups"]}

    def test_every_kind_of_thing_is_found(self) -> None:
        application = make_application(self.world.cora, "Shop front")
        Contract.objects.create(application=application, instance=self.world.instance)
        PolicyBinding.objects.create(instance=self.world.instance, policy="rate-limiting", order=1)
        for text, kind, title in (
            ("orders", "APIs", "Orders v1"),
            ("orders", "Catalog", "Orders"),
            ("orders v1", "API versions", "Orders v1"),
            ("edge", "Gateways", "Edge"),
            ("shop fr", "Client applications", "Shop front"),
            ("shop orders", "Contracts", "Shop front → Orders v1"),
            ("rate lim ord", "Applied policies", "Rate limiting on Orders v1"),
            ("erik", "People", "Erik Editor"),
            ("write a policy", "Documentation", "Write a policy in ten minutes"),
            ("audit", "Pages", "Audit log"),
            ("sandbox", "Environments", "Go to Sandbox"),
            ("api tokens", "Account", "API tokens"),
        ):
            with self.subTest(text=text, kind=kind):
                assert title in self.titles(text)[kind]

    def test_what_can_be_done_is_found_by_saying_it(self) -> None:
        assert self.titles("apply policy to ord")["Actions"][0] == "Apply policy to Orders v1"
        assert "Add gateway" in self.titles("add gat")["Pages"]
        make_application(self.world.ada, "Shop front")
        assert self.titles("rotate shop")["Actions"] == ["Rotate secret of Shop front"]

    def test_actions_of_others_are_not_offered(self) -> None:
        assert "Actions" not in self.titles("apply policy to ord", self.world.ben)
        assert "Add gateway" not in self.titles("add gateway", self.world.ben).get("Pages", [])

    def test_the_nearest_kind_comes_first(self) -> None:
        make_gateway(self.world.production, "Orders gate", slug="orders-gate", port=9009)
        assert next(iter(self.titles("edge"))) == "Gateways"

    def test_nothing_of_another_organization_or_environment_is_found(self) -> None:
        make_application(self.world.olaf, "Foreign program")
        assert not {"APIs", "Catalog", "Gateways"} & set(self.titles("invoices"))
        assert "My applications" not in self.titles("foreign program")
        assert "Gateways" not in self.titles("edge", environment=self.world.sandbox)

    def test_a_role_in_one_environment_finds_nothing_of_the_other(self) -> None:
        local = make_user("Lena Local")
        make_role(local, self.world.sandbox, Role.VIEWER)
        assert "APIs" not in self.titles("orders", local, self.world.sandbox)
        assert self.client_of(local).get(console_url(self.world.production, "find")).status_code == 404

    def test_without_words_it_says_where_one_can_go(self) -> None:
        groups = self.titles("")
        assert {"Home", "Audit log", "Add gateway"} <= set(groups["Pages"])
        assert "Documentation" not in groups

    def test_the_page_does_the_same_without_script(self) -> None:
        html = self.client_of(self.world.ada).get(console_url(self.world.production, "find"), {"q": "edge"})
        assert self.world.gateway.get_absolute_url() in html.content.decode()
        assert (
            "Nothing matches"
            in (
                self.client_of(self.world.ada).get(console_url(self.world.production, "find"), {"q": "qqqq"})
            ).content.decode()
        )

    def test_names_are_escaped(self) -> None:
        make_api(self.world.organization, "<b>bold</b>", slug="bold")
        answer = self.client_of(self.world.ada).get(
            console_url(self.world.production, "find"), {"q": "bold"}, headers={"X-Palette": "1"}
        )
        assert "<b>bold" not in answer.content.decode()

    def test_it_asks_the_database_a_bounded_number_of_times(self) -> None:
        client, address = self.client_of(self.world.ada), console_url(self.world.production, "find")

        def asked() -> int:
            with CaptureQueriesContext(connection) as queries:
                client.get(address, {"q": "orders"}, headers={"X-Palette": "1"})
            return len(queries)

        asked()  # The first visit is also noted in the session.
        few = asked()
        for number in range(30):
            make_api(self.world.organization, f"Orders {number}")
        assert asked() == few
        assert few < 45

    def test_absurd_input_is_no_error(self) -> None:
        for text in ("\x00", "%" * 500, "a " * 300, "\\", "'"):
            with self.subTest(text=text[:5]):
                self.titles(text)

    def test_every_page_without_an_object_is_there_once(self) -> None:
        titles = [view.title for _, view in console_pages()]
        assert len(titles) == len(set(titles))
        assert {"Catalog", "Gateways", "Traces", "People", "Add API", "Import specification"} <= set(titles)
