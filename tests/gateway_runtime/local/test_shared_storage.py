"""`sharedStorage.redis` as it is documented."""

import pytest

from gateway_runtime.schema.storage import Sentinels, SharedStorage, StorageTls
from tests.certificates import Authority, sealed
from tests.gateway_runtime.local.kit import fault, faults, loaded, resource


def storage(spec: str, **environment: str) -> SharedStorage | None:
    return loaded(
        resource("Configuration", "c", f"sharedStorage: {{redis: {spec}}}"), **environment
    ).document.shared_storage


@pytest.mark.parametrize(
    ("spec", "url"),
    [
        ("{address: 'store.internal:6379'}", "redis://store.internal:6379/0"),
        ("{address: 'a:1', password: p}", "redis://:p@a:1/0"),
        ("{address: 'a:1', username: u, password: p, db: 3}", "redis://u:p@a:1/3"),
        ("{address: 'a:1', user: u, password: 'a/b@c:d', DB: 3}", "redis://u:a%2Fb%40c%3Ad@a:1/3"),
        ("{address: '[::1]:6379'}", "redis://[::1]:6379/0"),
        ("{address: 'a:1', tls: {}}", "rediss://a:1/0"),
    ],
)
def test_the_address_and_who_asks(spec: str, url: str) -> None:
    found = storage(spec)
    assert found is not None
    assert found.url == url


def test_the_password_may_come_from_a_variable_and_is_never_shown() -> None:
    found = storage("{address: 'a:1', password: $STORE}", STORE="sesame")
    assert found is not None
    assert "sesame" in found.url
    assert "sesame" not in repr(found)


def test_how_tls_is_spoken() -> None:
    authority = Authority()
    pair = authority.issue("gateway.example")
    found = storage(
        "{address: 'a:1', tls: {trustedCA: $CA, certificate: {crt: $CRT, key: $KEY}, minVersion: '1.3'}}",
        CA=authority.pem, CRT=pair.certificate, KEY=pair.key,
    )  # fmt: skip
    assert found is not None
    assert found.tls == StorageTls(
        trusted_ca=authority.pem, certificate=pair.certificate, key=pair.key, min_version="1.3"
    )
    assert pair.key not in repr(found)


def test_a_key_may_have_a_passphrase() -> None:
    pair = Authority().issue("gateway.example")
    given = {"CRT": pair.certificate, "KEY": sealed(pair.key, "open sesame")}
    spec = "{address: 'a:1', tls: {certificate: {crt: $CRT, key: $KEY, keyPassphrase: %s}}}"
    found = storage(spec % "open sesame", **given)
    assert found is not None
    assert found.tls is not None
    assert found.tls.key == pair.key
    wrong = fault(resource("Configuration", "c", f"sharedStorage: {{redis: {spec % 'open barley'}}}"), **given)
    assert wrong == (
        "api.yaml:6: spec.sharedStorage.redis.tls.certificate.keyPassphrase: This passphrase does not open the key."
    )


def test_sentinels_say_where_it_is() -> None:
    found = storage(
        "{sentinel: {addresses: ['s1:26379', '[::1]:26379'], masterName: depot, password: $SENTINEL}, "
        "username: u, password: p, db: 3, tls: {alpn: [redis]}}",
        SENTINEL="sesame",
    )
    assert found is not None
    assert found.url == "rediss://u:p@/3"
    assert found.tls == StorageTls(alpn=["redis"])
    assert found.sentinels == Sentinels(addresses=["s1:26379", "[::1]:26379"], master="depot", password="sesame")
    assert "sesame" not in repr(found.sentinels)


def test_nothing_is_shared_without_it() -> None:
    assert (
        loaded(resource("Configuration", "c", "sharedStorage: {local: {enabled: true}}")).document.shared_storage
        is None
    )


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("{address: 'a'}", "address: “a” is not an address. Write host:port."),
        ("{address: 'a:1/2'}", "address: “a:1/2” is not an address. Write host:port, and the number as db."),
        ("{address: 'a b:1'}", "address: “a b” is not a host name or address."),
        ("{address: 'a:1', tls: {trustedCA: x}}", "tls.trustedCA: This is not a certificate in PEM form."),
        ("{address: 'a:1', tls: {certificate: {crt: x, key: y}}}", "tls.certificate.crt: This is not a certificate"),
        ("{address: 'a:1', tls: {certificate: {crt: x}}}", "tls.certificate.key: A client certificate needs its key"),
        ("{address: 'a:1', tls: {ciphers: [NONE]}}", "tls.ciphers[0]: “NONE” is not a cipher suite"),
        ("{address: 'a:1', tls: {minversion: '1.1'}}", "tls.ciphers: Version 1.1 has no default cipher suites"),
        ("{address: 'a:1', tls: {minversion: '1.3', maxversion: '1.2'}}", "tls.minversion: The lowest version 1.3"),
        ("{address: 'a:1', tls: {alpn: ['']}}", "tls.alpn: A protocol has a name of 1 to 255 characters"),
        ("{sentinel: {addresses: [], masterName: m}}", "sentinel.addresses: Give the address of at least one"),
        ("{sentinel: {addresses: ['a:1', b], masterName: m}}", "sentinel.addresses[1]: “b” is not an address."),
        ("{sentinel: {addresses: ['a:0'], masterName: m}}", "sentinel.addresses[0]: “a:0” is not an address."),
        ("{sentinel: {addresses: ['a:1'], masterName: ''}}", "sentinel.masterName: This setting is required."),
        ("{address: 'a:1', sentinel: {addresses: ['a:1'], masterName: m}}", "address: Its Sentinels say"),
    ],
)
def test_what_cannot_be_used_is_refused_at_its_key(spec: str, sentence: str) -> None:
    found = fault(resource("Configuration", "c", f"sharedStorage: {{redis: {spec}}}"))
    assert found.startswith(f"api.yaml:6: spec.sharedStorage.redis.{sentence}")


def test_it_is_given_once() -> None:
    first, second = (resource("Configuration", name, "sharedStorage: {redis: {address: 'a:1'}}") for name in ("c", "d"))
    assert faults(first, second) == [
        "api.yaml:13: spec.sharedStorage.redis: This is also set in api.yaml:6. Keep one of them."
    ]
