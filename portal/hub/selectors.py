"""What a developer, or a stranger, finds in the hub. Every page of the hub starts here."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404

from portal.apis.models import ApiInstance, InstanceStatus
from portal.apis.selectors import instance_url
from portal.catalog.models import Api, ApiVersion, Layer, Lifecycle
from portal.contracts.models import SlaTier
from portal.contracts.selectors import api_offered, instances_offered_to
from portal.core.filters import search
from portal.hub.operations import Operation, operations_of
from portal.policies.effective import policy_of

# So many APIs are read through to find a word in their operations; beyond it only names and summaries count.
MOST_SPECIFICATIONS = 200
_HEADER_SELECTOR = re.compile(r"attributes\.headers\[\s*['\"]([A-Za-z0-9_-]+)['\"]\s*\]")
_LIFECYCLE_ORDER = [Lifecycle.STABLE, Lifecycle.DEVELOPMENT, Lifecycle.DEPRECATED]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a version can be called: an active instance, its public address and its tiers."""

    instance: ApiInstance
    url: str
    tiers: list[SlaTier]


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedVersion:
    """A version of an API with the places where it runs."""

    version: ApiVersion
    places: list[Place]
    described: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An API in a list, with the operations that made it match."""

    api: Api
    running: bool
    versions: list[str]
    operations: list[Operation]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientHeaders:
    """How an instance wants a client's credentials. Without a policy that asks, `enforced` is False."""

    id_header: str = "client_id"
    secret_header: str = "client_secret"  # noqa: S105 - the name of a header
    basic: bool = False
    enforced: bool = False


def apis_visible_to(user: Any) -> QuerySet[Api]:
    """Return the APIs that `user`, who may be anonymous, finds in the hub: public ones and those of their own."""
    return Api.objects.filter(api_offered(user)).select_related("organization")


def api_for(user: Any, provider: str, slug: str) -> Api:
    """Return the API of an address. Raises `Http404` alike for what is hidden and what does not exist."""
    api = apis_visible_to(user).filter(organization__slug=provider, slug=slug).first()
    if api is None:
        raise Http404("There is no such API, or you may not see it.")
    return api


def version_for(user: Any, provider: str, slug: str, version: str) -> ApiVersion:
    """Return the version of an address. Raises `Http404` alike for what is hidden and what does not exist."""
    api = api_for(user, provider, slug)
    found = api.versions.select_related("api__organization", "specification").filter(version=version).first()
    if found is None:
        raise Http404("There is no such version of this API.")
    return found


def places_of(user: Any, version: ApiVersion) -> list[Place]:
    """Return where a version can be called; what takes new applications first, production before the rest."""
    instances = (
        instances_offered_to(user)
        .filter(api_version=version)
        .select_related("environment__organization", "gateway", "listener", "api_version__api")
        .prefetch_related("tiers")
    )
    ordered = sorted(instances, key=lambda i: (i.deprecated, i.environment.kind != "production", str(i.pk)))
    return [
        Place(instance=instance, url=instance_url(instance), tiers=list(instance.tiers.all())) for instance in ordered
    ]


def versions_offered(user: Any, api: Api) -> list[OfferedVersion]:
    """Return the versions of an API, those that run first, newest first among equals."""
    versions = list(api.versions.select_related("api__organization", "specification").order_by("-created_at"))
    offered = [
        OfferedVersion(version=version, places=places_of(user, version), described=hasattr(version, "specification"))
        for version in versions
    ]
    return sorted(offered, key=lambda o: (not o.places, _LIFECYCLE_ORDER.index(Lifecycle(o.version.lifecycle))))


def _matching_operations(api: Api, words: list[str]) -> list[Operation]:
    found = []
    for version in api.versions.all():
        specification = getattr(version, "specification", None)
        for operation in operations_of(specification.document) if specification else ():
            text = f"{operation.method} {operation.path} {operation.summary} {operation.name}".lower()
            if all(word in text for word in words):
                found.append(operation)
    return found


class FoundApis(Sequence[Found]):
    """APIs that match, in order. What is told of them is read for those that are asked for."""

    def __init__(self, order: list[tuple[Any, bool]], operations: dict[Any, list[Operation]]) -> None:
        self._order = order
        self._operations = operations

    def __len__(self) -> int:
        return len(self._order)

    def __iter__(self) -> Iterator[Found]:
        return iter(self._read(self._order))

    @overload
    def __getitem__(self, key: int) -> Found: ...
    @overload
    def __getitem__(self, key: slice) -> list[Found]: ...
    def __getitem__(self, key: int | slice) -> Found | list[Found]:
        if isinstance(key, int):
            return self._read([self._order[key]])[0]
        return self._read(self._order[key])

    def _read(self, some: list[tuple[Any, bool]]) -> list[Found]:
        apis = Api.objects.select_related("organization").prefetch_related("versions").in_bulk([pk for pk, _ in some])
        return [
            Found(
                api=apis[pk],
                running=running,
                versions=[version.version for version in apis[pk].versions.all()],
                operations=self._operations.get(pk, [])[:3],
            )
            for pk, running in some
            if pk in apis
        ]


def apis_found(user: Any, text: str = "", layer: str = "") -> FoundApis:
    """Return the APIs that match by name, summary or operation, running ones first."""
    running = ApiInstance.objects.filter(api_version__api=OuterRef("pk"), status=InstanceStatus.ACTIVE)
    apis = apis_visible_to(user).annotate(running=Exists(running)).order_by("-running", "name", "pk")
    if layer in Layer.values:
        apis = apis.filter(layer=layer)
    words = text.lower().split()[:10]
    named = search(apis, text, ("name", "summary", "organization__name")) if words else apis
    found = {pk: (running, name) for pk, running, name in named.values_list("pk", "running", "name")}
    operations: dict[Any, list[Operation]] = {}
    if words:
        # The text of the specification only tells where looking is worth while; its operations decide.
        mentioned = Q()
        for word in words:
            mentioned &= Q(versions__specification__source__icontains=word)
        candidates = apis.filter(mentioned).distinct().prefetch_related("versions__specification")
        for api in candidates[:MOST_SPECIFICATIONS]:
            operations[api.pk] = _matching_operations(api, words)
            if operations[api.pk]:
                found[api.pk] = (api.running, api.name)
    order = sorted(found, key=lambda pk: (not found[pk][0], found[pk][1].lower(), str(pk)))
    return FoundApis([(pk, found[pk][0]) for pk in order], operations)


def client_headers_of(instance: ApiInstance) -> ClientHeaders:
    """Return how calls to an instance carry the client ID and secret, as its enforcement policy says."""
    config = policy_of(instance, "client-id-enforcement")
    if config is None:
        return ClientHeaders()
    return ClientHeaders(
        id_header=_header_of(config.get("clientIdExpression"), "client_id"),
        secret_header=_header_of(config.get("clientSecretExpression"), "client_secret"),
        basic=config.get("credentialsOriginHasHttpBasicAuthenticationHeader") == "httpBasicAuthenticationHeader",
        enforced=True,
    )


def _header_of(expression: str | None, usual: str) -> str:
    """Return the header that an expression selects; the usual one where it is another expression."""
    found = _HEADER_SELECTOR.search(expression or "")
    return found.group(1) if found else usual
