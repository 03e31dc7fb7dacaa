"""What the gateway serves in each case: the documents, and what a client has to send."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256

from gateway_runtime.schema import document as documents
from tests.certificates import Authority

SECRET = "bench-secret"
MANY_APIS = 600
ROUTES = 10


@dataclass(frozen=True)
class Case:
    """One document, the path that is asked for and the headers that go with it."""

    path: str = "/orders/1"
    headers: dict[str, str] = field(default_factory=dict)
    scheme: str = "http"


CASES = {
    "bare": Case(),
    "policies": Case(
        headers={
            "Authorization": "Basic d2FyZWhvdXNlOmNvcnJlY3QtaG9yc2U=",
            "X-Tenant": "tenant-7",
        }
    ),
    "tls": Case(scheme="https"),
    "one-api": Case(path="/api-0/resource-9/17/item"),
    "many-apis": Case(path=f"/api-{MANY_APIS - 1}/resource-9/17/item"),
}
# The path that is asked for while revisions change.
REVISED = "/revised/orders/1"


def document(case: str, port: int, upstream_port: int) -> documents.Document:
    """Return the document of a case, in front of a service on this machine."""
    service = documents.Service(id="s", name="s", targets=[documents.Target(host="127.0.0.1", port=upstream_port)])
    tls = None
    if case == "tls":
        pair = Authority().issue("127.0.0.1")
        tls = documents.Tls(certificates=[documents.Certificate(certificate=pair.certificate, key=pair.key)])
    listener = documents.Listener(id="l", name="l", port=port, host="127.0.0.1", tls=tls)
    consumers = [
        documents.Consumer(
            id=f"c-{n}", name=f"c-{n}", client_id=f"client-{n}", secrets=[sha256(SECRET.encode()).hexdigest()]
        )
        for n in range(100)
    ]
    if case in ("one-api", "many-apis"):
        count = 1 if case == "one-api" else MANY_APIS
        apis = [api_of_many(n, service) for n in range(count)]
    else:
        route = documents.Route(id="r", name="r", service="s")
        apis = [
            documents.ApiInstance(
                id="a",
                name="a",
                listener="l",
                base_path="/orders",
                services=[service],
                routes=[route],
                policies=_four_policies() if case == "policies" else [],
            )
        ]
    return documents.Document(
        gateway="g",
        name="bench",
        allow_private_targets=True,
        listeners=[listener],
        consumers=consumers,
        contracts=[documents.Contract(consumer=consumer.id, api="a") for consumer in consumers],
        apis=apis,
    )


def api_of_many(number: int, service: documents.Service, routes: int = ROUTES) -> documents.ApiInstance:
    """Return one of many APIs, with so many routes by pattern."""
    return documents.ApiInstance(
        id=f"a-{number}",
        name=f"a-{number}",
        listener="l",
        base_path=f"/api-{number}",
        services=[service],
        routes=[
            documents.Route(
                id=f"r-{number}-{n}",
                name=f"r-{n}",
                service=service.id,
                rules=[documents.Rule(path=f"/resource-{n}/[0-9]+/.*")],
            )
            for n in range(routes)
        ],
    )


def _four_policies() -> list[documents.PolicyBinding]:
    configs: list[tuple[str, dict[str, object]]] = [
        ("http-basic-authentication", {"username": "warehouse", "password": "correct-horse"}),
        (
            "message-logging",
            {
                "loggingConfiguration": [
                    {
                        "itemName": "calls",
                        "itemData": {
                            "message": "#[attributes.method] #[attributes.requestPath]: #[attributes.statusCode]",
                            "level": "INFO",
                            "secondSection": True,
                        },
                    }
                ]
            },
        ),
        (
            "rate-limiting",
            {
                "rateLimits": [{"maximumRequests": 10**9, "timePeriodInMilliseconds": 60_000}],
                "keySelector": "#[attributes.headers['x-tenant']]",
            },
        ),
        (
            "header-injection",
            {
                "inboundHeaders": [{"key": "x-environment", "value": "production"}],
                "outboundHeaders": [{"key": "strict-transport-security", "value": "max-age=31536000"}],
            },
        ),
    ]
    return [
        documents.PolicyBinding(id=f"b-{order}", policy=name, order=order, config=config)
        for order, (name, config) in enumerate(configs)
    ]


def revised(number: int, port: int, upstream_port: int, apis: int) -> documents.Document:
    """Return a revision with so many APIs besides the one that says its number in three places.

    The path and a header that the service sees, and a header that the client gets: none may be of another revision.
    """
    service = documents.Service(id="s", name="s", targets=[documents.Target(host="127.0.0.1", port=upstream_port)])
    shown = documents.ApiInstance(
        id="revised",
        name="revised",
        listener="l",
        base_path="/revised",
        services=[service],
        routes=[documents.Route(id="r", name="r", service="s", destination_path=f"/v{number}")],
        policies=[
            documents.PolicyBinding(
                id="b",
                policy="header-injection",
                order=1,
                config={
                    "inboundHeaders": [{"key": "x-seen", "value": str(number)}],
                    "outboundHeaders": [{"key": "x-answered", "value": str(number)}],
                },
            )
        ],
    )
    return documents.Document(
        gateway="g",
        name="bench",
        allow_private_targets=True,
        listeners=[documents.Listener(id="l", name="l", port=port, host="127.0.0.1")],
        apis=[shown, *(api_of_many(n, service, 5) for n in range(apis))],
    )
