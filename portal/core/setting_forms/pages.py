"""The page of a form that is made from outlines."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from portal.core.meanwhile import asked_again, marks_read
from portal.core.setting_forms.posted import ADD, REMOVE, posted_again
from portal.core.views import EditPage


class SettingsPage(EditPage):
    """An edit page whose lists get and lose rows also in browsers without JavaScript."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Save; or show the form again with a row more or less."""
        if ADD not in request.POST and REMOVE not in request.POST:
            return super().post(request, *args, **kwargs)
        arguments = self.form_arguments()
        outlines = self.form_class(**arguments).outlines
        typed = {place: posted_again(section, request.POST, place) for place, section in outlines.items()}
        own = {name: request.POST[name] for name in self.form_class.base_fields if name in request.POST}
        initial = {**arguments.get("initial", {}), **own}
        self.form = self.form_class(**{**arguments, "initial": initial, **self.typed_arguments(typed)})
        self.marks = asked_again(marks_read(request.POST))
        return self.form_page()

    def typed_arguments(self, typed: dict[str, Any]) -> dict[str, Any]:
        """Return what the form's constructor takes for what was typed below each place."""
        return {"settings": typed}
