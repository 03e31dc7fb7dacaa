"""What a list can do, on the sample list: chips, columns, density, its file, and views that are kept."""

import csv
import io
from typing import Any

import pytest

from portal.core.csv_export import csv_lines, safe
from portal.core.models import SavedView
from portal.core.tables import Table
from tests.portal.base import make_gateway
from tests.portal.core.test_views import SamplePageCase


class ListCase(SamplePageCase):
    def get(self, query: str = "", user: Any = None) -> Any:
        """Return the sample list."""
        client = self.client_of(user) if user else self.client
        return client.get(self.at("sample_list") + query)

    def file(self, query: str = "") -> list[list[str]]:
        """Return the rows of the file, the titles first."""
        answer = self.get(f"?format=csv{query}")
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        return list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode())))


class ChipTests(ListCase):
    def test_what_narrows_the_list_is_named_and_can_be_taken_out(self) -> None:
        chips = self.get("?q=edge&slug=edge&sort=name&page=2").context["listing"].chips()
        assert [(chip.name, chip.value) for chip in chips] == [("Search", "edge"), ("Short name", "Edge")]
        assert chips[0].url == "?slug=edge&sort=name"
        assert chips[1].url == "?q=edge&sort=name"

    def test_values_that_nobody_offers_are_shown_as_they_are(self) -> None:
        html = self.get("?slug=%3Cb%3E").content.decode()
        assert "&lt;b&gt;" in html


class ColumnTests(ListCase):
    def titles(self, query: str = "") -> list[str]:
        """Return the heads of the table."""
        return [head.column.title for head in self.get(query).context["table"].headings()]

    def test_extra_columns_are_shown_to_those_who_choose_them(self) -> None:
        assert self.titles() == ["Name", "Short name", "Made", "Markup"]
        assert self.titles("?columns=slug,extra") == ["Name", "Short name", "Extra"]
        assert self.titles("?columns=slug&columns=created_at") == ["Name", "Short name", "Made"]

    def test_the_name_of_a_row_stays_and_nonsense_is_no_choice(self) -> None:
        assert self.titles("?columns=name") == ["Name"]
        assert self.titles("?columns=nonsense") == ["Name", "Short name", "Made", "Markup"]

    def test_the_choice_goes_on_with_search_and_sorting(self) -> None:
        html = self.get("?columns=slug&density=compact").content.decode()
        assert '<input type="hidden" name="columns" value="slug">' in html
        assert "columns=slug&amp;density=compact&amp;sort=name" in html
        assert "is-compact" in html


class FileTests(ListCase):
    def test_it_has_every_row_of_the_list_and_the_columns_shown(self) -> None:
        for number in range(3):
            make_gateway(self.world.production, f"Edge {number}", port=9001 + number)
        rows = self.file("&q=edge&sort=-name&columns=slug")
        assert rows[0] == ["Name", "Short name"]
        assert [row[0] for row in rows[1:]] == ["Edge 2", "Edge 1", "Edge 0", "Edge"]

    def test_filters_act_on_it(self) -> None:
        make_gateway(self.world.production, "Inner", port=9001)
        assert [row[0] for row in self.file("&slug=inner")[1:]] == ["Inner"]

    def test_nothing_of_other_places_is_in_it(self) -> None:
        make_gateway(self.world.sandbox, "Sand")
        assert [row[0] for row in self.file()[1:]] == ["Edge"]
        assert self.get("?format=csv", self.world.olaf).status_code == 404
        assert self.client_of(None).get(self.at("sample_list") + "?format=csv").status_code == 302

    def test_its_name_says_what_and_where(self) -> None:
        assert self.get("?format=csv")["Content-Disposition"].startswith('attachment; filename="gateways-production-')

    def test_times_have_their_zone(self) -> None:
        assert self.file("&columns=created_at")[1][1].endswith("+00:00")

    def test_a_name_that_begins_like_a_formula_is_text(self) -> None:
        make_gateway(self.world.production, "=cmd|'/c calc'!A1", slug="x", port=9001)
        assert "'=cmd|'/c calc'!A1" in [row[0] for row in self.file("&slug=")[1:]]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "＝1", "－1"])
def test_no_cell_is_computed(text: str) -> None:
    assert safe(text) == f"'{text}"


def test_numbers_and_plain_text_stay_as_they_are() -> None:
    assert [safe(value) for value in (-5, 1.5, "a=1", "", None, "x\x00y")] == [-5, 1.5, "a=1", "", "", "xy"]


def test_a_long_file_comes_in_pieces() -> None:
    taken: list[int] = []

    def rows() -> Any:
        for number in range(1000):
            taken.append(number)
            yield [number]

    pieces = csv_lines(["Number"], rows())
    next(pieces)
    assert len(taken) < 300
    assert sum(piece.count("\r\n") for piece in pieces) + 201 == 1001


class SavedViewTests(ListCase):
    def keep(self, name: str = "Mine", query: str = "slug=edge&sort=-name", **fields: Any) -> Any:
        """Keep the list as a view."""
        return self.client.post(
            "/saved-views/", {"path": self.at("sample_list"), "name": name, "query": query, **fields}
        )

    def test_a_view_is_kept_and_is_an_address(self) -> None:
        answer = self.keep()
        assert answer["Location"] == f"{self.at('sample_list')}?slug=edge&sort=-name"
        page = self.client.get(answer["Location"])
        assert page.context["saved_views"].current.name == "Mine"

    def test_a_view_of_the_same_name_is_replaced(self) -> None:
        self.keep()
        self.keep(query="slug=inner")
        assert [view.query for view in SavedView.objects.all()] == ["slug=inner"]

    def test_the_usual_view_opens_first_and_everything_is_one_click_away(self) -> None:
        self.keep(usual="on")
        assert self.get()["Location"] == f"{self.at('sample_list')}?slug=edge&sort=-name"
        assert self.get("?view=all").status_code == 200
        assert self.get("?page=1").status_code == 200
        assert self.get(user=self.world.ben).status_code == 200

    def test_there_is_one_usual_view(self) -> None:
        self.keep(usual="on")
        self.keep("Other", "slug=inner", usual="on")
        assert [view.name for view in SavedView.objects.filter(usual=True)] == ["Other"]
        other = SavedView.objects.get(usual=True)
        self.client.post(f"/saved-views/{other.pk}/usual/")
        assert not SavedView.objects.filter(usual=True).exists()

    def test_views_are_one_s_own(self) -> None:
        self.keep()
        view = SavedView.objects.get()
        ben = self.client_of(self.world.ben)
        assert ben.get(self.at("sample_list")).context["saved_views"].all == []
        assert ben.post(f"/saved-views/{view.pk}/delete/").status_code == 404
        assert ben.delete(f"/api/v1/saved-views/{view.pk}/").status_code == 404
        assert self.client_of(None).post(f"/saved-views/{view.pk}/delete/").status_code == 302
        self.client.post(f"/saved-views/{view.pk}/delete/")
        assert not SavedView.objects.exists()

    def test_a_view_leads_only_to_lists_of_ours(self) -> None:
        for path in ("https://evil.example/", "//evil.example/", "/nowhere/", "/docs/", "javascript:alert(1)"):
            with self.subTest(path=path):
                answer = self.client.post("/saved-views/", {"path": path, "name": "x"})
                assert answer["Location"] in ("/", "/nowhere/", "/docs/")
        assert not SavedView.objects.exists()

    def test_without_a_name_it_says_so(self) -> None:
        assert "Give the view a name" in self.messages_of(self.keep(name=" "))[0]

    def test_the_interface_keeps_and_forgets_them_too(self) -> None:
        body = {"path": self.at("sample_list"), "name": "Mine", "query": "slug=edge"}
        made = self.client.post("/api/v1/saved-views/", body, content_type="application/json")
        assert made.status_code == 201, made.content
        assert made.json()["url"] == f"{self.at('sample_list')}?slug=edge"
        bad = self.client.post("/api/v1/saved-views/", body | {"path": "/x/"}, content_type="application/json")
        assert bad.json()["fields"] == {"/path": "Not a list."}
        assert self.client.delete(f"/api/v1/saved-views/{made.json()['id']}/").status_code == 204


def test_what_a_template_draws_is_also_said_in_words() -> None:
    """Else the file of a list would hold something else than is shown."""
    tables = [table for table in Table.__subclasses__() if table.__module__.startswith("portal.")]
    assert len(tables) > 8
    silent = [
        f"{table.__name__}.{column.name}"
        for table in tables
        for column in table.columns
        if column.template and not column.actions and column.text is None
    ]
    assert silent == []
