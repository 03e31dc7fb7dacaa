"""A select with very many options is the select that Django would draw."""

from django import forms

from portal.core.long_select import LongSelect

CHOICES = [("", "Any"), ("a", "First & last"), ("b", "<b>Second</b>")]


def test_it_is_drawn_as_django_draws_one() -> None:
    for value in ("", "a", "b", None):
        usual = forms.Select(attrs={"class": "form-select"}, choices=CHOICES).render("place", value, {"id": "id_place"})
        ours = LongSelect(attrs={"class": "form-select"}, choices=CHOICES).render("place", value, {"id": "id_place"})
        assert _parts(ours) == _parts(usual)


def _parts(html: str) -> list[str]:
    text = html.replace("\n", "").replace(">  <", "><")
    return sorted(
        text.replace('name="place"', "").replace('class="form-select"', "").replace('id="id_place"', "").split()
    )
