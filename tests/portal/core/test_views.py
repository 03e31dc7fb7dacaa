"""The generic pages, on pages made for these tests."""

from typing import Any

from django.contrib.messages import get_messages
from django.test import override_settings
from django.urls import reverse

from portal.core.links import console_url
from portal.organizations.models import Role
from tests.portal.base import PortalTestCase, make_gateway, make_role


@override_settings(ROOT_URLCONF="tests.portal.core.sample_pages")
class SamplePageCase(PortalTestCase):
    """A browser of the owner, and addresses in production."""

    def setUp(self) -> None:
        """Sign the owner in."""
        self.client = self.client_of(self.world.ada)

    def at(self, name: str, *arguments: Any, environment: Any = None) -> str:
        """Return the address of a sample page."""
        return console_url(environment or self.world.production, name, *arguments)

    def messages_of(self, response: Any) -> list[str]:
        """Return what was said."""
        return [str(message) for message in get_messages(response.wsgi_request)]


class ListPageTests(SamplePageCase):
    def names(self, query: str = "") -> list[str]:
        """Return the listed names in order."""
        return [gateway.name for gateway in self.client.get(self.at("sample_list") + query).context["table"].rows]

    def test_only_rows_of_the_environment_are_listed(self) -> None:
        make_gateway(self.world.sandbox, "Sand")
        assert self.names() == ["Edge"]

    def test_search_needs_every_word(self) -> None:
        make_gateway(self.world.production, "Inner ring", port=9001)
        assert self.names("?q=ring+inn") == ["Inner ring"]
        assert self.names("?q=ring+edge") == []

    def test_no_match_offers_to_clear_and_nothing_yet_teaches(self) -> None:
        no_match = self.client.get(self.at("sample_list") + "?q=zzz").content.decode()
        assert "Nothing matches" in no_match
        assert "Clear search and filters" in no_match
        empty = self.client.get(self.at("sample_list", environment=self.world.sandbox)).content.decode()
        for part in ("No gateways yet", "A gateway carries traffic.", "make gateway", "Add gateway", 'href="/docs/"'):
            assert part in empty

    def test_filter_narrows(self) -> None:
        make_gateway(self.world.production, "Inner", port=9001)
        assert self.names("?slug=inner") == ["Inner"]

    def test_an_impossible_filter_value_is_no_error(self) -> None:
        assert self.client.get(self.at("sample_list") + "?slug=%00nonsense").status_code == 200

    def test_sorting_by_a_column_both_ways_and_not_by_others(self) -> None:
        make_gateway(self.world.production, "Alpha", port=9001)
        assert self.names("?sort=name") == ["Alpha", "Edge"]
        assert self.names("?sort=-name") == ["Edge", "Alpha"]
        assert self.names("?sort=signing_key") == ["Alpha", "Edge"]

    def test_sorted_column_says_so_and_turns_round(self) -> None:
        html = self.client.get(self.at("sample_list") + "?sort=name&q=e").content.decode()
        assert 'aria-sort="ascending"' in html
        assert "sort=-name" in html

    def test_pages_keep_the_query_and_say_the_total(self) -> None:
        for number in range(3):
            make_gateway(self.world.production, f"Edge {number}", port=9001 + number)
        html = self.client.get(self.at("sample_list") + "?q=edge").content.decode()
        assert "1–2 of 4" in html
        assert "?q=edge&amp;page=2" in html
        assert self.names("?q=edge&page=99") == ["Edge 1", "Edge 2"]

    def test_values_are_escaped(self) -> None:
        make_gateway(self.world.production, "<script>x</script>", slug="x", port=9001)
        html = self.client.get(self.at("sample_list")).content.decode()
        assert "<script>x</script>" not in html
        assert "&lt;b&gt;Edge&lt;/b&gt;" in html

    def test_button_is_only_for_those_who_may(self) -> None:
        assert "Add gateway" in self.client.get(self.at("sample_list")).content.decode()
        assert "Add gateway" not in self.client_of(self.world.ben).get(self.at("sample_list")).content.decode()

    def test_stranger_signs_in_and_comes_back(self) -> None:
        response = self.client_of(None).get(self.at("sample_list"))
        assert response.status_code == 302
        assert response["Location"].startswith(reverse("accounts:sign_in") + "?next=")

    def test_stranger_in_a_polling_page_is_sent_to_sign_in_as_a_whole(self) -> None:
        response = self.client_of(None).get(self.at("sample_list"), headers={"HX-Request": "true"})
        assert response["HX-Redirect"].startswith(reverse("accounts:sign_in"))

    def test_outsider_does_not_learn_that_the_place_exists(self) -> None:
        assert self.client_of(self.world.cora).get(self.at("sample_list")).status_code == 404
        assert self.client_of(self.world.olaf).get(self.at("sample_list")).status_code == 404


class DetailPageTests(SamplePageCase):
    def test_shows_the_object_with_the_way_back(self) -> None:
        html = self.client.get(self.at("sample_detail", self.world.gateway.pk)).content.decode()
        assert "<h1>Edge" in " ".join(html.split())
        assert self.at("sample_list") in html

    def test_object_of_another_environment_is_not_found(self) -> None:
        address = self.at("sample_detail", self.world.gateway.pk, environment=self.world.sandbox)
        assert self.client.get(address).status_code == 404

    def test_object_of_another_organization_is_not_found(self) -> None:
        assert self.client.get(self.at("sample_detail", self.world.other_gateway.pk)).status_code == 404


class EditPageTests(SamplePageCase):
    form = {"name": "Renamed", "slug": "renamed", "note": "because"}

    def edit(self, **changes: str) -> Any:
        """Post the form."""
        return self.client.post(self.at("sample_edit", self.world.gateway.pk), self.form | changes)

    def test_form_has_the_present_values(self) -> None:
        html = self.client.get(self.at("sample_edit", self.world.gateway.pk)).content.decode()
        assert 'value="Edge"' in html

    def test_service_gets_actor_object_and_values(self) -> None:
        response = self.edit()
        assert response["Location"] == self.at("sample_detail", self.world.gateway.pk)
        self.world.gateway.refresh_from_db()
        assert self.world.gateway.name == "Renamed"
        assert self.messages_of(response) == ["Saved the gateway."]

    def test_invalid_value_is_shown_beside_its_field_and_input_is_kept(self) -> None:
        response = self.edit(slug="not a slug", note="kept")
        html = response.content.decode()
        assert response.status_code == 422
        assert 'aria-describedby="id_slug_error"' in html
        assert 'id="id_slug_error"' in html
        assert 'href="#id_slug"' in html
        assert 'value="kept"' in html

    def test_service_s_sentence_is_shown_beside_its_field(self) -> None:
        response = self.edit(name="Taken")
        assert response.status_code == 422
        assert response.context["form"].errors["name"] == ["Choose another name."]

    def test_service_s_sentence_about_no_field_is_shown_at_the_top(self) -> None:
        response = self.edit(name="Broken")
        assert response.context["form"].non_field_errors() == ["The gateway cannot be renamed now."]

    def test_heading_keeps_the_saved_name_when_the_form_is_wrong(self) -> None:
        response = self.edit(name="", slug="x")
        assert str(response.context["object"]) == "Edge"

    def test_moving_an_object_out_of_one_s_reach_is_undone(self) -> None:
        response = self.edit(name="Elsewhere", note=str(self.world.other_environment.pk))
        assert response.status_code == 403
        self.world.gateway.refresh_from_db()
        assert self.world.gateway.environment_id == self.world.production.pk

    def test_viewer_is_told_which_roles_would_do(self) -> None:
        client = self.client_of(self.world.ben)
        for response in (
            client.get(self.at("sample_edit", self.world.gateway.pk)),
            client.post(self.at("sample_edit", self.world.gateway.pk), self.form),
            client.get(self.at("sample_add")),
        ):
            html = response.content.decode()
            assert response.status_code == 403
            assert "gateway.change" in html
            assert "<strong>Owner</strong>" in html
            assert "<strong>Viewer</strong>" not in html

    def test_creating_goes_to_the_new_object(self) -> None:
        response = self.client.post(self.at("sample_add"), self.form)
        created = self.world.production.gateways.get(slug="renamed")
        assert response["Location"] == self.at("sample_detail", created.pk)

    def test_role_in_one_environment_does_not_reach_another(self) -> None:
        make_role(self.world.cora, self.world.sandbox, Role.OWNER)
        client = self.client_of(self.world.cora)
        assert client.get(self.at("sample_add", environment=self.world.sandbox)).status_code == 200
        assert client.get(self.at("sample_add")).status_code == 404


class ActionViewTests(SamplePageCase):
    def setUp(self) -> None:
        """Free the listener of its API."""
        super().setUp()
        self.world.instance.delete()

    def test_does_it_and_says_so(self) -> None:
        response = self.client.post(self.at("sample_empty", self.world.gateway.pk))
        assert response["Location"] == self.at("sample_list")
        assert self.messages_of(response) == ["Emptied Edge."]
        assert not self.world.gateway.listeners.exists()

    def test_refusal_of_the_service_is_said(self) -> None:
        self.world.gateway.listeners.all().delete()
        response = self.client.post(self.at("sample_empty", self.world.gateway.pk), headers={"HX-Request": "true"})
        assert self.messages_of(response) == ["It is empty already."]
        assert "HX-Redirect" in response

    def test_reading_does_nothing(self) -> None:
        assert self.client.get(self.at("sample_empty", self.world.gateway.pk)).status_code == 405
        assert self.world.gateway.listeners.exists()

    def test_viewer_may_not(self) -> None:
        response = self.client_of(self.world.ben).post(self.at("sample_empty", self.world.gateway.pk))
        assert response.status_code == 403
        assert self.world.gateway.listeners.exists()
