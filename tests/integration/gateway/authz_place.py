"""A gateway that asks real authorizers, configured by files as they are documented, and what these answer."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

import grpc
from envoy.service.auth.v3 import external_auth_pb2 as v3

from tests.integration.gateway.authorizers import GrpcAuthorizer, HttpAuthorizer, denied, granted
from tests.integration.gateway.conftest import Answer, GatewayProcess
from tests.integration.gateway.policy_place import API
from tests.stack import free_ports

APPEND, IF_ABSENT, OVERWRITE, IF_PRESENT = range(4)


def _abort(request: Any, context: Any) -> Any:
    context.abort(grpc.StatusCode.INTERNAL, "no\r\nx-evil: 1")


def _slow(request: Any, context: Any) -> Any:
    time.sleep(1.5)
    return granted()


def _torn() -> v3.CheckResponse:
    answer = denied(401)
    answer.status.code = 0
    return answer


def _erring() -> v3.CheckResponse:
    answer = v3.CheckResponse()
    answer.error_response.status.code = 500
    return answer


def _query() -> v3.CheckResponse:
    answer = granted()
    answer.ok_response.query_parameters_to_remove.append("admin")
    return answer


GRPC_CASES = {
    "grant": granted(),
    "headers": granted(
        ("x-user", "ada"),
        ("X-Team", "north"),
        remove=["x-secret"],
        to_caller=[("x-decided", "yes"), ("set-cookie", "a=1"), ("content-length", "0"), ("connection", "close")],
        actions=[
            ("x-list", "b", OVERWRITE), ("x-absent", "new", IF_ABSENT), ("x-kept", "new", IF_ABSENT),
            ("x-gone", "new", IF_PRESENT), ("x-kept2", "new", IF_PRESENT),
        ],
    ),
    "empty-user": granted(("x-user", "")),
    "authorization": granted(("authorization", "Bearer backend")),
    "deny": denied(),
    "deny-401": denied(401, "", ("www-authenticate", "Bearer"), ("content-type", "text/plain")),
    "deny-302": denied(302, "", ("location", "https://login.example/?a=b"), ("set-cookie", "state=1; HttpOnly")),
    "deny-body": denied(418, "<b>teapot</b>", ("content-type", "text/html"), ("content-length", "99")),
    "deny-large": denied(403, "x" * 100_000, ("content-type", "text/plain")),
    "crlf-value": granted(("x-user", "ada\r\nx-admin: 1")),
    "lf-name": granted(("x-user\nx-admin", "1")),
    "nul": granted(("x-user", "a\0b")),
    "framing": granted(("content-length", "0")),
    "encoding": granted(("transfer-encoding", "chunked")),
    "host": granted(("host", "internal")),
    "pseudo": granted((":path", "/admin")),
    "identity": granted(("x-forwarded-for", "10.0.0.1")),
    "ours": granted(("x-portico-user", "root")),
    "method": granted(("x-http-method-override", "DELETE")),
    "remove-host": granted(remove=["host"]),
    "deny-crlf": denied(403, "", ("x-a", "1\r\nset-cookie: b=2")),
    "deny-status": denied(99),
    "nothing": v3.CheckResponse(),
    "torn": _torn(),
    "erring": _erring(),
    "query": _query(),
    "too-large": granted(("x-a", "x" * 300_000)),
    "many": granted(*((f"x-{number}", "1") for number in range(300))),
}  # fmt: skip
HTTP_CASES = {
    "grant": (200, [("X-User", "ada"), ("x-group", "b"), ("x-decided", "yes"), ("x-other", "1")], b"ignored"),
    "silent": (200, [], b""),
    "deny": (403, [("content-type", "text/plain"), ("x-why", "no"), ("x-other", "1")], b"not you"),
    "challenge": (401, [("WWW-Authenticate", 'Basic realm="theirs"'), ("x-other", "1")], b""),
    "login": (302, [("Location", "https://login.example/"), ("set-cookie", "s=1"), ("x-other", "1")], b""),
    "odd": (204, [], b""),
    "broken": (500, [("x-why", "bug")], b"oops"),
    "fold": (200, [("x-user", "ada\r\n x: folded")], b""),
    "two-lengths": (200, [("content-length", "5"), ("x-user", "ada")], b""),
}


class Place(NamedTuple):
    """A gateway, and the authorizers that it asks."""

    gateway: GatewayProcess
    port: int
    grpc: GrpcAuthorizer
    http: HttpAuthorizer
    folder: Path

    def call(self, path: str, headers: dict[str, str] | None = None, method: str = "GET") -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=15)
        try:
            connection.request(method, path, headers=headers or {})
            response = connection.getresponse()
            # A name that is there twice is joined by a sign that no value has.
            found: dict[str, str] = {}
            for name, value in response.getheaders():
                found[name.lower()] = f"{found[name.lower()]}|{value}" if name.lower() in found else value
            return Answer(response.status, found, response.read())
        finally:
            connection.close()

    def case(self, name: str, headers: dict[str, str] | None = None) -> Answer:
        return self.call("/grpc/a", {"x-case": name, **(headers or {})})


@contextmanager
def place_with(folder: Path, backend: int) -> Iterator[Place]:
    cases: dict[str, Any] = {name: lambda *_, answer=answer: answer for name, answer in GRPC_CASES.items()}
    authorizer = GrpcAuthorizer({**cases, "abort": _abort, "slow": _slow}).start()
    http = HttpAuthorizer(HTTP_CASES)
    [port] = free_ports(1)
    grpc_uri = f"uri: h2://127.0.0.1:{authorizer.port}"
    http_uri = f"uri: http://127.0.0.1:{http.port}/check\nserverType: http"
    ways = {
        "grpc": f"{grpc_uri}\nserverType: grpc\nserverVersion: v3\nrequestTimeout: 1000",
        "default": grpc_uri,
        "v2": f"{grpc_uri}\nserverVersion: v2",
        "some": f"{grpc_uri}\nallowedHeaders: [X-Shown, x-case]",
        "away": "uri: h2://127.0.0.1:1",
        "away-503": "uri: h2://127.0.0.1:1\nstatusOnError: 503",
        "not-grpc": f"uri: h2://127.0.0.1:{http.port}",
        "http-bare": http_uri,
        "http": f"""{http_uri}
allowedHeaders: [authorization, x-forwarded-for, User-Agent]
serviceRequestHeadersToAdd:
  - key: X-Gateway
    value: edge one
serviceResponseUpstreamHeaders: [x-user]
serviceResponseUpstreamHeadersToAppend: [x-group]
serviceResponseClientHeaders: [x-why]
serviceResponseClientHeadersOnSuccess: [x-decided]""",
        "shadow": grpc_uri,
        "http-away": "uri: http://127.0.0.1:1\nserverType: http",
    }
    conf = folder / "conf.d"
    conf.mkdir()
    for name, config in ways.items():
        policy = "native-ext-authz" if name == "default" else "native-ext-authz-flex"
        lines = [
            f"    - policyRef: {{name: {policy}}}",
            "      config:",
            *(f"        {line}" for line in config.splitlines()),
        ]
        if name == "shadow":
            lines.append("      mode: shadow")
        text = API.format(name=name, port=port, backend=backend, policies="\n" + "\n".join(lines))
        (conf / f"{name}.yaml").write_text(text)
    gateway = GatewayProcess(folder, config=conf, workers=1)
    try:
        gateway.start()
        gateway.wait_for_revision(1)
        yield Place(gateway, port, authorizer, http, conf)
    finally:
        gateway.kill()
        authorizer.stop()
        http.stop()
