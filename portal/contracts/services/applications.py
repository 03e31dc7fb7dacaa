"""Client applications and their secrets."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from portal.accounts.models import User
from portal.audit.services import audit_record
from portal.contracts.limits import MOST_OVERLAP_HOURS, OVERLAP_HOURS
from portal.contracts.models import ClientApplication, Credential
from portal.contracts.selectors import gateways_serving
from portal.core.errors import ApplicationError
from portal.gateways.signals import gateway_configuration_changed

SECRET_BYTES = 32
# After a rotation the old secret works this long, so that running programs can be changed without an outage.
MOST_APPLICATIONS = 100


@dataclass(frozen=True, slots=True)
class IssuedSecret:
    """A secret at the only moment it is known: when it was made."""

    application: ClientApplication
    credential: Credential
    secret: str

    @property
    def filename(self) -> str:
        """Return under which name to save it; browsers do not save a name that begins with a dot."""
        return f"{slugify(self.application.name) or 'application'}.env"

    def named(self) -> list[tuple[str, str]]:
        """Return what to show, by the names under which programs know them."""
        return [("Client ID", self.application.client_id), ("Client secret", self.secret)]


def _issue(application: ClientApplication) -> IssuedSecret:
    secret = secrets.token_urlsafe(SECRET_BYTES)
    credential = Credential(application=application, digest=sha256(secret.encode()).hexdigest(), hint=secret[-4:])
    credential.full_clean()
    credential.save()
    return IssuedSecret(application=application, credential=credential, secret=secret)


def _described(application: ClientApplication) -> dict[str, Any]:
    return {"name": application.name, "description": application.description, "url": application.url}


def _check_name(*, owner: User, name: str, except_pk: Any = None) -> None:
    if owner.applications.filter(name=name).exclude(pk=except_pk).exists():
        message = f"You already have an application named {name}. Choose another name."
        raise ApplicationError("application_name_taken", message, fields={"name": message})


def _republish(application: ClientApplication, *, actor: Any, message: str) -> None:
    for gateway in gateways_serving(application):
        gateway_configuration_changed(gateway=gateway, actor=actor, message=message, waits=False)


@transaction.atomic
def application_create(*, actor: Any, name: str, description: str = "", url: str = "") -> IssuedSecret:
    """Create an application of `actor` with its client ID and first secret, which is shown only now."""
    if actor.applications.count() >= MOST_APPLICATIONS:
        raise ApplicationError(
            "too_many_applications", f"You have {MOST_APPLICATIONS} applications. Delete one you no longer use."
        )
    _check_name(owner=actor, name=name)
    application = ClientApplication(
        owner=actor, name=name, description=description, url=url, client_id=secrets.token_hex(16)
    )
    application.full_clean()
    application.save()
    issued = _issue(application)
    audit_record(actor=actor, action="application.create", target=application, after=_described(application))
    return issued


@transaction.atomic
def application_update(
    *, actor: Any, application: ClientApplication, name: str, description: str = "", url: str = ""
) -> ClientApplication:
    """Change how an application is described. Its client ID never changes."""
    before = _described(ClientApplication.objects.get(pk=application.pk))
    _check_name(owner=application.owner, name=name, except_pk=application.pk)
    application.name, application.description, application.url = name, description, url
    application.full_clean()
    application.save()
    after = _described(application)
    audit_record(actor=actor, action="application.update", target=application, before=before, after=after)
    if before["name"] != after["name"]:
        # Gateways report traffic under the application's name.
        _republish(application, actor=actor, message=f"Application {before['name']} renamed to {name}")
    return application


@transaction.atomic
def application_delete(*, actor: Any, application: ClientApplication) -> None:
    """Delete an application with its secrets and contracts; its calls are refused from the next revision on."""
    gateways = gateways_serving(application)
    name = application.name
    audit_record(actor=actor, action="application.delete", target=application, before=_described(application))
    application.delete()
    for gateway in gateways:
        gateway_configuration_changed(gateway=gateway, actor=actor, message=f"Application {name} deleted", waits=False)


@transaction.atomic
def credential_rotate(
    *, actor: Any, application: ClientApplication, overlap_hours: int = OVERLAP_HOURS
) -> IssuedSecret:
    """Give an application a new secret. The newest old one keeps working for so many hours, older ones end now."""
    if not 0 <= overlap_hours <= MOST_OVERLAP_HOURS:
        sentence = f"The old secret can keep working for 0 to {MOST_OVERLAP_HOURS} hours."
        raise ApplicationError("overlap_out_of_range", sentence, fields={"overlap_hours": sentence})
    application = ClientApplication.objects.select_for_update().get(pk=application.pk)
    newest = application.credentials.order_by("-created_at").first()
    if newest is not None and not overlap_hours:
        application.credentials.all().delete()
    elif newest is not None:
        application.credentials.exclude(pk=newest.pk).delete()
        limit = timezone.now() + timedelta(hours=overlap_hours)
        newest.expires_at = min(newest.expires_at or limit, limit)
        newest.save()
    issued = _issue(application)
    audit_record(
        actor=actor,
        action="credential.rotate",
        target=application,
        before={"hint": newest.hint if newest else ""},
        after={"hint": issued.credential.hint, "overlap_hours": overlap_hours},
    )
    _republish(application, actor=actor, message=f"New secret of application {application.name}")
    return issued


@transaction.atomic
def credentials_expire() -> int:
    """Delete the secrets whose overlap is over and bring that to the gateways. Returns how many there were."""
    expired = Credential.objects.filter(expires_at__lte=timezone.now())
    applications = list(ClientApplication.objects.filter(credentials__in=expired).distinct())
    count, _ = expired.delete()
    for application in applications:
        _republish(application, actor=None, message=f"Old secret of application {application.name} expired")
    return count
