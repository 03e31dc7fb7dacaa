"""The documentation inside the product."""

import re

import pytest
from django.test import Client
from django.urls import Resolver404, resolve, reverse

from gateway_runtime.policies.registry import all_definitions, definition
from portal.core.markdown import markdown_html
from portal.docs import library
from portal.docs.settings_table import setting_rows

PAGES = list(library.pages().values())
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.section}/{page.slug}")
def test_every_page_is_shown_to_strangers(page: library.Page) -> None:
    response = Client().get(reverse("docs:page", args=(page.section, page.slug)))
    assert response.status_code == 200
    assert response.content.decode().count("<h1>") == 1


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.section}/{page.slug}")
def test_every_column_of_a_table_has_a_name(page: library.Page) -> None:
    # Who hears the page is told the column with each cell.
    assert not re.findall(r"<th[^>]*>\s*</th>", str(markdown_html(page.text)))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.section}/{page.slug}")
def test_every_link_inside_the_product_leads_somewhere(page: library.Page) -> None:
    broken = []
    for address in re.findall(r"\]\((/[^)#]*)", page.text):
        try:
            match = resolve(address)
        except Resolver404:
            broken.append(address)
            continue
        if match.view_name == "docs:page" and tuple(match.kwargs.values()) not in library.pages():
            broken.append(address)
    assert broken == []


def test_contents_name_every_page_and_every_policy() -> None:
    html = Client().get(reverse("docs:index")).content.decode()
    for page in PAGES:
        assert reverse("docs:page", args=(page.section, page.slug)) in html
    assert {page.slug for page in PAGES if page.policy} == {policy.name for policy in all_definitions()}


def test_quick_start_comes_first() -> None:
    assert (PAGES[0].section, PAGES[0].slug) == ("start", "quick-start")


def test_unknown_pages_are_not_found() -> None:
    assert Client().get("/docs/start/no-such-page/").status_code == 404
    assert Client().get("/docs/nowhere/quick-start/").status_code == 404
    assert Client().get("/docs/../settings.py").status_code == 404


def test_policy_page_has_its_settings_with_limits_and_defaults() -> None:
    rows = {row.name: row for row in setting_rows(definition("rate-limiting").config)}
    assert rows["rateLimits[].maximumRequests"].values == "a whole number from 1 to 1\u202f000\u202f000\u202f000"
    assert rows["rateLimits[].maximumRequests"].required
    assert rows["key"].default == '"api"'
    assert rows["key"].values == "api · client-address · application"
    html = Client().get(reverse("docs:page", args=("policies", "rate-limiting"))).content.decode()
    assert "Time period in milliseconds" in html
    assert "rate_limit_exceeded" in html


def test_secret_settings_are_marked() -> None:
    rows = {row.name: row for row in setting_rows(definition("http-basic-authentication").config)}
    assert rows["password"].secret
    assert not rows["username"].secret


@pytest.mark.parametrize("policy", all_definitions(), ids=lambda policy: policy.name)
def test_every_setting_has_a_meaning(policy: library.PolicyDefinition) -> None:
    assert [row.name for row in setting_rows(policy.config) if not row.help or not row.title] == []


def test_code_can_be_copied_and_reached_by_keyboard() -> None:
    html = Client().get(reverse("docs:page", args=("start", "quick-start"))).content.decode()
    assert '<pre tabindex="0"><code class="language-sh" data-copy-source>make up' in html
    assert html.count("data-copy ") >= 3


def test_headings_can_be_linked_to() -> None:
    html = Client().get(reverse("docs:page", args=("start", "quick-start"))).content.decode()
    assert '<h2 id="walk-through-it">' in html


def test_anchors_are_only_for_our_own_text() -> None:
    assert markdown_html("## Content") == "<h3>Content</h3>\n"
    assert markdown_html("## Content", own=True) == '<h3 id="content">Content</h3>\n'


def test_a_page_without_a_title_is_refused() -> None:
    with pytest.raises(ValueError, match="does not begin with"):
        library._page("start", "broken", "No title")
