"""Client applications at a real gateway: who is let in, how much the tier of a contract allows, and what is counted."""

import http.client
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import msgspec
import pytest

from gateway_runtime.schema.document import Consumer, Contract, Document, PolicyBinding, Tier, TierLimit
from tests.integration.gateway.conftest import Answer, GatewayProcess, api, call, document
from tests.integration.publisher import Publisher

pytestmark = pytest.mark.integration

CHALLENGE = "Client-ID-Enforcement"
SECRET = {"clientSecretExpression": "#[attributes.headers['client_secret']]"}


def consumer(id: str) -> Consumer:
    return Consumer(
        id=id, name=f"{id} app", client_id=f"{id}-id", secrets=[sha256(f"{id}-secret".encode()).hexdigest()]
    )


CONSUMERS = [consumer(id) for id in ("shop", "till", "guest", "elsewhere", "waiting")]
GOLD = Tier(
    id="gold",
    name="Gold",
    limits=[
        TierLimit(maximum_requests=6, period_ms=3_600_000),
        TierLimit(maximum_requests=1000, calendar_period="month"),
    ],
)
CONTRACTS = [
    Contract(api="orders", consumer="shop", tier="gold"),
    Contract(api="orders", consumer="till", tier="gold"),
    Contract(api="orders", consumer="guest"),
    Contract(api="stock", consumer="elsewhere"),
    # The one of “waiting” is pending or suspended, so it is not among those that hold.
]


def sla(**config: Any) -> PolicyBinding:
    return PolicyBinding(id="sla", policy="rate-limiting-sla-based", order=10, config=config)


def enforcement(**config: Any) -> PolicyBinding:
    return PolicyBinding(id="enforcement", policy="client-id-enforcement-flex", order=5, config=config)


def made(publisher: Publisher, port: int, backend: int, *policies: PolicyBinding, tiers: tuple[Tier, ...] = (GOLD,),
         contracts: list[Contract] = CONTRACTS) -> Document:  # fmt: skip
    stock = [msgspec.structs.replace(each, id=f"{each.id}-stock") for each in policies]
    return document(
        publisher,
        port,
        api(backend, policies=[*policies]),
        api(backend, id="stock", base_path="/stock", policies=stock),
        consumers=CONSUMERS,
        contracts=contracts,
        tiers=list(tiers),
    )


def sent(app: str, secret: str | None = None) -> dict[str, str]:
    return {"client_id": f"{app}-id", "client_secret": f"{app}-secret" if secret is None else secret}


def code(answer: Answer) -> str:
    return "" if answer.status == 200 else msgspec.json.decode(answer.body)["code"]


def statuses(port: int, app: str, times: int) -> Counter[int]:
    return Counter(call(port, "/orders/1", sent(app)).status for _ in range(times))


@pytest.fixture
def serve(publisher: Publisher, gateway: GatewayProcess, port: int, backend: int) -> Any:
    def go(*policies: PolicyBinding, **more: Any) -> int:
        gateway.wait_for_revision(publisher.publish(made(publisher, port, backend, *policies, **more)))
        return port

    return go


def test_who_is_let_in_by_enforcement(serve: Any) -> None:
    port = serve(enforcement())
    passed = call(port, "/orders/1", sent("shop"))
    assert passed.status == 200
    seen = msgspec.json.decode(passed.body)["headers"]
    assert seen["client_id"] == "shop-id"
    assert "client_secret" not in seen
    for headers, status, reason in (
        ({}, 401, "client_id_missing"),
        (sent("shop", "x"), 401, "client_credentials_invalid"),
        (sent("shop", "SHOP-SECRET"), 401, "client_credentials_invalid"),
        (sent("shop", "shop-secre"), 401, "client_credentials_invalid"),
        (sent("shop", "till-secret"), 401, "client_credentials_invalid"),
        (sent("nobody"), 401, "client_credentials_invalid"),
        (sent("elsewhere"), 403, "no_contract"),
        (sent("waiting"), 403, "no_contract"),
        (sent("waiting", "x"), 401, "client_credentials_invalid"),
    ):
        answer = call(port, "/orders/1", headers)
        assert (answer.status, code(answer)) == (status, reason)
        assert answer.headers.get("www-authenticate") == (CHALLENGE if status == 401 else None)
        assert b"secret" not in answer.body.replace(b"its secret is wrong", b"")
    assert call(port, "/stock/1", sent("elsewhere")).status == 200
    assert code(call(port, "/stock/1", sent("shop"))) == "no_contract"


def test_basic_credentials_and_those_of_the_query(serve: Any) -> None:
    port = serve(enforcement(credentialsOriginHasHttpBasicAuthenticationHeader="httpBasicAuthenticationHeader"))
    basic = "Basic " + b64encode(b"shop-id:shop-secret").decode()
    passed = call(port, "/orders/1", {"authorization": basic})
    assert passed.status == 200
    assert "authorization" not in msgspec.json.decode(passed.body)["headers"]
    refused = call(port, "/orders/1", sent("shop"))
    assert (refused.status, refused.headers["www-authenticate"]) == (401, 'Basic realm="mule-realm"')
    port = serve(
        enforcement(
            clientIdExpression="#[attributes.queryParams['client_id']]",
            clientSecretExpression="#[attributes.queryParams['client_secret']]",
        )
    )
    assert call(port, "/orders/1?client_id=shop-id&client_secret=shop-secret").status == 200
    assert code(call(port, "/orders/1?client_id=shop-id&client_secret=till-secret")) == "client_credentials_invalid"
    assert code(call(port, "/orders/1", sent("shop"))) == "client_id_missing"


def test_a_revoked_contract_ends_at_once_in_every_worker(serve: Any) -> None:
    port = serve(enforcement(), sla())
    assert statuses(port, "guest", 6) == {200: 6}
    serve(enforcement(), sla(), contracts=[each for each in CONTRACTS if each.consumer != "guest"])
    answers = [call(port, "/orders/1", sent("guest")) for _ in range(6)]
    assert {(answer.status, code(answer)) for answer in answers} == {(403, "no_contract")}


def test_the_tier_of_a_contract_is_kept_over_all_workers(serve: Any) -> None:
    port = serve(sla(exposeHeaders=True, exposeRateLimitHeaders=True, **SECRET))
    first = call(port, "/orders/1", sent("shop"))
    assert first.headers["x-ratelimit-limit"] == "6"
    assert first.headers["x-ratelimit-remaining"] == "5"
    assert first.headers["ratelimit-policy"] == '"hour";q=6;w=3600, "calendar-month";q=1000'
    assert first.headers["ratelimit"] == '"hour";r=5;t=3600'
    assert statuses(port, "shop", 10) == {200: 5, 429: 5}
    refused = call(port, "/orders/1", sent("shop"))
    assert (refused.status, code(refused)) == (429, "sla_limit_exceeded")
    assert 3500 < int(refused.headers["retry-after"]) <= 3600
    assert refused.headers["x-ratelimit-remaining"] == "0"
    assert statuses(port, "till", 8) == {200: 6, 429: 2}
    assert statuses(port, "guest", 20) == {200: 20}
    for headers, reason in (
        ({}, "sla_client_id_missing"),
        (sent("till", "x"), "sla_credentials_invalid"),
        (sent("elsewhere"), "sla_no_contract"),
        (sent("waiting"), "sla_no_contract"),
    ):
        answer = call(port, "/orders/1", headers)
        assert (answer.status, code(answer), answer.headers["www-authenticate"]) == (401, reason, CHALLENGE)


def test_a_changed_tier_acts_at_once_and_nothing_is_forgotten(serve: Any, gateway: GatewayProcess) -> None:
    port = serve(sla())
    assert statuses(port, "shop", 8) == {200: 6, 429: 2}
    larger = msgspec.structs.replace(GOLD, limits=[TierLimit(maximum_requests=9, period_ms=3_600_000)])
    serve(sla(), tiers=(larger,))
    assert statuses(port, "shop", 8) == {200: 3, 429: 5}
    smaller = msgspec.structs.replace(GOLD, limits=[TierLimit(maximum_requests=2, period_ms=3_600_000)])
    serve(sla(), tiers=(smaller,))
    assert statuses(port, "shop", 3) == {429: 3}
    silver = Tier(id="silver", name="Silver", limits=[TierLimit(maximum_requests=12, period_ms=3_600_000)])
    moved = [msgspec.structs.replace(each, tier=each.tier and "silver") for each in CONTRACTS]
    serve(sla(), tiers=(silver,), contracts=moved)
    assert statuses(port, "shop", 5) == {200: 3, 429: 2}
    gateway.terminate()
    assert gateway.wait() == 0
    gateway.start()
    gateway.wait_for_revision(4)
    assert statuses(port, "shop", 3) == {429: 3}


def test_a_tier_in_shadow_counts_what_it_would_refuse_and_refuses_nobody(publisher: Publisher, serve: Any) -> None:
    port = serve(msgspec.structs.replace(sla(), mode="shadow"))
    assert statuses(port, "shop", 10) == {200: 10}
    assert call(port, "/orders/1").status == 200


class _Moody(BaseHTTPRequestHandler):
    """Answers as the path says; closes a kept connection on the second request, unless it has just been opened."""

    protocol_version = "HTTP/1.1"
    served = 0
    server: "MoodyService"

    def do_GET(self) -> None:
        self.served += 1
        if self.served > 1:
            self.server.dropped.append(self.path)
            self.close_connection = True
            return
        self.server.answered.append(self.path)
        status = 500 if self.path.endswith("/broken") else 200
        self.wfile.write(b"HTTP/1.1 %d X\r\nContent-Length: 2\r\n\r\nhi" % status)

    do_OPTIONS = do_GET

    def log_message(self, *arguments: object) -> None:
        pass


class MoodyService(ThreadingHTTPServer):
    """Knows the paths of the requests that it has dropped, and of those that it has answered."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Moody)
        self.dropped: list[str] = []
        self.answered: list[str] = []


@pytest.fixture
def moody() -> Iterator[MoodyService]:
    server = MoodyService()
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_what_is_counted(publisher: Publisher, gateway: GatewayProcess, port: int, moody: MoodyService) -> None:
    limits = [{"maximumRequests": 50, "timePeriodInMilliseconds": 3_600_000}]
    policies = [
        PolicyBinding(id="cors", policy="cors-flex", order=1),
        PolicyBinding(
            id="door", policy="http-basic-authentication-flex", order=2, config={"username": "a", "password": "sesame"}
        ),
        PolicyBinding(
            id="limit", policy="rate-limiting-flex", order=3, config={"rateLimits": limits, "exposeHeaders": True}
        ),
    ]
    served = document(publisher, port, api(moody.server_address[1], policies=policies))
    gateway.wait_for_revision(publisher.publish(served))
    ada = {"authorization": "Basic " + b64encode(b"a:sesame").decode()}

    def remaining(path: str = "/orders/1") -> int:
        return int(call(port, path, ada).headers["x-ratelimit-remaining"])

    assert remaining() == 49
    # The service drops every request on a kept connection: the gateway asks again, and counts once.
    assert [remaining() for _ in range(6)] == [48, 47, 46, 45, 44, 43]
    assert len(moody.answered) == 7
    # Only the first request of each of the two workers has found no kept connection.
    assert len(moody.dropped) in (5, 6)
    # What an earlier policy has refused is not counted.
    assert call(port, "/orders/1").status == 401
    # Nor what CORS has answered.
    preflight = {"origin": "http://shop.example", "access-control-request-method": "GET"}
    assert _options(port, preflight) == 200
    # An error of the service is.
    assert remaining("/orders/broken") == 42
    assert remaining() == 41


def _options(port: int, headers: dict[str, str]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("OPTIONS", "/orders/1", headers=headers)
    status = connection.getresponse().status
    connection.close()
    return status
