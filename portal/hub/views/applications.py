"""My applications: their credentials and contracts. Other people's are not found."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from portal.apis.selectors import instance_url
from portal.contracts.limits import OVERLAP_HOURS
from portal.contracts.models import ClientApplication
from portal.contracts.selectors import applications_of
from portal.contracts.services import (
    IssuedSecret,
    application_create,
    application_delete,
    application_update,
    contract_withdraw,
    credential_rotate,
)
from portal.core.commands import call
from portal.core.errors import ApplicationError
from portal.hub.forms import ApplicationForm, RotationForm


def _own(request: HttpRequest, pk: UUID) -> ClientApplication:
    application = applications_of(request.user).filter(pk=pk).first()
    if application is None:
        raise Http404("There is no such application, or it is not yours.")
    return application


def _secret_page(request: HttpRequest, issued: IssuedSecret, **context: Any) -> HttpResponse:
    """Show a secret the one time it is known: not stored, not cached, and gone with this page."""
    context |= {"issued": issued, "entries": issued.named(), "application": issued.application}
    response = render(request, "hub/secret.html", context)
    response["Cache-Control"] = "no-store"
    return response


@login_required
def applications(request: HttpRequest) -> HttpResponse:
    """List the person's applications."""
    rows = applications_of(request.user).prefetch_related("contracts__instance__api_version__api")
    return render(request, "hub/applications.html", {"title": "My applications", "applications": rows})


@login_required
def application(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show one application with its credentials and contracts."""
    found = _own(request, pk)
    contracts = found.contracts.select_related(
        "instance__api_version__api__organization", "instance__environment", "instance__gateway", "instance__listener",
        "tier",
    )  # fmt: skip
    context = {
        "title": found.name,
        "application": found,
        "credentials": found.credentials.all(),
        "contracts": [(contract, instance_url(contract.instance)) for contract in contracts],
        "rotation": RotationForm(),
        "rotate_commands": [call("POST", f"/applications/{found.pk}/rotate/", {"overlap_hours": OVERLAP_HOURS})],
        "delete_commands": [call("DELETE", f"/applications/{found.pk}/")],
    }
    return render(request, "hub/application.html", context)


@login_required
def application_new(request: HttpRequest) -> HttpResponse:
    """Create an application and show its secret."""
    form = ApplicationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            issued = application_create(actor=request.user, **form.cleaned_data)
        except ApplicationError as error:
            form.add_application_error(error)
        else:
            return _secret_page(request, issued, title=f"{issued.application} is ready")
    asked = {"name": "YOUR_NAME", "description": "YOUR_DESCRIPTION"}
    context = {
        "title": "New application",
        "form": form,
        "submit_label": "Create application",
        "commands": [call("POST", "/applications/", asked)],
    }
    return render(request, "hub/application_form.html", context, status=422 if form.is_bound else 200)


@login_required
def application_edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Change how an application is described."""
    found = _own(request, pk)
    form = ApplicationForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        try:
            application_update(actor=request.user, application=found, **form.cleaned_data)
        except ApplicationError as error:
            form.add_application_error(error)
        else:
            messages.success(request, "Saved.")
            return redirect("hub:application", pk=found.pk)
    asked = {"name": found.name, "description": found.description, "url": found.url}
    context = {
        "title": "Edit application",
        "form": form,
        "application": found,
        "submit_label": "Save",
        "commands": [call("PATCH", f"/applications/{found.pk}/", asked)],
    }
    return render(request, "hub/application_form.html", context, status=422 if form.is_bound else 200)


@login_required
def application_rotate(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Give an application a new secret and show it; who opens the address of that page again is led back."""
    found = _own(request, pk)
    if request.method != "POST":
        return redirect(found)
    form = RotationForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose for how long the old secret keeps working.")
        return redirect(found)
    issued = credential_rotate(actor=request.user, application=found, **form.cleaned_data)
    before = found.credentials.filter(expires_at__isnull=False).first()
    return _secret_page(request, issued, title="New secret", rotated=True, before=before)


@login_required
@require_POST
def request_withdraw(request: HttpRequest, pk: UUID, contract: UUID) -> HttpResponse:
    """Take back a request for access."""
    found = _own(request, pk)
    asked = get_object_or_404(found.contracts.select_related("instance__api_version__api"), pk=contract)
    try:
        contract_withdraw(actor=request.user, contract=asked)
    except ApplicationError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"Your request for {asked.instance} is taken back.")
    return redirect(found)


@login_required
@require_POST
def application_remove(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Delete an application."""
    found = _own(request, pk)
    application_delete(actor=request.user, application=found)
    messages.success(request, f"{found.name} is deleted.")
    return redirect("hub:applications")
