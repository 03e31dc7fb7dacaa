"""Changes of the catalog: APIs, their versions and specifications."""

import hashlib
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction
from django.utils.text import slugify

from portal.audit.services import audit_record
from portal.catalog.models import Api, ApiVersion, Layer, Lifecycle, Specification, Visibility
from portal.catalog.openapi.checks import OpenApi, openapi_from
from portal.core.errors import ApplicationError
from portal.core.permissions import scope_of
from portal.organizations.models import Organization

NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApi:
    """An API to be created together with something else: by name, or from a checked specification."""

    name: str
    version: str = "v1"
    layer: str = Layer.SYSTEM
    visibility: str = Visibility.PRIVATE
    summary: str = ""
    source: str | OpenApi = ""

    def checked(self) -> "NewApi":
        """Return it with its specification read, which takes long enough to be done before any transaction."""
        return replace(self, source=_read(self.source)) if self.source else self


@transaction.atomic
def api_create(
    *,
    actor: Any,
    organization: Organization,
    name: str,
    summary: str = "",
    description: str = "",
    layer: str = Layer.SYSTEM,
    visibility: str = Visibility.PRIVATE,
    version: str = "v1",
) -> Api:
    """Add an API with its first version to the catalog."""
    _name_check(organization=organization, name=name)
    api = Api(
        organization=organization,
        name=name.strip(),
        slug=_free_slug(organization, name),
        summary=summary.strip(),
        description=description,
        layer=layer,
        visibility=visibility,
    )
    api.save_checked()
    audit_record(actor=actor, action="api.create", target=api, after=_state(api))
    api_version_create(actor=actor, api=api, version=version)
    return api


def api_create_from(*, actor: Any, organization: Organization, new: NewApi) -> ApiVersion:
    """Add what `new` describes and return its version.

    With a specification, the version is added to an API of that name if there is one; without, the name must be free.
    """
    openapi = _read(new.source) if new.source else None
    return _api_add(actor=actor, organization=organization, new=new, openapi=openapi)


def api_import(
    *,
    actor: Any,
    organization: Organization,
    source: str | bytes | OpenApi,
    layer: str = Layer.SYSTEM,
    visibility: str = Visibility.PRIVATE,
    name: str = "",
    version: str = "",
) -> ApiVersion:
    """Add an API as its specification describes it, or the described version to an API that is there already."""
    openapi = _read(source)
    new = new_api_from(openapi, layer=layer, visibility=visibility)
    new = replace(new, name=name.strip() or new.name, version=version.strip() or new.version)
    return _api_add(actor=actor, organization=organization, new=new, openapi=openapi)


@transaction.atomic
def _api_add(*, actor: Any, organization: Organization, new: NewApi, openapi: OpenApi | None) -> ApiVersion:
    api = organization.apis.filter(name__iexact=new.name.strip()).first() if openapi is not None else None
    if api is not None:
        api_version = api_version_create(actor=actor, api=api, version=new.version)
    else:
        api = api_create(
            actor=actor,
            organization=organization,
            name=new.name,
            summary=new.summary,
            description=openapi.description if openapi is not None and openapi.description != new.summary else "",
            layer=new.layer,
            visibility=new.visibility,
            version=new.version,
        )
        api_version = api.versions.get()
    if openapi is not None:
        _specification_store(actor=actor, api_version=api_version, openapi=openapi)
    return api_version


def new_api_from(openapi: OpenApi, *, layer: str = Layer.SYSTEM, visibility: str = Visibility.PRIVATE) -> NewApi:
    """Return what the catalog makes of a specification's title, version and description."""
    first_line = next((line.strip() for line in openapi.description.splitlines() if line.strip()), "")
    summary = first_line if len(first_line) <= 250 else f"{first_line[:249]}…"
    return NewApi(
        name=" ".join(openapi.title.split())[:120],
        version=openapi.version[:40],
        layer=layer,
        visibility=visibility,
        summary=summary.lstrip("# "),
        source=openapi,
    )


@transaction.atomic
def api_update(
    *,
    actor: Any,
    api: Api,
    name: str | None = None,
    summary: str | None = None,
    description: str | None = None,
    layer: str | None = None,
    visibility: str | None = None,
) -> Api:
    """Change an API; what is None stays. Its slug stays too, since addresses contain it."""
    before = _state(api)
    if name is not None:
        _name_check(organization=api.organization, name=name, besides=api)
        api.name = name.strip()
    for field, value in (("summary", summary), ("description", description), ("layer", layer)):
        if value is not None:
            setattr(api, field, value)
    if visibility is not None:
        api.visibility = visibility
    api.save_checked()
    audit_record(actor=actor, action="api.update", target=api, before=before, after=_state(api))
    return api


@transaction.atomic
def api_delete(*, actor: Any, api: Api) -> None:
    """Remove an API with its versions and specifications. Refused while a version is deployed."""
    _deployed_check(str(api), [instance for version in api.versions.all() for instance in version.instances.all()])
    audit_record(actor=actor, action="api.delete", target=api, before=_state(api))
    api.delete()


def api_version_create(
    *, actor: Any, api: Api, version: str, lifecycle: str = Lifecycle.STABLE, source: str | bytes | OpenApi = ""
) -> ApiVersion:
    """Add a version, with its specification when `source` is given."""
    openapi = _read(source) if source else None
    return _version_add(actor=actor, api=api, version=version.strip(), lifecycle=lifecycle, openapi=openapi)


@transaction.atomic
def _version_add(*, actor: Any, api: Api, version: str, lifecycle: str, openapi: OpenApi | None) -> ApiVersion:
    if api.versions.filter(version__iexact=version).exists():
        sentence = f"{api.name} already has version {version}. Choose another version."
        raise ApplicationError("api_version_taken", sentence, fields={"version": sentence}, status=409)
    api_version = ApiVersion(api=api, version=version, lifecycle=lifecycle)
    api_version.save_checked()
    audit_record(
        actor=actor,
        action="api_version.create",
        target=api_version,
        after={"version": version, "lifecycle": api_version.lifecycle},
    )
    if openapi is not None:
        _specification_store(actor=actor, api_version=api_version, openapi=openapi)
    return api_version


def _check_may_deprecate(actor: Any, api_version: ApiVersion) -> None:
    """Refuse to those who add and change versions but do not decide which one callers should leave."""
    if actor is not None and not scope_of(actor, "api.deprecate").covers(api_version.api.organization_id):
        sentence = "Your role does not include deprecating versions, nor taking that back."
        raise ApplicationError("deprecation_denied", sentence, fields={"lifecycle": sentence}, status=403)


@transaction.atomic
def api_version_update(*, actor: Any, api_version: ApiVersion, lifecycle: str) -> ApiVersion:
    """Say how far a version is."""
    before = {"lifecycle": api_version.lifecycle}
    if lifecycle != api_version.lifecycle and Lifecycle.DEPRECATED in (lifecycle, api_version.lifecycle):
        _check_may_deprecate(actor, api_version)
    api_version.lifecycle = lifecycle
    api_version.save_checked()
    audit_record(
        actor=actor, action="api_version.update", target=api_version, before=before, after={"lifecycle": lifecycle}
    )
    return api_version


@transaction.atomic
def api_version_delete(*, actor: Any, api_version: ApiVersion) -> None:
    """Remove a version with its specification. Refused while it is deployed, or when it is the only one."""
    _deployed_check(str(api_version), list(api_version.instances.all()))
    if api_version.api.versions.count() == 1:
        raise ApplicationError(
            "api_version_last", "This is the only version of the API. Delete the API instead.", status=409
        )
    audit_record(actor=actor, action="api_version.delete", target=api_version, before={"version": api_version.version})
    api_version.delete()


def specification_import(*, actor: Any, api_version: ApiVersion, source: str | bytes | OpenApi) -> Specification:
    """Check a specification and store it as that of the version, in the place of the former one."""
    return _specification_store(actor=actor, api_version=api_version, openapi=_read(source))


def _read(source: str | bytes | OpenApi) -> OpenApi:
    """Return a specification checked. It can take seconds, in which no transaction should hold the database."""
    return source if isinstance(source, OpenApi) else openapi_from(source)


@transaction.atomic
def _specification_store(*, actor: Any, api_version: ApiVersion, openapi: OpenApi) -> Specification:
    before = Specification.objects.filter(api_version=api_version).first()
    digest = hashlib.sha256(openapi.source.encode()).hexdigest()
    specification, _ = Specification.objects.update_or_create(
        api_version=api_version,
        defaults={
            "source": openapi.source,
            "document": openapi.document,
            "openapi": openapi.openapi,
            "digest": digest,
        },
    )
    audit_record(
        actor=actor,
        action="specification.replace" if before else "specification.import",
        target=specification,
        before={"digest": before.digest} if before else {},
        after={"digest": digest, "openapi": openapi.openapi, "title": openapi.title},
    )
    return specification


def _name_check(*, organization: Organization, name: str, besides: Api | None = None) -> None:
    others = organization.apis.filter(name__iexact=name.strip())
    if besides is not None:
        others = others.exclude(pk=besides.pk)
    if others.exists():
        sentence = f"There is already an API named {name.strip()}. Choose another name, or add a version to that API."
        raise ApplicationError("api_name_taken", sentence, fields={"name": sentence}, status=409)


def _deployed_check(name: str, instances: list[Any]) -> None:
    if not instances:
        return
    names = ", ".join(f"{instance} in {instance.environment}" for instance in instances[:NAMED])
    more = f" and {len(instances) - NAMED} more" if len(instances) > NAMED else ""
    raise ApplicationError(
        "api_deployed", f"{name} is still deployed as {names}{more}. Remove these API instances first.", status=409
    )


def _free_slug(organization: Organization, name: str) -> str:
    base = slugify(name)[:70] or "api"
    taken = set(organization.apis.filter(slug__startswith=base).values_list("slug", flat=True))
    number, slug = 1, base
    while slug in taken:
        number += 1
        slug = f"{base}-{number}"
    return slug


def _state(api: Api) -> dict[str, str]:
    return {field: getattr(api, field) for field in ("name", "summary", "description", "layer", "visibility")}
