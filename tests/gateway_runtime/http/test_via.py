"""Loops: a request that comes back to the gateway it was sent by ends there."""

import pytest

from gateway_runtime.http.via import pseudonym_of
from tests.gateway_runtime.fakes import FakeGateway, get

OWN = pseudonym_of("gateway-1")


def answer(*lines: str) -> tuple[int | None, bytes]:
    """Return the status of a refusal, and what the service got."""
    gateway = FakeGateway()
    gateway.state.pseudonym = OWN
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get("/api/x", *lines))
    sent = upstream.take()
    return (None if sent else client.take_problem()[0]), sent


@pytest.mark.parametrize(
    "value",
    ["1.1 {}", "1.1 other, 1.1 {}", "HTTP/1.1 {} (comment)", "1.0\t{},1.1 other", " ,1.1 {}", "2.0 {}"],
)
def test_a_loop_is_ended(value: str) -> None:
    own = OWN.decode()
    assert answer("Via: " + value.format(own)) == (508, b"")
    assert answer("Via: 1.1 a", "Via: " + value.format(own.upper())) == (508, b"")
    assert answer("Connection: via", "Via: " + value.format(own)) == (508, b"")


@pytest.mark.parametrize(
    "value", ["1.1 other", f"1.1 x{OWN.decode()}", f"1.1 {OWN.decode()}x", "1.1", "", f"{OWN.decode()}", "1.1 portico"]
)
def test_other_gateways_are_not(value: str) -> None:
    status, sent = answer(f"Via: {value}")
    assert status is None
    assert f"\r\nVia: {value}\r\n".encode() in sent
    assert b"\r\nvia: 1.1 " + OWN + b"\r\n" in sent


def test_two_gateways_have_two_names_and_each_keeps_its_own() -> None:
    assert pseudonym_of("a") != pseudonym_of("b")
    assert pseudonym_of("a") == pseudonym_of("a")
    assert pseudonym_of("a").startswith(b"portico-")


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_the_version_that_the_caller_speaks_is_said(version: str) -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get(version=version))
    assert f"\r\nvia: {version} portico\r\n".encode() in upstream.take()
