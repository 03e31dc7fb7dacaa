"""Settings of TLS to a service: what is wrong is said when the configuration is compiled, with its place."""

import ssl
from typing import Any

import pytest

from gateway_runtime.configuration.compiler import Compiler
from gateway_runtime.schema.document import (
    ApiInstance,
    Document,
    ForwardProxy,
    Listener,
    Route,
    Service,
    Target,
    UpstreamTls,
    encode,
)
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.upstream.registry import PoolRegistry
from gateway_runtime.upstream.tls import plain_tls, service_tls
from tests.certificates import Authority, rsa_key

AUTHORITY = Authority()
PAIR = AUTHORITY.issue("gateway.example")
OTHER = AUTHORITY.issue("other.example")


def fault(**settings: Any) -> ConfigFault:
    with pytest.raises(ConfigFault) as caught:
        service_tls(UpstreamTls(**settings), "tls")
    assert caught.value.code == "service_tls_invalid"
    assert "BEGIN" not in caught.value.message
    return caught.value


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"trusted_ca": "nonsense"}, "tls.trusted_ca"),
        ({"certificate": PAIR.certificate}, "tls.key"),
        ({"key": PAIR.key}, "tls.certificate"),
        ({"certificate": "nonsense", "key": PAIR.key}, "tls.certificate"),
        ({"certificate": PAIR.certificate, "key": "nonsense"}, "tls.key"),
        ({"certificate": PAIR.certificate, "key": OTHER.key}, "tls.key"),
        ({"min_version": "1.0"}, "tls.min_version"),
        ({"max_version": "9"}, "tls.max_version"),
        ({"min_version": "1.3", "max_version": "1.2"}, "tls.min_version"),
        ({"ciphers": ["NOT_A_SUITE"]}, "tls.ciphers[0]"),
        ({"server_name": "orders.example:443"}, "tls.server_name"),
        ({"server_name": "a b"}, "tls.server_name"),
    ],
)
def test_what_cannot_be_used_is_named(settings: dict[str, Any], path: str) -> None:
    assert fault(**settings).path == path


def test_a_small_rsa_key_is_refused() -> None:
    pair = AUTHORITY.issue("gateway.example", key=rsa_key(1024))
    assert "1024 bits" in fault(certificate=pair.certificate, key=pair.key).message


def test_everything_is_validated_unless_it_is_said() -> None:
    for tls in (plain_tls(), service_tls(UpstreamTls(trusted_ca=AUTHORITY.pem), "tls")):
        assert tls.context.verify_mode is ssl.CERT_REQUIRED
        assert tls.context.check_hostname
        assert not tls.context.hostname_checks_common_name
        assert tls.context.minimum_version is ssl.TLSVersion.TLSv1_2
    skipping = service_tls(UpstreamTls(skip_validation=True), "tls")
    assert skipping.context.verify_mode is ssl.CERT_NONE


def test_an_own_authority_stands_alone() -> None:
    tls = service_tls(UpstreamTls(trusted_ca=AUTHORITY.pem), "tls")
    assert len(tls.context.get_ca_certs()) == 1


def test_versions_and_suites_are_those_that_are_set() -> None:
    settings = UpstreamTls(max_version="1.2", ciphers=["TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"])
    context = service_tls(settings, "tls").context
    assert context.maximum_version is ssl.TLSVersion.TLSv1_2
    assert "ECDHE-RSA-AES256-GCM-SHA384" in {each["name"] for each in context.get_ciphers()}
    assert "ECDHE-RSA-AES128-GCM-SHA256" not in {each["name"] for each in context.get_ciphers()}


def document(service: Service, **more: Any) -> bytes:
    api = ApiInstance(
        id="a",
        name="Orders",
        listener="l",
        base_path="",
        services=[Service(id="plain", name="plain", targets=[Target(host="a", port=1)]), service],
        routes=[Route(id="r", name="r", service=service.id)],
    )
    return encode(Document(gateway="g", name="g", listeners=[Listener(id="l", name="l", port=80)], apis=[api], **more))


def secured(**more: Any) -> Service:
    more.setdefault("scheme", "https")
    return Service(id="s", name="s", targets=[Target(host="a", port=1)], **more)


@pytest.mark.parametrize(
    ("service", "path"),
    [
        (secured(tls=UpstreamTls(trusted_ca="nonsense")), "apis[0].services[1].tls.trusted_ca"),
        (secured(tls=UpstreamTls(), scheme="http"), "apis[0].services[1].tls"),
    ],
)
def test_a_service_that_cannot_be_used_fences_its_api_off(service: Service, path: str) -> None:
    compiled = Compiler(PoolRegistry()).compile(1, "d", document(service))
    (found,) = compiled.faults
    assert (found.code, found.path) == ("service_tls_invalid", path)
    assert compiled.snapshot.apis["a"].quarantine is not None


def test_a_proxy_that_cannot_be_used_refuses_the_revision() -> None:
    with pytest.raises(ConfigFault) as caught:
        Compiler(PoolRegistry()).compile(1, "d", document(secured(), forward_proxy=ForwardProxy(address="nowhere")))
    assert caught.value.path == "forward_proxy.address"


def test_services_with_the_same_settings_share_a_context() -> None:
    registry = PoolRegistry()
    settings = UpstreamTls(trusted_ca=AUTHORITY.pem)
    first = registry.get(secured(tls=settings))
    second = registry.get(Service(id="t", name="t", targets=[], scheme="https", tls=settings))
    third = registry.get(secured(tls=UpstreamTls(trusted_ca=AUTHORITY.pem, max_version="1.2")))
    contexts = [pool._connector.tls.context for pool in (first, second, third)]  # type: ignore[union-attr]
    assert contexts[0] is contexts[1]
    assert contexts[0] is not contexts[2]
