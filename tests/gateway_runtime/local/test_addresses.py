"""Addresses of instances and services."""

import pytest

from tests.gateway_runtime.local.kit import fault, instance, loaded, only_api, service


@pytest.mark.parametrize(
    ("address", "host", "port", "base_path"),
    [
        ("http://0.0.0.0:8085/museum", "0.0.0.0", 8085, "/museum"),
        ("http://0.0.0.0:8085/museum/", "0.0.0.0", 8085, "/museum"),
        ("http://0.0.0.0:8085/", "0.0.0.0", 8085, ""),
        ("http://0.0.0.0:8085", "0.0.0.0", 8085, ""),
        ("http://0.0.0.0", "0.0.0.0", 80, ""),
        ("http://localhost:1/a/b", "localhost", 1, "/a/b"),
        ("http://[::]:8085/a", "::", 8085, "/a"),
    ],
)
def test_an_instance_listens_where_its_address_says(address: str, host: str, port: int, base_path: str) -> None:
    document = loaded(instance(address=f'"{address}"')).document
    assert [(listener.host, listener.port) for listener in document.listeners] == [(host, port)]
    assert document.apis[0].base_path == base_path


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0:8080", "tcp://0.0.0.0:8080", "http://", "http://:80", "http://a:0", "http://a:65536", "http://a:x",
        "http://user:word@a:80", "http://a:80?x", "http://a:80/x?y", "http://a:80/x#y", "http://a b:80", "http://[::1",
        "http://::1:80", "http://1.2.3:80", "http://1.2.3.4.5:80", "http://0x7f.1:80", "http://[1.2.3.4]:80",
        "http://-a:80", "http://a..b:80", "HTTP://a:80", "http://a:80 ", "",
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["instance", "service"])
def test_what_is_no_address_is_refused(kind: str, address: str) -> None:
    written = instance(address=f'"{address}"') if kind == "instance" else service(address=f'"{address}"')
    assert fault(written).startswith("api.yaml:6: spec.address: ")


@pytest.mark.parametrize("path", ["//a", "/a//b", "/a/../b", "/.", "/a%2fb", "/a b", "/%61"])
def test_a_base_path_that_no_request_can_have_is_refused(path: str) -> None:
    assert fault(instance(address=f'"http://0.0.0.0:80{path}"')).startswith("api.yaml:6: spec.address: The base path")


def test_a_service_has_no_path() -> None:
    assert fault(service(address="http://a:80/v1")) == (
        "api.yaml:6: spec.address: The address of a service has no path. Write “/v1” as destinationPath of its routes."
    )


def test_a_slash_at_the_end_of_a_service_address_is_no_path() -> None:
    route = "services: {a: {address: 'http://Exhibits.internal:9000/'}}"
    (found,) = only_api(loaded(instance(more=route))).services
    assert (found.targets[0].host, found.targets[0].port) == ("exhibits.internal", 9000)
