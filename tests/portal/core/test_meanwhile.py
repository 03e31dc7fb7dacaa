"""Two people edit the same thing in the console."""

import re
from typing import Any

from portal.contracts.models import Approval
from portal.contracts.services import tier_create
from portal.core.links import console_url
from portal.organizations.models import RoleBinding
from portal.policies.automated_services import automated_policy_apply
from portal.policies.models import PolicyBinding
from portal.policies.services import policy_apply
from tests.portal.base import PortalTestCase, client_of
from tests.portal.typed_form import sent

LIMIT = {"rateLimits": [{"maximumRequests": 5, "timePeriodInMilliseconds": 1000}]}
BASIC = {"username": "warehouse", "password": "correct-horse-battery"}


class TwoPeopleCase(PortalTestCase):
    """Ada and Erik open the same page."""

    def setUp(self) -> None:
        """Sign both in."""
        self.first, self.second = client_of(self.world.erik), client_of(self.world.ada)

    def at(self, name: str, *arguments: Any) -> str:
        """Return the address of a page in production."""
        return console_url(self.world.production, name, *arguments)

    def save(self, client: Any, address: str, html: bytes, **typed: Any) -> Any:
        """Send the form of a page."""
        return client.post(address, sent(html, **typed))


class EveryFormTests(TwoPeopleCase):
    """Each edit form of the console, with something that both people change."""

    def forms(self) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
        """Return address, what the first one types, what the second one types."""
        world = self.world
        instance, gateway, route = world.instance, world.gateway, world.instance.routes.get()
        binding = policy_apply(actor=world.ada, instance=instance, policy="rate-limiting", config=LIMIT)
        automated = automated_policy_apply(
            actor=world.ada, environment=world.production, policy="http-basic-authentication", config=BASIC
        )
        tier = tier_create(
            actor=world.ada,
            instance=instance,
            name="Gold",
            limits=[{"maximumRequests": 5, "timePeriodInMilliseconds": 1000}],
            approval=Approval.MANUAL,
        )
        role = RoleBinding.objects.get(user=world.ben)
        return [
            (self.at("apis:settings", instance.pk), {"base_path": "/first"}, {"base_path": "/second"}),
            (self.at("apis:route_edit", route.pk), {"name": "first"}, {"name": "second"}),
            (
                self.at("apis:service_edit", instance.services.get().pk),
                {"url": "http://first.example.test"},
                {"url": "http://second.example.test"},
            ),
            (self.at("gateways:edit", gateway.pk), {"name": "First"}, {"name": "Second"}),
            (self.at("catalog:edit", world.api.pk), {"summary": "First"}, {"summary": "Second"}),
            (
                self.at("catalog:version_edit", world.api_version.pk),
                {"lifecycle": "deprecated"},
                {"lifecycle": "development"},
            ),
            (self.at("contracts:tier_edit", tier.pk), {"requests_0": "6"}, {"requests_0": "7"}),
            (self.at("organizations:role_change", role.pk), {"role": "editor"}, {"role": "owner"}),
            (self.at("organizations:environment_edit", world.production.pk), {"name": "First"}, {"name": "Second"}),
            (
                self.at("policies:edit", instance.pk, binding.pk),
                {"rateLimits.0.maximumRequests": "6"},
                {"rateLimits.0.maximumRequests": "7"},
            ),
            (self.at("automated_policies:edit", automated.pk), {"username": "first"}, {"username": "second"}),
        ]

    def test_a_form_that_nobody_touched_meanwhile_is_saved(self) -> None:
        for address, typed, _ in self.forms():
            with self.subTest(address=address):
                page = self.second.get(address)
                assert self.save(self.second, address, page.content, **typed).status_code == 302

    def test_the_second_gets_the_difference_and_nothing_is_saved(self) -> None:
        for address, firsts, seconds in self.forms():
            with self.subTest(address=address):
                early, late = self.first.get(address), self.second.get(address)
                # A role is given by owners alone.
                person = self.second if early.status_code == 403 else self.first
                early = late if early.status_code == 403 else early
                assert self.save(person, address, early.content, **firsts).status_code == 302
                answer = self.save(self.second, address, late.content, **seconds)
                assert answer.status_code == 409
                html = answer.content.decode()
                assert "changed this meanwhile" in html
                for name, value in seconds.items():
                    assert answer.context["form"].data[name] == value
                assert [each.choice for each in answer.context["difference"]] == ["mine"]
                again = self.second.get(address)
                for name, value in firsts.items():
                    assert sent(again.content)[name] == [value]

    def test_mine_is_saved_over_it_when_i_say_so(self) -> None:
        for address, firsts, seconds in self.forms():
            with self.subTest(address=address):
                page = self.second.get(address)
                assert self.save(self.second, address, page.content, **firsts).status_code == 302
                asked = self.save(self.second, address, page.content, **seconds)
                assert self.save(self.second, address, asked.content).status_code == 302
                saved = sent(self.second.get(address).content)
                for name, value in seconds.items():
                    assert saved[name] == [value]


class ChoiceTests(TwoPeopleCase):
    """The settings of an API instance, of which each one changes something else."""

    def setUp(self) -> None:
        """Both have the form open; the first one saves."""
        super().setUp()
        self.address = self.at("apis:settings", self.world.instance.pk)
        self.late = self.second.get(self.address).content
        early = self.first.get(self.address).content
        saved = self.save(self.first, self.address, early, base_path="/theirs", label="theirs")
        assert saved.status_code == 302

    def asked(self, **typed: Any) -> Any:
        """Return the answer to the second one's form."""
        answer = self.save(self.second, self.address, self.late, **typed)
        assert answer.status_code == 409
        return answer

    def test_it_says_who_changed_what_and_when(self) -> None:
        answer = self.asked(label="mine")
        html = answer.content.decode()
        assert "Erik Editor changed this meanwhile" in html
        assert "<time" in html[html.index("difference-past") :]
        rows = [(each.label, each.theirs, each.mine, each.choice) for each in answer.context["difference"]]
        assert rows == [("Base path", "/theirs", "/orders", "theirs"), ("Label", "theirs", "mine", "mine")]

    def test_what_i_left_alone_is_theirs_and_what_i_changed_is_mine(self) -> None:
        answer = self.asked(label="mine", consumer_endpoint="https://api.example.com/orders")
        assert self.save(self.second, self.address, answer.content).status_code == 302
        instance = self.world.instance
        instance.refresh_from_db()
        assert (instance.base_path, instance.label) == ("/theirs", "mine")
        assert instance.consumer_endpoint == "https://api.example.com/orders"

    def test_each_part_can_be_chosen_the_other_way_round(self) -> None:
        answer = self.asked(label="mine")
        choices = {"_meanwhile.base_path": "mine", "_meanwhile.label": "theirs"}
        assert self.save(self.second, self.address, answer.content, **choices).status_code == 302
        self.world.instance.refresh_from_db()
        assert (self.world.instance.base_path, self.world.instance.label) == ("/orders", "theirs")

    def test_all_of_mine_at_once(self) -> None:
        answer = self.asked(label="mine")
        assert self.save(self.second, self.address, answer.content, _meanwhile_mine="yes").status_code == 302
        self.world.instance.refresh_from_db()
        assert (self.world.instance.base_path, self.world.instance.label) == ("/orders", "mine")

    def test_what_is_typed_after_the_question_is_what_is_saved(self) -> None:
        answer = self.asked(label="mine")
        assert self.save(self.second, self.address, answer.content, base_path="/third").status_code == 302
        self.world.instance.refresh_from_db()
        assert self.world.instance.base_path == "/third"

    def test_a_third_change_asks_again(self) -> None:
        answer = self.asked(label="mine")
        page = self.first.get(self.address).content
        self.save(self.first, self.address, page, label="once more")
        again = self.save(self.second, self.address, answer.content)
        assert again.status_code == 409
        assert [each.theirs for each in again.context["difference"]] == ["once more"]

    def test_the_same_change_by_both_asks_nothing(self) -> None:
        saved = self.save(self.second, self.address, self.late, base_path="/theirs", label="theirs")
        assert saved.status_code == 302

    def test_the_question_survives_a_mistake_in_the_form(self) -> None:
        wrong = self.save(self.second, self.address, self.late, label="mine", port="nonsense")
        assert wrong.status_code == 422
        assert self.save(self.second, self.address, wrong.content, port="8080").status_code == 409

    def test_a_part_shown_on_two_forms_is_compared_on_both(self) -> None:
        service = self.world.instance.services.get()
        service_page = self.at("apis:service_edit", service.pk)
        late = self.second.get(service_page).content
        page = self.first.get(self.address).content
        self.save(self.first, self.address, page, implementation_url="http://moved.example.test")
        assert self.save(self.second, service_page, late, url="http://mine.example.test").status_code == 409

    def test_unreadable_marks_are_as_none(self) -> None:
        for marks in ("", "nonsense", "[]", '{"at": "x", "parts": {}, "typed": {}}', '{"at":"","parts":[],"typed":1}'):
            with self.subTest(marks=marks):
                answer = self.save(self.second, self.address, self.late, label=f"m{len(marks)}", _shown=marks)
                assert answer.status_code == 302


class PolicyTests(TwoPeopleCase):
    def test_a_changed_secret_is_told_and_never_shown(self) -> None:
        binding = policy_apply(
            actor=self.world.ada, instance=self.world.instance, policy="http-basic-authentication", config=BASIC
        )
        address = self.at("policies:edit", self.world.instance.pk, binding.pk)
        late = self.second.get(address).content
        page = self.first.get(address).content
        assert self.save(self.first, address, page, password="their-new-password").status_code == 302
        answer = self.save(self.second, address, late, password="my-new-password")
        html = answer.content.decode()
        assert answer.status_code == 409
        assert [each.theirs for each in answer.context["difference"]] == ["••••••"]
        assert "their-new-password" not in html
        assert "my-new-password" not in html

    def test_a_secret_of_mine_is_asked_for_again(self) -> None:
        binding = policy_apply(
            actor=self.world.ada, instance=self.world.instance, policy="http-basic-authentication", config=BASIC
        )
        address = self.at("policies:edit", self.world.instance.pk, binding.pk)
        late = self.second.get(address).content
        page = self.first.get(address).content
        self.save(self.first, address, page, password="their-new-password")
        asked = self.save(self.second, address, late, password="my-new-password")
        wanting = self.save(self.second, address, asked.content)
        assert wanting.status_code == 422
        assert "Type it again" in wanting.content.decode()
        assert self.save(self.second, address, wanting.content, password="my-new-password").status_code == 302
        assert "my-new-password" in PolicyBinding.objects.get(pk=binding.pk).secrets

    def test_a_secret_left_empty_keeps_theirs_without_a_question(self) -> None:
        binding = policy_apply(
            actor=self.world.ada, instance=self.world.instance, policy="http-basic-authentication", config=BASIC
        )
        address = self.at("policies:edit", self.world.instance.pk, binding.pk)
        late = self.second.get(address).content
        page = self.first.get(address).content
        self.save(self.first, address, page, password="their-new-password")
        assert self.save(self.second, address, late, username="mine").status_code == 302
        assert "their-new-password" in PolicyBinding.objects.get(pk=binding.pk).secrets

    def test_lists_are_compared_as_a_whole(self) -> None:
        binding = policy_apply(actor=self.world.ada, instance=self.world.instance, policy="rate-limiting", config=LIMIT)
        address = self.at("policies:edit", self.world.instance.pk, binding.pk)
        late = self.second.get(address).content
        page = self.first.get(address).content
        more = {"rateLimits.1.maximumRequests": "100", "rateLimits.1.timePeriodInMilliseconds": "60000"}
        assert self.save(self.first, address, page, **more).status_code == 302
        answer = self.save(self.second, address, late, **{"rateLimits.0.maximumRequests": "7"})
        (row,) = answer.context["difference"]
        assert row.part == "rateLimits"
        assert re.search(r"100\b", row.theirs)
        theirs = {"_meanwhile.rateLimits": "theirs"}
        assert self.save(self.second, address, answer.content, **theirs).status_code == 302
        limits = PolicyBinding.objects.get(pk=binding.pk).config["rateLimits"]
        assert [limit["maximumRequests"] for limit in limits] == [5, 100]

    def test_the_example_is_compared_with_what_is_saved(self) -> None:
        binding = policy_apply(actor=self.world.ada, instance=self.world.instance, policy="rate-limiting", config=LIMIT)
        address = self.at("policies:edit", self.world.instance.pk, binding.pk)
        late = self.second.get(f"{address}?example").content
        page = self.first.get(address).content
        self.save(self.first, address, page, **{"rateLimits.0.maximumRequests": "6"})
        assert self.save(self.second, f"{address}?example", late).status_code == 409

    def test_a_further_row_without_a_script_asks_again(self) -> None:
        binding = policy_apply(actor=self.world.ada, instance=self.world.instance, policy="rate-limiting", config=LIMIT)
        address = self.at("policies:edit", self.world.instance.pk, binding.pk)
        late = self.second.get(address).content
        page = self.first.get(address).content
        self.save(self.first, address, page, **{"rateLimits.0.maximumRequests": "6"})
        asked = self.save(self.second, address, late, **{"rateLimits.0.maximumRequests": "7"})
        longer = self.save(self.second, address, asked.content, _add_row="rateLimits")
        assert longer.status_code == 200
        assert self.save(self.second, address, longer.content).status_code == 409


class TierTests(TwoPeopleCase):
    def test_rows_that_were_typed_are_kept_when_the_other_removed_some(self) -> None:
        limits = [{"maximumRequests": n, "timePeriodInMilliseconds": 1000 * n} for n in (1, 2, 3)]
        tier = tier_create(actor=self.world.ada, instance=self.world.instance, name="Gold", limits=limits)
        address = self.at("contracts:tier_edit", tier.pk)
        late = self.second.get(address).content
        page = self.first.get(address).content
        assert self.save(self.first, address, page, requests_1="", requests_2="").status_code == 302
        answer = self.save(self.second, address, late, requests_3="4", period_3="4")
        assert answer.status_code == 409
        (row,) = answer.context["difference"]
        assert row.label == "Limits"
        assert len(row.mine.splitlines()) == 4
        assert sent(answer.content)["requests_3"] == ["4"]


class SpecificationTests(TwoPeopleCase):
    def test_a_document_that_was_imported_meanwhile_is_told(self) -> None:
        address = self.at("catalog:specification_edit", self.world.api_version.pk)
        document = '{"openapi": "3.1.0", "info": {"title": "Orders", "version": "1"}, "paths": {}}'
        late = self.second.get(address).content
        page = self.first.get(address).content
        assert self.save(self.first, address, page, text=document).status_code == 302
        mine = document.replace("Orders", "Others")
        answer = self.save(self.second, address, late, text=mine)
        assert answer.status_code == 409
        assert "Erik Editor changed this meanwhile" in answer.content.decode()
        assert [each.label for each in answer.context["difference"]] == ["Document"]
        assert self.save(self.second, address, answer.content).status_code == 302
        self.world.api_version.refresh_from_db()
        assert "Others" in self.world.api_version.specification.source
