"""What is refused of an uploaded certificate, and in which words."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from portal.core.errors import ApplicationError
from portal.gateways.certificate_checks import certificate_checked
from tests.certificates import Authority, pem_of, rsa_key, sealed

NOW = datetime.now(UTC)
ROOT = Authority("Harbour Root")
SHOP = ROOT.issue("shop.example", "10.0.0.7", common_name="shop.example")


def checked(chain, key, passphrase=""):
    return certificate_checked(chain=chain, key=key, passphrase=passphrase, now=NOW)


def fault(chain, key, passphrase=""):
    """Return (field, sentence) of the refusal."""
    with pytest.raises(ApplicationError) as caught:
        checked(chain, key, passphrase)
    [(field, sentence)] = caught.value.fields.items()
    assert caught.value.message == sentence
    return field, sentence


def self_made(issuer=None, *, authority=True, hash_=None, key=None, name="Between", days=30):
    """Return (certificate, key): by itself, or issued by another such pair."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    above, signer = (issuer[0].subject, issuer[1]) if issuer else (subject, key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(above)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=60))
        .not_valid_after(NOW + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("shop.example")]), False)
        .add_extension(x509.BasicConstraints(authority, None), True)
    )
    return builder.sign(signer, hash_ or hashes.SHA256()), key


def pem(*pairs):
    return "".join(certificate.public_bytes(Encoding.PEM).decode() for certificate, _ in pairs)


def test_good_certificate_tells_what_is_in_it():
    found = checked(SHOP.certificate + ROOT.pem, SHOP.key)
    assert (found.subject, found.issuer) == ("shop.example", "Harbour Root")
    assert found.names == ["shop.example", "10.0.0.7"]
    assert found.not_after == SHOP.parsed.not_valid_after_utc
    assert found.fingerprint == SHOP.parsed.fingerprint(hashes.SHA256()).hex()
    assert found.key_type == "Elliptic curve, secp256r1"
    assert SHOP.key not in repr(found)


def test_certificate_that_issued_itself_is_whole():
    alone = self_made()
    assert checked(pem(alone), pem_of(alone[1])).issuer == "Between"


def test_chain_without_its_end_is_refused_with_whose_certificate_is_missing():
    field, sentence = fault(SHOP.certificate, SHOP.key)
    assert field == "chain"
    assert sentence.startswith("The chain ends with “shop.example”, which “Harbour Root” has issued. Add the")


def test_chain_in_the_wrong_order_is_refused():
    root = self_made(name="Root")
    between = self_made(root)
    shop = self_made(between, name="shop")
    assert "wrong order" in fault(pem(shop, root, between), pem_of(shop[1]))[1]
    assert "not the first certificate" in fault(pem(between, shop, root), pem_of(shop[1]))[1]


def test_chain_with_a_gap_names_who_is_missing():
    root = self_made(name="Root")
    shop = self_made(self_made(root), name="shop")
    assert fault(pem(shop, root), pem_of(shop[1])) == (
        "chain",
        "“Root” has not issued “shop”: that was “Between”, whose certificate is missing. Put it in between.",
    )


def test_chain_through_one_that_is_no_authority_is_refused():
    root = self_made(name="Root")
    between = self_made(root, authority=False)
    shop = self_made(between, name="shop")
    assert "“Between” is no authority" in fault(pem(shop, between, root), pem_of(shop[1]))[1]


def test_expired_link_of_the_chain_is_refused():
    root = self_made(name="Root")
    between = self_made(root, days=-1)
    shop = self_made(between, name="shop")
    assert "“Between” in the chain expired on" in fault(pem(shop, between, root), pem_of(shop[1]))[1]


def test_key_of_another_certificate_is_refused_beside_the_key():
    other = ROOT.issue("bank.example")
    assert fault(SHOP.certificate + ROOT.pem, other.key) == (
        "key",
        "The key does not belong to the certificate. Give the pair that belongs together.",
    )


def test_expired_certificate_is_refused():
    old = ROOT.issue("shop.example", days=-1)
    field, sentence = fault(old.certificate + ROOT.pem, old.key)
    assert field == "chain"
    assert sentence.startswith("The certificate expired on")


def test_certificate_for_no_host_is_refused():
    nameless = ROOT.issue()
    assert "names no host" in fault(nameless.certificate + ROOT.pem, nameless.key)[1]


def test_short_key_is_refused_beside_the_key():
    weak = ROOT.issue("shop.example", key=rsa_key(1024))
    assert fault(weak.certificate + ROOT.pem, weak.key) == (
        "key",
        "The RSA key has 1024 bits. Use a key of 2048 bits or more.",
    )


def test_curve_that_no_client_takes_is_refused():
    odd = ROOT.issue("shop.example", key=ec.generate_private_key(ec.SECP256K1()))
    assert fault(odd.certificate + ROOT.pem, odd.key) == (
        "key",
        "Clients do not take the curve secp256k1. Use P-256, P-384 or P-521.",
    )


def test_key_with_a_passphrase_is_refused_with_how_to_mend_it():
    field, sentence = fault(SHOP.certificate + ROOT.pem, sealed(SHOP.key, "june"))
    assert field == "key"
    assert "openssl pkey -in key.pem -out plain.pem" in sentence


def test_passphrase_opens_the_key_once():
    found = checked(SHOP.certificate + ROOT.pem, sealed(SHOP.key, "june"), "june")
    assert "ENCRYPTED" not in found.key


def test_wrong_passphrase_is_told_beside_the_passphrase():
    assert fault(SHOP.certificate + ROOT.pem, sealed(SHOP.key, "june"), "july") == (
        "passphrase",
        "This passphrase does not open the key.",
    )


def test_key_among_the_certificates_is_refused():
    field, sentence = fault(SHOP.certificate + ROOT.pem + SHOP.key, SHOP.key)
    assert field == "chain"
    assert "Put it into its own field" in sentence


@pytest.mark.parametrize("text", ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate_is_refused(text):
    assert fault(text, SHOP.key) == ("chain", "This is not a certificate in PEM form.")


@pytest.mark.parametrize(
    "text", ["", "hello", SHOP.certificate, "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n"]
)
def test_what_is_no_key_is_refused(text):
    assert fault(SHOP.certificate + ROOT.pem, text) == ("key", "This is not a private key in PEM form.")


def test_what_stands_around_the_certificates_is_not_kept():
    found = checked(f"subject=shop\n{SHOP.certificate}\nissuer=root\n{ROOT.pem}", SHOP.key)
    assert found.chain == SHOP.certificate + ROOT.pem
