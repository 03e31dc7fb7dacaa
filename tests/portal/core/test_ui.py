"""Tags and filters of the templates."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django import forms
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import timezone

from portal.core.errors import ApplicationError
from portal.core.forms import ConsoleForm
from portal.core.icons import icon_svg
from portal.core.templatetags import ui


def render(source: str, **context: Any) -> str:
    """Render a template as a page would."""
    return Template(source).render(Context({"request": RequestFactory().get("/?q=a&page=3"), **context}))


@pytest.mark.parametrize(
    ("value", "text"),
    [(1234567, "1\u202f234\u202f567"), (0, "0"), (None, "—"), (12.5, "12.5"), (3.0, "3"), (0.126, "0.13")],
)
def test_numbers_are_written_one_way(value: Any, text: str) -> None:
    assert ui.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.42, "0.4\u00a0ms"), (12, "12\u00a0ms"), (1500, "1.50\u00a0s"), (90_000, "1.5\u00a0min"), (None, "—")],
)
def test_durations_are_written_in_the_unit_that_reads_best(value: Any, text: str) -> None:
    assert ui.milliseconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0\u00a0B"), (999, "999\u00a0B"), (1500, "1.5\u00a0kB"), (250_000_000, "250\u00a0MB")]
)
def test_sizes_are_written_in_the_unit_that_reads_best(value: int, text: str) -> None:
    assert ui.byte_size(value) == text


def test_a_state_is_never_told_by_colour_alone() -> None:
    html = render('{% status "out_of_sync" %}')
    assert "state-waiting" in html
    assert "Out of sync" in html
    assert "&lt;b&gt;" in render("{% status value %}", value="<b>")


def test_a_time_says_its_zone_and_how_long_ago() -> None:
    html = render("{% time moment %}", moment=timezone.now() - timedelta(minutes=3, seconds=5))
    assert "3 minutes ago" in html
    assert "UTC" in html
    assert 'data-time="relative"' in html


def test_old_times_and_future_times_read_well() -> None:
    assert "14 Mar 2020" in render("{% time moment %}", moment=datetime(2020, 3, 14, tzinfo=UTC))
    assert "in 2 days" in render("{% time moment %}", moment=timezone.now() + timedelta(days=2, minutes=1))
    assert "never" in render("{% time moment %}", moment=None)


def test_query_changes_one_parameter_and_keeps_the_others() -> None:
    assert render("{% query page=4 %}") == "?q=a&amp;page=4"
    assert render("{% query page=None %}") == "?q=a"


def test_icons_are_skipped_by_assistive_technology_and_never_fail() -> None:
    assert 'aria-hidden="true"' in icon_svg("key")
    assert "<circle" in icon_svg("no-such-icon")
    assert "<circle" in icon_svg("../../../package")


class SampleForm(ConsoleForm):
    """One field of each kind."""

    name = forms.CharField(help_text="What it is called.")
    careful = forms.BooleanField(required=False)
    layer = forms.ChoiceField(choices=[("system", "System"), ("process", "Process")], widget=forms.RadioSelect)
    port = forms.IntegerField(required=False, min_value=1)
    groups = (("Network", "How it is reached.", ("port",)),)


def test_help_is_tied_to_its_field() -> None:
    html = render("{% form form %}", form=SampleForm())
    assert 'aria-describedby="id_name_helptext"' in html
    assert 'id="id_name_helptext"' in html


def test_groups_are_fieldsets_after_the_other_fields() -> None:
    html = render("{% form form %}", form=SampleForm())
    assert html.index('name="layer"') < html.index("<legend>Network</legend>") < html.index('name="port"')


def test_choices_have_a_legend_and_every_radio_a_label() -> None:
    html = render("{% form form %}", form=SampleForm())
    assert '<legend class="form-label">Layer</legend>' in html
    assert html.count('type="radio"') == html.count('<label class="form-check">') == 2


def test_only_optional_fields_are_marked() -> None:
    html = render("{% form form %}", form=SampleForm())
    assert html.count("form-optional") == 1


def test_a_service_s_sentence_for_an_unknown_field_goes_to_the_top() -> None:
    form = SampleForm({"name": "x", "layer": "system"})
    assert form.is_valid()
    form.add_application_error(ApplicationError("x", "No.", fields={"elsewhere": "Not there.", "name": "Not so."}))
    assert form.non_field_errors() == ["Not there."]
    assert form.errors["name"] == ["Not so."]
    html = render("{% form form %}", form=form)
    assert 'role="alert"' in html
    assert 'href="#id_name"' in html
