"""What cannot be taken is refused beside its field, in REST and in the form alike, and nothing of it is kept."""

import socket
from collections.abc import Iterator
from typing import Any

import httpx2 as httpx
import pytest

from tests.stack import Stack, wait_until


@pytest.fixture(scope="module")
def rest(stack: Stack) -> Iterator[httpx.Client]:
    """The REST API as the first owner."""
    with stack.rest("bad-input") as client:
        yield client


@pytest.fixture(scope="module")
def endpoint(stack: Stack, rest: httpx.Client) -> dict[str, Any]:
    """An API instance that could be deployed; each test spoils one part of it."""
    gateway = rest.get("/gateways/").json()["results"][0]
    return {
        "environment": gateway["environment"],
        "gateway": gateway["id"],
        "new_api": {"name": "Spoiled", "version": "v1"},
        "port": stack.gateway_port,
        "base_path": "/spoiled",
        "implementation_url": "http://127.0.0.1:9/api",
    }


def kept(rest: httpx.Client) -> dict[str, int]:
    """Return how many of each thing there are."""
    kinds = ("apis", "api-versions", "api-instances", "listeners", "policy-bindings", "revisions")
    return {kind: rest.get(f"/{kind}/").json()["count"] for kind in kinds}


def refused(rest: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, str]:
    """Post what cannot be taken. Return the sentences by field, after making sure that nothing was kept."""
    before = kept(rest)
    answer = rest.post(path, json=body)
    assert 400 <= answer.status_code < 500, answer.text
    assert kept(rest) == before
    problem = answer.json()
    assert problem["code"]
    assert problem["message"]
    return problem["fields"]


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"implementation_url": "orders.example.com"}, "/implementation_url", "http"),
        ({"implementation_url": "ftp://orders.example.com"}, "/implementation_url", "http"),
        ({"implementation_url": "http://user:secret@orders.example.com"}, "/implementation_url", ""),
        ({"implementation_url": "http://orders.example.com/api?x=1"}, "/implementation_url", ""),
        ({"base_path": "spoiled"}, "/base_path", "/"),
        ({"base_path": "/spoiled/../other"}, "/base_path", ""),
        ({"base_path": "/catalog"}, "/base_path", "Catalog"),
        ({"base_path": "/catalog/deeper"}, "/base_path", "Catalog"),
        ({"base_path": "/"}, "/base_path", "overlap"),
        ({"port": 0}, "/port", "65535"),
        ({"port": 70_000}, "/port", "65535"),
        ({"port": 9998}, "/port", "admin port"),
    ],
)
def test_an_endpoint_that_cannot_be_taken(
    rest: httpx.Client, endpoint: dict[str, Any], change: dict[str, Any], field: str, words: str
) -> None:
    fields = refused(rest, "/api-instances/", endpoint | change)
    assert words in fields[field]


def test_a_port_that_another_program_uses(rest: httpx.Client, endpoint: dict[str, Any]) -> None:
    gateway = f"/gateways/{endpoint['gateway']}/"
    wait_until(lambda: rest.get(gateway).json()["replicas"], seconds=30, what="the gateway has reported where it runs")
    with socket.socket() as program:
        program.bind(("127.0.0.1", 0))
        program.listen()
        port = program.getsockname()[1]
        assert (
            f"Port {port} is used by another program"
            in refused(rest, "/api-instances/", endpoint | {"port": port})["/port"]
        )


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("openapi: 3.1.0\ninfo: {title: A, version: v1\n", "Line 3"),
        ("openapi: 3.1.0\ninfo: {title: A}\npaths: {}\n", "version"),
        ('swagger: "2.0"\ninfo: {title: A, version: v1}\npaths: {}\n', "3.0"),
        ("just text", ""),
        ("openapi: 3.1.0\ninfo: {title: A, version: v1}\npaths: {}\nx-filler: " + "a" * 5_300_000, "5 MB"),
    ],
    ids=["not yaml", "required part missing", "too old", "not a document", "huge"],
)
def test_a_specification_that_cannot_be_taken(
    rest: httpx.Client, endpoint: dict[str, Any], source: str, words: str
) -> None:
    body = endpoint | {"new_api": {"name": "Spoiled", "version": "v1", "source": source}}
    fields = refused(rest, "/api-instances/", body)
    assert words in " ".join(fields.values()), fields


@pytest.mark.parametrize(
    ("policy", "config", "field", "words"),
    [
        ("http-basic-authentication", {"username": "a", "password": "b", "realm": "x"}, "/config/realm", "no setting"),
        ("http-basic-authentication", {"username": "a", "pasword": "b"}, "/config/pasword", "password"),
        ("http-basic-authentication", {"username": "a"}, "/config/password", "required"),
        (
            "rate-limiting",
            {"rateLimits": [{"maximumRequests": 0, "timePeriodInMilliseconds": 1000}]},
            "/config/rateLimits/0/maximumRequests",
            "1",
        ),
        ("rate-limitin", {}, "/policy", "rate-limiting"),
    ],
)
def test_policy_settings_that_cannot_be_taken(
    rest: httpx.Client, policy: str, config: dict[str, Any], field: str, words: str
) -> None:
    instance = rest.get("/api-instances/").json()["results"][0]
    fields = refused(rest, "/policy-bindings/", {"instance": instance["id"], "policy": policy, "config": config})
    assert words in fields[field], fields
