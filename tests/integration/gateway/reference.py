"""Examples that can be written from the documents of Flex Gateway's local mode, for one real gateway."""

from __future__ import annotations

from typing import NamedTuple

from tests.gateway_runtime.routing.documented_paths import DOCUMENTED_PATHS

# Base path, pattern, destination, request, what the service gets. None: no route.
PATHS: list[tuple[str, str, str, str, str | None]] = [
    *DOCUMENTED_PATHS,
    # What the documents leave open: one slash where two meet, a group that is not in the match, the query, the whole
    # of a path and nothing less, a base path that ends on a segment.
    ("/api", "/foo(/.*)", "/posts/", "/api/foo/bar", "/posts/bar"),
    ("/api", "/foo(/[a-z]+)?(/[0-9]+)?", "/x", "/api/foo/7", "/x/7"),
    ("/api", "/foo(/.*)", "/orders", "/api/foo/bar?a=/foo/b&c", "/orders/bar?a=/foo/b&c"),
    ("/api", "/foo", "", "/api/foo/bar", None),
    ("/api", "/foo/.*", "", "/apis/foo/bar", None),
    ("/api", ".*", "", "/api", "/"),
    ("/api", ".*", "/orders", "/api", "/orders"),
]

HEAD = "---\napiVersion: gateway.mulesoft.com/v1alpha1\n"
HEAD_BETA = "---\napiVersion: gateway.mulesoft.com/v1beta1\n"


def path_files(ports: list[int], backend: int) -> str:
    """Return an instance for each row of the table, in the inline model."""
    return "".join(
        f"""{HEAD}kind: ApiInstance
metadata: {{name: path-{number}}}
spec:
  address: http://127.0.0.1:{port}{base}
  services:
    api:
      address: http://127.0.0.1:{backend}/
      routes:
        - config: {{destinationPath: "{destination}"}}
          rules: [{{path: "{pattern}"}}]
"""
        for number, (port, (base, pattern, destination, _, _)) in enumerate(zip(ports, PATHS, strict=True))
    )


# Rules of policies and of routes, bindings by name and by label, orders, namespaces, coercions. {port} and {backend}.
SHOP = f"""{HEAD}kind: ApiInstance
metadata:
  name: shop
  labels: {{{{zone: public, label: yes, level: 1}}}}
spec:
  address: http://127.0.0.1:{{port}}/shop
  services:
    first:
      address: http://127.0.0.1:{{backend}}
      routes:
        - config: {{{{destinationPath: /host}}}}
          rules: [{{{{path: /where/.*, host: '[a-z]+\\.example'}}}}]
        - config: {{{{destinationPath: /method}}}}
          rules: [{{{{path: /where/.*, methods: POST|PUT}}}}]
        - config: {{{{destinationPath: /header}}}}
          rules:
            - path: /where/.*
              headers: {{{{x-test: true, X-Level: "[0-9]"}}}}
            - path: /elsewhere/.*
    second:
      address: http://127.0.0.1:{{backend}}
      routes:
        - config: {{{{destinationPath: /last}}}}
  policies:
    - policyRef: {{{{name: http-basic-authentication-flex, namespace: default}}}}
      config: {{{{username: ada, password: $SHOP_PASSWORD}}}}
      rules:
        - path: /locked/.*
          methods: GET
        - path: /locked-for-all/.*
    - policyRef: {{{{name: rate-limiting-flex}}}}
      config: {{{{rateLimits: [{{{{maximumRequests: 2, timePeriodInMilliseconds: 3600000}}}}], clusterizable: false}}}}
      rules: [{{{{path: /locked/few}}}}]
"""
# A resource for everything, some of them in another namespace, and orders against the order of the file.
STORE = f"""{HEAD}kind: ApiInstance
metadata: {{{{name: store, namespace: east, labels: {{{{zone: east, label: "yes", level: "1"}}}}}}}}
spec: {{{{address: "http://127.0.0.1:{{port}}/store"}}}}
{HEAD}kind: Service
metadata: {{{{name: goods, namespace: east}}}}
spec: {{{{address: "http://127.0.0.1:{{backend}}"}}}}
{HEAD}kind: PolicyBinding
metadata: {{{{name: store-goods-late, namespace: east}}}}
spec:
  targetRef: {{{{name: store}}}}
  policyRef: {{{{name: route, namespace: default}}}}
  config: {{{{destinationPath: /late, destinationRef: {{{{name: goods}}}}}}}}
{HEAD}kind: PolicyBinding
metadata: {{{{name: store-goods-early, namespace: east}}}}
spec:
  targetRef: {{{{kind: ApiInstance, name: store}}}}
  policyRef: {{{{kind: Extension, name: route, namespace: default}}}}
  order: 49
  config: {{{{destinationPath: /early, destinationRef: {{{{kind: Service, name: goods}}}}}}}}
  rules: [{{{{path: /first/.*}}}}]
{HEAD}kind: PolicyBinding
metadata: {{{{name: second}}}}
spec:
  targetRef: {{{{name: store, namespace: east}}}}
  policyRef: {{{{name: header-injection-flex}}}}
  order: 7
  config:
    inboundHeaders: [{{{{key: x-order, value: "#[(attributes.headers['x-order'] default '') ++ 'b']"}}}}]
    outboundHeaders: [{{{{key: x-last, value: second}}}}]
{HEAD}kind: PolicyBinding
metadata: {{{{name: first}}}}
spec:
  targetRef: {{{{name: store, namespace: east}}}}
  policyRef: {{{{name: header-injection-flex}}}}
  order: 6
  config:
    inboundHeaders: [{{{{key: x-order, value: "#[(attributes.headers['x-order'] default '') ++ 'a']"}}}}]
    outboundHeaders: [{{{{key: x-last, value: first}}}}]
{HEAD}kind: PolicyBinding
metadata: {{{{name: everywhere}}}}
spec:
  targetRef: {{{{kind: Selector, selector: {{{{kind: ApiInstance, labels: {{{{label: yes, level: 1}}}}}}}}}}}}
  policyRef: {{{{name: header-injection-flex}}}}
  order: 1
  config: {{{{inboundHeaders: [{{{{key: x-zone, value: labelled}}}}]}}}}
{HEAD}kind: PolicyBinding
metadata: {{{{name: wherever}}}}
spec:
  targetRef: {{{{kind: Selector, selector: {{{{kind: ApiInstance}}}}}}}}
  policyRef: {{{{name: header-injection-flex}}}}
  order: 2
  config: {{{{inboundHeaders: [{{{{key: x-every, value: $SHOP_NAME}}}}]}}}}
{HEAD}kind: PolicyBinding
metadata: {{{{name: weighted}}}}
spec:
  targetRef: {{{{name: shares}}}}
  policyRef: {{{{name: route-weighted}}}}
  config:
    routes:
      - {{{{weight: 50, destinationPath: /a, destinationRef: {{{{name: shop-first}}}}}}}}
      - {{{{weight: 50, destinationPath: /b, destinationRef: {{{{name: goods, namespace: east}}}}}}}}
{HEAD}kind: ApiInstance
metadata: {{{{name: shares}}}}
spec: {{{{address: "http://127.0.0.1:{{port}}/shares"}}}}
{HEAD}kind: ApiInstance
metadata: {{{{name: nothing}}}}
spec: {{{{address: "http://127.0.0.1:{{port}}/nothing"}}}}
"""
SETTINGS = f"""{HEAD_BETA}kind: Configuration
metadata: {{{{name: logging}}}}
spec:
  logging:
    outputs: [{{{{name: out, type: stdout}}}}]
    runtimeLogs: {{{{logLevel: info, outputs: [out]}}}}
    accessLogs: {{{{outputs: {{{{anypoint: disabled}}}}}}}}
{HEAD}kind: Configuration
metadata: {{{{name: rest}}}}
spec:
  sharedStorage: {{{{local: {{{{enabled: true}}}}}}}}
  probe: {{{{enabled: true, port: {{probe}}}}}}
  timeouts: {{{{streamIdleSeconds: 300, upstreamConnectionIdleSeconds: 60}}}}
  circuitBreaker:
    thresholds: {{{{maxConnections: 500, maxPendingRequests: 500, maxRequests: 500, maxRetries: 3}}}}
  platformConnection: {{{{mode: offline, agentId: x}}}}
"""


class Asked(NamedTuple):
    """A request, and what comes of it: the status, the path and the headers that the service gets."""

    path: str
    status: int
    sent: str = ""
    method: str = "GET"
    headers: dict[str, str] = {}
    got: dict[str, str | None] = {}
    answered: dict[str, str | None] = {}


ADA = {"authorization": "Basic YWRhOnNlc2FtZQ=="}
REQUESTS = [
    # Routes in their order; a rule holds when all of it does, a list when one of it does.
    Asked("/shop/where/1", 200, "/host/where/1", headers={"host": "a.example"}),
    Asked("/shop/where/1", 200, "/host/where/1", headers={"host": "A.EXAMPLE:8080"}),
    Asked("/shop/where/1", 200, "/method/where/1", "POST"),
    Asked("/shop/where/1", 200, "/host/where/1", "POST", headers={"host": "a.example"}),
    Asked("/shop/where/1", 200, "/header/where/1", headers={"x-test": "true", "x-level": "7", "x-other": "1"}),
    Asked("/shop/where/1", 200, "/last/where/1", headers={"x-test": "yes", "x-level": "7"}),
    Asked("/shop/where/1", 200, "/last/where/1", headers={"x-test": "true", "x-level": "77"}),
    Asked("/shop/where/1", 200, "/last/where/1", headers={"x-test": "true"}),
    Asked("/shop/elsewhere/1", 200, "/header/elsewhere/1"),
    Asked("/shop/x", 200, "/last/x", got={"x-zone": "labelled", "x-every": "$literal", "x-order": None}),
    Asked("/shops/x", 404),
    # Policies with rules.
    Asked("/shop/locked/x", 401, answered={"www-authenticate": 'Basic realm="portico", charset="UTF-8"'}),
    Asked("/shop/locked/x", 200, "/last/locked/x", headers=ADA),
    Asked("/shop/locked/x", 200, "/last/locked/x", "DELETE"),
    Asked("/shop/locked-for-all/x", 401, method="DELETE"),
    # What is refused by the first policy does not count in the second.
    *[Asked("/shop/locked/few", 401)] * 3,
    *[Asked("/shop/locked/few", 200, "/last/locked/few", headers=ADA)] * 2,
    Asked("/shop/locked/few", 429, headers=ADA),
    # By order, not by place, and the other way round on the way back; labels as they are written.
    Asked("/store/first/x", 200, "/early/first/x", got={"x-order": "ab"}, answered={"x-last": "first"}),
    Asked("/store/x", 200, "/late/x", got={"x-every": "$literal", "x-zone": "labelled"}),
    # Neither services nor routes.
    Asked("/nothing/x", 404),
]
# Files that are refused, and what they are told.
REFUSED = {
    "a base path inside another": (
        "{instance} name: a}}\nspec: {{address: 'http://0.0.0.0:8081/cats'}}\n"
        "{instance} name: b}}\nspec: {{address: 'http://0.0.0.0:8081/cats/dogs'}}\n",
        "lies inside /cats",
    ),
    "the reserved port": ("{instance} name: a}}\nspec: {{address: 'http://0.0.0.0:9998'}}\n", "Port 9998 is reserved"),
    "an order inline": (
        "{instance} name: a}}\nspec: {{address: 'http://0.0.0.0:8081', policies: [{{order: 1, policyRef: {{name: "
        "cors-flex}}}}]}}\n",
        "Inline policies run in the order of the list",
    ),
    "a pattern that is no RE2": (
        "{instance} name: a}}\nspec: {{address: 'http://0.0.0.0:8081', services: {{s: {{address: 'http://s:1', routes: "
        "[{{rules: [{{path: '/(?!x)'}}]}}]}}}}}}\n",
        "spec.services.s.routes[0].rules[0].path",
    ),
    "https without tls": (
        "{instance} name: a}}\nspec: {{address: 'https://0.0.0.0:8081'}}\n",
        "Bind the policy “tls” to it",
    ),
    "rules for cors": (
        "{instance} name: a}}\nspec: {{address: 'http://0.0.0.0:8081', policies: [{{policyRef: {{name: cors-flex}}, "
        "rules: [{{path: /a}}]}}]}}\n",
        "is for a whole API and cannot have rules",
    ),
    "a variable that is not set": (
        "{instance} name: a}}\nspec: {{address: 'http://0.0.0.0:8081', policies: [{{policyRef: {{name: "
        "http-basic-authentication-flex}}, config: {{username: a, password: $NOT_SET}}}}]}}\n",
        "The environment variable NOT_SET is not set",
    ),
    "another API version": (
        "---\napiVersion: gateway.mulesoft.com/v2\nkind: Service\nmetadata: {{name: a}}\nspec: {{address: 'http://a:1'}}\n",
        "is not an API version that is known here",
    ),
}
# Every spelling that the documents have, of settings and of nothing else.
SPELLINGS = [
    "sharedStorage: {redis: {address: 'a:1', username: u, password: p, db: 1}}",
    "sharedStorage: {redis: {address: 'a:1', user: u, password: p, DB: 1}}",
    "sharedStorage: {redis: {address: 'a:1', tls: {minversion: '1.2', maxversion: '1.3', skipValidation: true}}}",
    "sharedStorage: {redis: {address: 'a:1', tls: {minVersion: '1.2', maxVersion: '1.3', alpn: []}}}",
    "sharedStorage: {redis: {sentinel: {addresses: ['a:1', 'b:2'], masterName: m, password: p}}}",
    "forwardProxy: {https: {address: 'http://p:1', basicAuth: {username: u, password: p}}, noProxy: [a.example]}",
    "forwardProxy: {https: {address: 'http://p:1', basicAuth: {user: u, password: p}}}",
    "proxyProtocol: {enabled: true}",
    "logging: {outputs: [{name: o, type: http, parameters: {Host: a, Port: 1}}], runtimeLogs: {outputs: [o]}}",
    "logging: {runtimeLogs: {logLevel: fatal, outputs: {anypoint: disabled}}}",
    "timeouts: {streamIdleSeconds: 60, upstreamConnectionIdleSeconds: 300, upstreamResponseSeconds: 15}",
]
