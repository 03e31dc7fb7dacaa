"""The worked table of the reference: base path, pattern and destination path, through files and the real compiler."""

import pytest

from tests.gateway_runtime.local.kit import ask, binding, instance, loaded, service
from tests.gateway_runtime.routing.documented_paths import DOCUMENTED_PATHS

ROWS = [
    # base path, rule path, destination path, request, upstream (None: no route)
    *DOCUMENTED_PATHS,
    ("/api", "/api/foo/.*", "/orders", "/api/api/foo/bar", "/orders/api/foo/bar"),
    # Where the documents are silent: one slash where two meet, and a group without a part in the match is empty.
    ("", "/api(/.*)", "/posts/", "/api/7", "/posts/7"),
    ("", "/api(/x)?(/.*)", "", "/api/y", "/y"),
    ("/api/", "/foo", "", "/api/foo", "/foo"),
    # The pattern is for the whole path, and the query is no part of it.
    ("", "/api", "", "/api/foo", None),
    ("", "/api/foo", "", "/api/foo?x=1", "/api/foo"),
]


@pytest.mark.parametrize(("base", "rule", "destination", "request_path", "upstream"), ROWS)
@pytest.mark.parametrize("model", ["inline", "resources"])
def test_the_path_sent_upstream(
    model: str, base: str, rule: str, destination: str, request_path: str, upstream: str | None
) -> None:
    if model == "inline":
        made = loaded(
            instance(
                address=f"http://0.0.0.0:8080{base}",
                more=f"""
                services:
                  orders:
                    address: http://10.0.0.1:9000/
                    routes:
                      - config: {{destinationPath: "{destination}"}}
                        rules: [{{path: "{rule}"}}]
                """,
            )
        )
    else:
        made = loaded(
            instance(address=f"http://0.0.0.0:8080{base}"),
            service("orders"),
            binding(
                "to-orders",
                f"""
                targetRef: {{name: museum}}
                policyRef: {{name: route}}
                config:
                  destinationPath: "{destination}"
                  destinationRef: {{name: orders}}
                rules: [{{path: "{rule}"}}]
                """,
            ),
        )
    decision = ask(made, request_path)
    if upstream is None:
        assert (decision.status, decision.code) == (404, "no_route")
    else:
        assert (decision.status, decision.upstream_path) == (0, upstream)
