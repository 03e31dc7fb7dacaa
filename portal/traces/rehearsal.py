"""What would happen to a request, under what runs and under what is saved. Nobody is asked."""

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from urllib.parse import urlsplit

from msgspec import structs

from gateway_runtime.decide import Call, Decision, Outcome, decide, rehearsed
from gateway_runtime.schema import document as schema
from gateway_runtime.schema.faults import ConfigFault
from portal.apis.models import ApiInstance
from portal.contracts.models import ClientApplication
from portal.policies.settings import policy_title
from portal.publishing.api_parts import InstanceFault
from portal.publishing.builder import instance_document
from portal.publishing.errors import PublishError
from portal.publishing.models import Revision
from portal.publishing.sealing import revision_document
from portal.traces.selectors import OUTCOMES, policy_page, reason_of

# The gateway knows no secrets, only their digests: this one stands in for that of the application.
_STAND_IN = "stand-in-for-the-secret"
_BASIC = "httpBasicAuthenticationHeader"
WORDS = {
    **OUTCOMES,
    Outcome.NEEDS_BODY: "depends on the body",
    Outcome.NEEDS_IO: "depends on somebody it would ask",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request to rehearse. `path` has the query; without `body` it is not known."""

    method: str
    path: str
    host: str
    headers: tuple[tuple[str, str], ...] = ()
    client_ip: str = "192.0.2.1"
    body: str = ""
    application: ClientApplication | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one policy would say."""

    policy: str
    title: str
    docs: str
    outcome: str
    words: str
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """Where a request would go: a service, its targets, and what they are asked. `share` is in percent."""

    service: str
    targets: tuple[str, ...]
    path: str
    share: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What one configuration would do. `unavailable` says why nothing can be said, and then all else is empty."""

    unavailable: str = ""
    route: str = ""
    application: str = ""
    status: int = 0
    policy: str = ""
    code: str = ""
    reason: str = ""
    docs: str = ""
    # The other API of the gateway that would get the request.
    elsewhere: str = ""
    steps: tuple[Step, ...] = ()
    sent: tuple[Sent, ...] = ()

    @property
    def goes_on(self) -> bool:
        """Tell whether a service would get the request."""
        return bool(self.sent)

    @property
    def depends(self) -> bool:
        """Tell whether a policy's word is missing, which would come in live traffic."""
        return any(step.outcome in (Outcome.NEEDS_IO, Outcome.NEEDS_BODY) for step in self.steps)

    @property
    def headline(self) -> str:
        """Return the whole in a few words."""
        if self.goes_on:
            return "It would go on, if the policies that could not be asked agree" if self.depends else "It would go on"
        if self.unavailable:
            return "Nothing can be said"
        if self.policy:
            word = "answered" if not self.code else "refused"
            return f"It would be {word} by {policy_title(self.policy)}"
        return "The gateway would answer it itself"


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """Both sides. `revision` is what runs, None before anything does."""

    running: Rehearsal
    saved: Rehearsal
    revision: Revision | None = field(compare=False)

    @property
    def differs(self) -> bool:
        """Tell whether publishing would make a difference to this request."""
        return self.running != self.saved


def rehearse(*, instance: ApiInstance, asked: Asked) -> Rehearsed:
    """Return what would happen to a request to an instance, now and after publishing what is saved."""
    revision = instance.gateway.revisions.exclude(published_at=None).order_by("-number").first()
    return Rehearsed(_running(instance, revision, asked), _saved(instance, asked), revision)


def _running(instance: ApiInstance, revision: Revision | None, asked: Asked) -> Rehearsal:
    if revision is None:
        return Rehearsal(unavailable="Nothing has been published to this gateway yet.")
    try:
        document = revision_document(revision)
    except PublishError as error:
        return Rehearsal(unavailable=str(error))
    return _under(document, str(instance.pk), asked)


def _saved(instance: ApiInstance, asked: Asked) -> Rehearsal:
    try:
        document = instance_document(instance)
    except InstanceFault as fault:
        return Rehearsal(unavailable=str(fault))
    return _under(document, str(instance.pk), asked)


def _under(document: schema.Document, instance: str, asked: Asked) -> Rehearsal:
    """Return what a document would do, of which only the one API is compiled."""
    api = next((each for each in document.apis if each.id == instance), None)
    if api is None:
        return Rehearsal(unavailable="This API is not there: it is stopped, or was not published yet.")
    alone, call = _with_application(_alone(document, api), api, asked)
    try:
        decision = decide(rehearsed(alone), call)
    except ConfigFault as fault:
        return Rehearsal(unavailable=f"The gateway could not use it ({fault.path}): {fault.message}")
    if not decision.api:
        return replace(_answered(decision), elsewhere=_elsewhere(document, api, call))
    return _decided(alone, api, call, decision)


def _alone(document: schema.Document, api: schema.ApiInstance) -> schema.Document:
    """Return a document with one API on its listener, in plain text: TLS has nothing to say about where requests go."""
    listeners = [structs.replace(each, tls=None) for each in document.listeners if each.id == api.listener]
    return schema.Document(
        gateway=document.gateway,
        name=document.name,
        listeners=listeners,
        apis=[api],
        consumers=document.consumers,
        contracts=[each for each in document.contracts if each.api == api.id],
        tiers=document.tiers,
        limits=document.limits,
    )


def _with_application(document: schema.Document, api: schema.ApiInstance, asked: Asked) -> tuple[schema.Document, Call]:
    headers = asked.headers
    application = asked.application
    if application is not None:
        digest = sha256(_STAND_IN.encode()).hexdigest()
        consumers = [
            structs.replace(each, secrets=[digest]) if each.id == str(application.pk) else each
            for each in document.consumers
        ]
        document = structs.replace(document, consumers=consumers)
        given = {name.lower() for name, _ in headers}
        headers += tuple(pair for pair in _credentials(api, application.client_id) if pair[0] not in given)
    port = document.listeners[0].port if document.listeners else 0
    return document, Call(
        port=port,
        method=asked.method,
        target=asked.path,
        host=asked.host,
        headers=headers,
        client_ip=asked.client_ip,
        body=asked.body.encode() if asked.body else None,
    )


def _credentials(api: schema.ApiInstance, client_id: str) -> Iterator[tuple[str, str]]:
    """Yield the headers by which an application is known, with the secret's stand-in."""
    if any(value == _BASIC for policy in api.policies for value in policy.config.values()):
        yield "authorization", f"Basic {b64encode(f'{client_id}:{_STAND_IN}'.encode()).decode()}"
    yield "client_id", client_id
    yield "client_secret", _STAND_IN


def _decided(document: schema.Document, api: schema.ApiInstance, call: Call, decision: Decision) -> Rehearsal:
    names = {consumer.id: consumer.name for consumer in document.consumers}
    route = next((each for each in api.routes if each.id == decision.route), None)
    answered = _answered(decision)
    return replace(
        answered,
        route=route.name if route else "",
        application=names.get(decision.application, ""),
        steps=tuple(
            Step(
                policy=verdict.policy,
                title=policy_title(verdict.policy),
                docs=policy_page(verdict.policy),
                outcome=str(verdict.outcome),
                words=WORDS.get(verdict.outcome, str(verdict.outcome)),
                code=verdict.code,
            )
            for verdict in decision.verdicts
        ),
        sent=() if decision.status or route is None else tuple(_sent(document, api, route, call)),
    )


def _answered(decision: Decision) -> Rehearsal:
    reason, docs = reason_of(decision.policy, decision.code) if decision.code else ("", "")
    return Rehearsal(
        status=decision.status,
        policy=decision.policy,
        code=decision.code,
        reason=reason or decision.detail,
        docs=docs,
    )


def _sent(document: schema.Document, api: schema.ApiInstance, route: schema.Route, call: Call) -> Iterator[Sent]:
    """Yield each way of a route with what its service would be asked for; policies do not change the path."""
    services = {service.id: service for service in api.services}
    ways = route.destinations or [schema.Destination(service=route.service, destination_path=route.destination_path)]
    whole = sum(way.weight for way in ways)
    query = urlsplit(call.target).query
    for way in ways:
        one = structs.replace(route, service=way.service, destination_path=way.destination_path, destinations=[])
        routes = [one if each.id == route.id else each for each in api.routes]
        bare = structs.replace(document, apis=[structs.replace(api, routes=routes, policies=[])])
        path = decide(rehearsed(bare), call).upstream_path
        service = services[way.service]
        yield Sent(
            service=service.name,
            targets=tuple(f"{service.scheme}://{_host(each.host)}:{each.port}" for each in service.targets),
            path=f"{path}?{query}" if query else path,
            share=round(100 * way.weight / whole),
        )


def _host(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _elsewhere(document: schema.Document, api: schema.ApiInstance, call: Call) -> str:
    """Return the name of the other API on the same listener that a path belongs to."""
    path = urlsplit(call.target).path
    for other in document.apis:
        base = other.base_path
        if other.listener == api.listener and other.id != api.id and (path == base or path.startswith(f"{base}/")):
            return other.name
    return ""
