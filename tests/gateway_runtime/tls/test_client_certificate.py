import hashlib
from typing import Any

from cryptography import x509

from gateway_runtime.tls.client_certificate import ClientCertificate, client_certificate
from tests.certificates import Authority

AUTHORITY = Authority("Partners")
PAIR = AUTHORITY.issue("till.example", "192.0.2.7", "spiffe://shop/till", common_name="till-7")


def test_every_field_is_that_of_the_certificate() -> None:
    shown = ClientCertificate(PAIR.der)
    assert shown.subject == "CN=till-7"
    assert shown.issuer == "CN=Partners"
    assert shown.dns_names == ("till.example",)
    assert shown.ip_addresses == ("192.0.2.7",)
    assert shown.uris == ("spiffe://shop/till",)
    assert shown.email_addresses == ()
    assert shown.fingerprint_sha256 == hashlib.sha256(PAIR.der).hexdigest()
    assert int(shown.serial, 16) == PAIR.parsed.serial_number
    assert shown.not_after == PAIR.parsed.not_valid_after_utc


def test_a_certificate_without_alternative_names_has_none() -> None:
    assert ClientCertificate(AUTHORITY.issue().der).dns_names == ()


def test_nothing_is_read_before_it_is_asked_for(monkeypatch: Any) -> None:
    read = []
    parse = x509.load_der_x509_certificate
    monkeypatch.setattr(x509, "load_der_x509_certificate", lambda der: read.append(der) or parse(der))
    shown = ClientCertificate(PAIR.der)
    assert shown.fingerprint_sha256
    assert not read
    assert (shown.subject, shown.serial, shown.dns_names)[0]
    assert len(read) == 1


def test_a_name_with_a_nul_matches_nothing() -> None:
    shown = ClientCertificate(AUTHORITY.issue("bank.example\0.evil.example", "fine.example").der)
    assert shown.dns_names == ("fine.example",)


def test_a_caller_who_showed_nothing_has_no_certificate() -> None:
    class Connection:
        def getpeercert(self, binary_form: bool) -> None:
            assert binary_form

    assert client_certificate(Connection()) is None  # type: ignore[arg-type]
