from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from gateway_runtime.schema.document import Certificate
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.tls.certificates import check_certificate
from tests.certificates import Authority, Pair, ec_key, pem_of, rsa_key

AUTHORITY = Authority()
NOW = datetime.now(UTC)


def certificate(pair: Pair, **changes: str) -> Certificate:
    return Certificate(**{"certificate": pair.certificate, "key": pair.key, **changes})


def refused(given: Certificate, now: datetime | None = NOW) -> tuple[str, str]:
    with pytest.raises(ConfigFault) as fault:
        check_certificate(given, "here", now)
    assert fault.value.code == "listener_tls_invalid"
    return fault.value.path, fault.value.message


@pytest.mark.parametrize("key", [ec_key(), rsa_key()], ids=["ec", "rsa"])
def test_a_pair_that_fits_is_taken_with_its_names(key: object) -> None:
    pair = AUTHORITY.issue("shop.example", "*.shop.example", "192.0.2.1", key=key)
    checked = check_certificate(certificate(pair), "here", NOW)
    assert checked.names == ["shop.example", "*.shop.example"]
    assert checked.pem.startswith(b"-----BEGIN CERTIFICATE-----")


def test_the_chain_is_kept_in_its_order() -> None:
    pair = AUTHORITY.issue("shop.example")
    checked = check_certificate(certificate(pair, certificate=pair.certificate + AUTHORITY.pem), "here", NOW)
    assert checked.pem.startswith((pair.certificate + AUTHORITY.pem).encode())


def test_the_common_name_does_not_count() -> None:
    assert check_certificate(certificate(AUTHORITY.issue(common_name="shop.example")), "here", NOW).names == []


@pytest.mark.parametrize("text", ["", "garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate_is_refused(text: str) -> None:
    path, _ = refused(certificate(AUTHORITY.issue("a.example"), certificate=text))
    assert path == "here.certificate"


def test_what_is_no_key_is_refused() -> None:
    assert refused(certificate(AUTHORITY.issue("a.example"), key="garbage"))[0] == "here.key"


def test_a_key_with_a_passphrase_is_refused() -> None:
    locked = ec_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")).decode()
    path, message = refused(certificate(AUTHORITY.issue("a.example"), key=locked))
    assert path == "here.key"
    assert "passphrase" in message


def test_a_key_of_another_kind_is_refused() -> None:
    assert (
        refused(certificate(AUTHORITY.issue("a.example"), key=pem_of(dsa.generate_private_key(2048))))[0] == "here.key"
    )


def test_a_key_of_another_certificate_is_refused() -> None:
    path, message = refused(certificate(AUTHORITY.issue("a.example"), key=pem_of(ec_key())))
    assert path == "here.key"
    assert "does not belong" in message


def test_a_short_rsa_key_is_refused() -> None:
    path, message = refused(certificate(AUTHORITY.issue("a.example", key=rsa_key(1024))))
    assert path == "here.key"
    assert "1024 bits" in message


def test_an_expired_certificate_is_refused_with_its_date() -> None:
    pair = AUTHORITY.issue("a.example", days=-1)
    path, message = refused(certificate(pair))
    assert path == "here.certificate"
    assert f"{pair.parsed.not_valid_after_utc:%Y-%m-%d}" in message


def test_a_certificate_of_tomorrow_is_refused() -> None:
    pair = AUTHORITY.issue("a.example")
    _, message = refused(certificate(pair), pair.parsed.not_valid_before_utc - timedelta(hours=1))
    assert "not valid before" in message


def test_dates_are_not_looked_at_without_a_date() -> None:
    assert check_certificate(certificate(AUTHORITY.issue("a.example", days=-1)), "here", None).names == ["a.example"]


def test_no_fault_and_no_form_of_a_certificate_shows_the_key() -> None:
    pair = AUTHORITY.issue("a.example")
    secret = pair.key.splitlines()[1]
    assert secret not in repr(certificate(pair))
    assert secret not in refused(certificate(pair, certificate="no"))[1]
