import ssl
from collections.abc import Generator, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway_runtime.schema.document import Certificate, Listener, Tls
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.tls.compiled import ListenerFault, ListenerTls, compile_listeners
from tests.certificates import rsa_key
from tests.gateway_runtime.tls.base import (
    AUTHORITY,
    BANK,
    NOW,
    PARTNERS,
    SHOP,
    certificate,
    client,
    compiled,
    meet,
    names_shown,
    settings,
)

SPOILED = Certificate(certificate=SHOP.certificate, key=BANK.key)


def end(steps: Generator[None, None, Any]) -> tuple[dict[int, ListenerTls], list[ListenerFault]]:
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def listeners(*definitions: Tls | None) -> list[Listener]:
    return [Listener(id=str(n), name=f"l{n}", port=n, tls=tls) for n, tls in enumerate(definitions)]


def take(
    wanted: Iterable[Listener], running: dict[int, ListenerTls] | None = None, accepted: Iterable[Listener] = ()
) -> tuple[dict[int, ListenerTls], list[ListenerFault]]:
    return end(compile_listeners(wanted, running or {}, accepted, NOW))


def refused(definition: Tls) -> tuple[str, str]:
    with pytest.raises(ConfigFault) as fault:
        compiled(definition)
    assert fault.value.code == "listener_tls_invalid"
    return fault.value.path, fault.value.message


# Which certificate


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("shop.example", "shop.example"),
        ("bank.example", "bank.example"),
        ("BANK.example", "bank.example"),
        ("eu.bank.example", "bank.example"),
        ("a.b.bank.example", "shop.example"),
        ("other.example", "shop.example"),
        (None, "shop.example"),
    ],
)
def test_the_name_asked_for_chooses_and_the_first_is_for_the_rest(asked: str | None, shown: str) -> None:
    assert names_shown(meet(settings(), name=asked))[0] == shown


def test_given_names_come_before_those_in_certificates() -> None:
    own = certificate(SHOP, "bank.example")
    assert names_shown(meet(Tls(certificates=[certificate(BANK), own]), name="bank.example")) == ["shop.example"]


def test_a_name_given_twice_is_refused() -> None:
    path, message = refused(Tls(certificates=[certificate(SHOP, "a.example"), certificate(BANK, "A.example")]))
    assert path == "tls.certificates[1].names[0]"
    assert "twice" in message


def test_what_is_no_name_is_refused() -> None:
    assert refused(Tls(certificates=[certificate(SHOP, "a b")]))[0] == "tls.certificates[0].names[0]"


def test_tls_without_certificate_is_refused() -> None:
    assert refused(Tls(certificates=[]))[0] == "tls.certificates"


# Versions and ciphers


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_the_documented_versions_are_spoken(version: str) -> None:
    assert meet(settings(), client(minimum_version=version, maximum_version=version)).version() == version.replace(
        "_", "."
    )


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
def test_older_versions_are_refused(version: str) -> None:
    caller = client(minimum_version=version, maximum_version=version)
    caller.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError):
        meet(settings(), caller)


def test_version_1_1_is_spoken_where_it_is_asked_for_with_its_suites() -> None:
    caller = client(minimum_version="TLSv1_1", maximum_version="TLSv1_1")
    caller.set_ciphers("ALL:@SECLEVEL=0")
    definition = settings(min_version="1.1", ciphers=["TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"])
    assert meet(definition, caller).version() == "TLSv1.1"


def test_the_highest_version_is_kept_to() -> None:
    assert meet(settings(max_version="1.2")).version() == "TLSv1.2"
    with pytest.raises(ssl.SSLError):
        meet(settings(max_version="1.2"), client(minimum_version="TLSv1_3"))


def test_only_listed_suites_are_spoken() -> None:
    definition = settings(ciphers=["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"])
    caller = client(maximum_version="TLSv1_2")
    used: Any = meet(definition, caller).cipher()
    assert used[0] == "ECDHE-ECDSA-AES256-GCM-SHA384"
    caller.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    with pytest.raises(ssl.SSLError):
        meet(definition, caller)


@pytest.mark.parametrize("weak", ["ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES128-CCM"])
def test_weak_suites_are_not_spoken_by_themselves(weak: str) -> None:
    caller = client(maximum_version="TLSv1_2")
    caller.set_ciphers(weak)
    with pytest.raises(ssl.SSLError):
        meet(settings(), caller)


def test_the_gateway_chooses_the_application_protocol_it_has() -> None:
    caller = client()
    caller.set_alpn_protocols(["h2", "http/1.1"])
    assert meet(settings(alpn=("h2", "http/1.1")), caller).selected_alpn_protocol() == "h2"
    assert meet(settings(alpn=("http/1.1", "h2")), caller).selected_alpn_protocol() == "http/1.1"
    assert meet(settings(alpn=("http/1.1",)), caller).selected_alpn_protocol() == "http/1.1"


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"min_version": "1.0"}, "tls.min_version"),
        ({"max_version": "2"}, "tls.max_version"),
        ({"min_version": "1.3", "max_version": "1.2"}, "tls.min_version"),
        ({"min_version": "1.1"}, "tls.ciphers"),
        ({"ciphers": ["TLS_RSA_WITH_AES_128_GCM_SHA256", "NULL"]}, "tls.ciphers[1]"),
        ({"ciphers": ["TLS_PSK_WITH_AES_128_CBC_SHA"]}, "tls.ciphers"),
        ({"require_client_certificate": True}, "tls.trusted_ca"),
        ({"trusted_ca": "garbage"}, "tls.trusted_ca"),
    ],
)
def test_settings_that_cannot_be_served_are_refused(changes: dict[str, Any], path: str) -> None:
    assert refused(settings(**changes))[0] == path


# Client certificates

TRUST = {"require_client_certificate": True, "trusted_ca": PARTNERS.pem}


def test_a_certificate_of_the_trusted_authority_is_let_in(tmp_path: Path) -> None:
    meet(settings(**TRUST), client(PARTNERS.issue("till.example"), tmp_path))


@pytest.mark.parametrize("case", ["none", "expired", "another authority", "short key"])
def test_everybody_else_is_kept_out_whatever_name_is_asked_for(case: str, tmp_path: Path) -> None:
    shown = {
        "none": None,
        "expired": PARTNERS.issue("till.example", days=-1),
        "another authority": AUTHORITY.issue("till.example"),
        "short key": PARTNERS.issue("till.example", key=rsa_key(1024)),
    }[case]
    if case == "short key":
        # OpenSSL would not even load it on the client's side.
        caller = client()
        caller.set_ciphers("DEFAULT:@SECLEVEL=0")
        (tmp_path / "short.pem").write_text(shown.certificate + shown.key)  # type: ignore[union-attr]
        caller.load_cert_chain(tmp_path / "short.pem")
    else:
        caller = client(shown, tmp_path)
    for name in ("shop.example", "bank.example", None):
        with pytest.raises(ssl.SSLError):
            meet(settings(**TRUST), caller, name)


def test_a_certificate_that_is_not_required_is_checked_all_the_same(tmp_path: Path) -> None:
    definition = settings(trusted_ca=PARTNERS.pem)
    meet(definition, client())
    meet(definition, client(PARTNERS.issue("till.example"), tmp_path))
    with pytest.raises(ssl.SSLError):
        meet(definition, client(AUTHORITY.issue("till.example"), tmp_path))


# From one revision to the next


def test_only_listeners_with_tls_are_compiled() -> None:
    found, faults = take(listeners(None, settings(), None))
    assert list(found) == [1]
    assert not faults


def test_what_has_not_changed_is_taken_over() -> None:
    first, _ = take(listeners(settings()))
    again, _ = take(listeners(settings()), first)
    assert again[0] is first[0]


def test_a_certificate_that_expires_meanwhile_is_served_on() -> None:
    definition = settings()
    later = NOW + timedelta(days=100)
    found, faults = end(compile_listeners(listeners(definition), {}, listeners(definition), later))
    assert (list(found), faults) == ([0], [])


def test_a_certificate_that_expired_before_a_replica_started_is_served_and_told_of() -> None:
    found, faults = end(compile_listeners(listeners(settings()), {}, (), NOW + timedelta(days=100)))
    assert found[0].definition == settings()
    assert [(fault.listener.id, fault.kept, fault.fault.path) for fault in faults] == [
        ("0", False, "listeners[0].tls.certificates[0].certificate")
    ]


def test_a_replica_that_has_a_better_one_keeps_it() -> None:
    first, _ = take(listeners(settings()))
    expired = AUTHORITY.issue("shop.example", days=-1)
    found, faults = take(listeners(Tls(certificates=[certificate(expired)])), first)
    assert (found[0], [fault.kept for fault in faults]) == (first[0], [True])


@pytest.mark.parametrize("changes", [{"min_version": "1.3"}, {"trusted_ca": PARTNERS.pem}])
def test_terms_count_with_a_certificate_that_has_expired(changes: dict[str, Any]) -> None:
    first, _ = take(listeners(settings()))
    wanted = msgspec.structs.replace(
        settings(**changes), certificates=[certificate(AUTHORITY.issue("a.example", days=-1))]
    )
    found, faults = take(listeners(wanted), first)
    assert (found[0].definition, [fault.kept for fault in faults]) == (wanted, [False])


def test_a_listener_keeps_its_certificates_when_the_new_ones_cannot_be_used() -> None:
    first, _ = take(listeners(settings()))
    found, faults = take(listeners(Tls(certificates=[certificate(BANK), SPOILED])), first)
    assert found[0] is first[0]
    assert [(fault.listener.id, fault.fault.path) for fault in faults] == [
        ("0", "listeners[0].tls.certificates[1].key")
    ]


def test_a_worker_that_starts_later_stands_in_with_the_same_certificates() -> None:
    found, faults = take(listeners(Tls(certificates=[SPOILED])), None, listeners(settings(BANK)))
    assert found[0].definition == settings(BANK)
    assert len(faults) == 1


def test_without_anything_to_stand_in_the_revision_is_refused() -> None:
    with pytest.raises(ConfigFault) as fault:
        take(listeners(None, Tls(certificates=[SPOILED])))
    assert fault.value.path == "listeners[1].tls.certificates[0].key"


@pytest.mark.parametrize("changes", [TRUST, {"min_version": "1.3"}])
def test_old_certificates_do_not_stand_in_where_the_terms_have_changed(changes: dict[str, Any]) -> None:
    # The new settings may be the ones that keep somebody out.
    first, _ = take(listeners(settings()))
    with pytest.raises(ConfigFault):
        take(listeners(msgspec.structs.replace(settings(**changes), certificates=[SPOILED])), first)


def test_a_listener_that_gives_tls_up_has_none() -> None:
    first, _ = take(listeners(settings()))
    assert take(listeners(None), first) == ({}, [])
