"""The address `/`: people go on where they were, strangers go to the developer hub."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from portal.core.links import console_url
from portal.organizations.middleware import LAST_PLACE
from portal.organizations.models import Environment


def home(request: HttpRequest) -> HttpResponse:
    """Lead to the environment used last, else to the first visible one; without any, say what that means."""
    if not request.user.is_authenticated:
        return redirect("hub:home")
    visible = Environment.objects.visible_to(request.user, "environment.view").select_related("organization")
    last = request.session.get(LAST_PLACE) or ["", ""]
    found = visible.filter(organization__slug=last[0], slug=last[1]).first()
    found = found or visible.order_by("organization__name", "kind", "name").first()
    if found is None:
        return render(request, "home/no_role.html", {"title": "Welcome", "hub_url": reverse("hub:home")})
    return redirect(console_url(found, "console_home"))
