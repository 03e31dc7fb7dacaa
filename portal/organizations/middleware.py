"""Finds the organization and the environment that a console address names, and answers when somebody may not act."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import SimpleLazyObject
from django_htmx.http import HttpResponseClientRedirect

from portal.core.denied import Denied
from portal.organizations.asking import Reasons, names_of, people_to_ask
from portal.organizations.holding import held_permissions, remembered_roles
from portal.organizations.models import Environment
from portal.organizations.selectors import roles_with

# Where the user was last, as [organization slug, environment slug] in the session.
LAST_PLACE = "console_place"


class EnvironmentMiddleware:
    """Set `request.organization`, `request.environment` and `request.permissions` for pages under /console/."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        place: Any = request
        place.organization = place.environment = None
        place.permissions = frozenset()
        with remembered_roles():
            return self.get_response(request)

    def process_view(
        self, request: Any, view: Callable[..., HttpResponse], args: Any, kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """Replace the two slugs of a console address by what they name; 404 for what the user may not see."""
        if not request.resolver_match.route.startswith("console/"):
            return None
        organization, environment = kwargs.pop("organization"), kwargs.pop("environment")
        if not request.user.is_authenticated:
            login = redirect_to_login(request.get_full_path())
            return HttpResponseClientRedirect(login["Location"]) if request.htmx else login
        found = (
            Environment.objects.visible_to(request.user, "environment.view")
            .select_related("organization")
            .filter(slug=environment, organization__slug=organization)
            .first()
        )
        if found is None:
            raise Http404("There is no such place, or you may not see it.")
        request.environment, request.organization = found, found.organization
        request.permissions = SimpleLazyObject(lambda: held_permissions(request.user, found.organization_id, found))
        request.reasons = Reasons(request.user, found)
        place = [organization, environment]
        if request.session.get(LAST_PLACE) != place:
            request.session[LAST_PLACE] = place
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer 403 with the roles that would have been enough."""
        if not isinstance(exception, Denied):
            return None
        environment = getattr(request, "environment", None)
        roles, ask = [], ""
        if environment is not None:
            roles = roles_with(organization=environment.organization, permission=exception.permission)
            ask = names_of(people_to_ask(environment))
        return render(request, "403.html", {"denied": exception, "roles": roles, "ask": ask}, status=403)
