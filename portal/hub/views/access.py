"""Asking for access: instance, application, plan, result."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from portal.contracts.models import ClientApplication, Contract, ContractStatus
from portal.contracts.selectors import applications_of
from portal.contracts.services import IssuedSecret, application_create, contract_request
from portal.core.commands import call
from portal.core.errors import ApplicationError
from portal.hub.curl import credential_arguments, first_call
from portal.hub.forms import NEW_APPLICATION, AccessForm
from portal.hub.selectors import Place, api_for, client_headers_of, versions_offered


@login_required
def access_choose(request: HttpRequest, provider: str, slug: str) -> HttpResponse:
    """Let the person choose where they want to call the API; with one place go straight on."""
    api = api_for(request.user, provider, slug)
    versions = [version for version in versions_offered(request.user, api) if version.places]
    open_places = [p for version in versions for p in version.places if not p.instance.deprecated]
    if len(open_places) == 1:
        return redirect("hub:access", provider=provider, slug=slug, instance=open_places[0].instance.pk)
    return render(request, "hub/access_choose.html", {"title": "Request access", "api": api, "versions": versions})


def _place(request: HttpRequest, provider: str, slug: str, instance: UUID) -> Place:
    api = api_for(request.user, provider, slug)
    for version in versions_offered(request.user, api):
        for place in version.places:
            if place.instance.pk == instance:
                return place
    raise Http404("There is no such instance of this API.")


@transaction.atomic
def _ask(request: HttpRequest, place: Place, values: dict[str, Any]) -> tuple[Contract, IssuedSecret | None]:
    issued = None
    if values["application"] == NEW_APPLICATION:
        issued = application_create(actor=request.user, name=values["name"])
        application: ClientApplication = issued.application
    else:
        application = applications_of(request.user).get(pk=values["application"])
    contract = contract_request(
        actor=request.user, application=application, instance=place.instance, tier=values.get("tier")
    )
    return contract, issued


@login_required
def access(request: HttpRequest, provider: str, slug: str, instance: UUID) -> HttpResponse:
    """Ask access to one instance; the answer is the result page with the secret, if one was just made."""
    place = _place(request, provider, slug, instance)
    form = AccessForm(request.POST or None, person=request.user, place=place)
    if request.method == "POST" and form.is_valid():
        try:
            contract, issued = _ask(request, place, form.cleaned_data)
        except ApplicationError as error:
            form.add_application_error(error)
        else:
            return _result(request, place, contract, issued)
    tier = next(iter(place.tiers), None)
    asked = {"application": "ID_OF_YOUR_APPLICATION", "instance": place.instance, "tier": tier}
    context = {
        "title": f"Request access to {place.instance.api_version}",
        "api": place.instance.api_version.api,
        "place": place,
        "form": form,
        "commands": [call("POST", "/contracts/", asked)],
    }
    return render(request, "hub/access.html", context, status=422 if form.is_bound else 200)


def _result(request: HttpRequest, place: Place, contract: Contract, issued: IssuedSecret | None) -> HttpResponse:
    headers = client_headers_of(place.instance)
    secret = issued.secret if issued else "YOUR_CLIENT_SECRET"
    arguments = credential_arguments(headers, contract.application.client_id, secret)
    context = {
        "title": "Access granted" if contract.status == ContractStatus.ACTIVE else "Request sent",
        "api": place.instance.api_version.api,
        "place": place,
        "contract": contract,
        "application": contract.application,
        "issued": issued,
        "entries": issued.named() if issued else [],
        "headers": headers,
        "command": first_call(place.instance.api_version, place.url, arguments),
    }
    response = render(request, "hub/access_result.html", context)
    response["Cache-Control"] = "no-store"
    return response
