"""The policy `tls`: what a port is served with."""

import json
from textwrap import indent

import pytest
from cryptography.hazmat.primitives.serialization import PrivateFormat

from gateway_runtime.local.dump import MASK, effective
from gateway_runtime.local.faults import FilesRefused
from gateway_runtime.local.loading import load_files
from gateway_runtime.schema.document import Tls
from tests.certificates import Authority, Pair, sealed
from tests.gateway_runtime.local.kit import binding, fault, instance, loaded, snapshot

AUTHORITY = Authority()
PAIR = AUTHORITY.issue("museum.example")
OTHER = AUTHORITY.issue("museum.example")
SECURE = instance(address="https://0.0.0.0:8443/museum")


def tls(more: str = "", pair: Pair = PAIR, target: str = "name: museum", name: str = "tls") -> str:
    certificate = f"certificate:\n  crt: |\n{indent(pair.certificate, '    ')}  key: |\n{indent(pair.key, '    ')}"
    config = indent(f"{certificate}{more}", "  ")
    return binding(name, f"targetRef: {{{target}}}\npolicyRef: {{name: tls}}\nconfig:\n{config}")


def served(*documents: str) -> Tls:
    (listener,) = loaded(*documents).document.listeners
    assert listener.tls is not None
    return listener.tls


def test_a_port_is_served_with_its_certificate_and_the_documented_defaults() -> None:
    found = served(SECURE, tls())
    assert (found.certificates[0].certificate, found.certificates[0].key) == (PAIR.certificate, PAIR.key)
    assert (found.min_version, found.max_version, found.ciphers, found.alpn) == ("1.2", "1.3", [], ("h2", "http/1.1"))
    assert not found.require_client_certificate
    assert 8443 in snapshot(loaded(SECURE, tls())).tls


def test_every_setting_in_every_spelling() -> None:
    more = """
requireClientCertificate: true
minVersion: "1.3"
maxversion: "1.3"
ciphers: [TLS_AES_128_GCM_SHA256]
alpn: [http/1.1]
trustedCA: |
"""
    found = served(SECURE, tls(more + indent(AUTHORITY.pem, "  ")))
    assert (found.require_client_certificate, found.trusted_ca) == (True, AUTHORITY.pem)
    assert (found.min_version, found.max_version, found.alpn) == ("1.3", "1.3", ("http/1.1",))
    assert found.ciphers == ["TLS_AES_128_GCM_SHA256"]


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_a_key_may_have_a_passphrase(form: PrivateFormat) -> None:
    pair = Pair(PAIR.certificate, sealed(PAIR.key, "open sesame", form=form), PAIR.der)
    assert served(SECURE, tls("  keyPassphrase: open sesame", pair)).certificates[0].key == PAIR.key
    # One that is not needed is not used.
    assert served(SECURE, tls("  keyPassphrase: open sesame")).certificates[0].key == PAIR.key
    wrong = fault(SECURE, tls("  keyPassphrase: open barley", pair))
    assert wrong.endswith("spec.config.certificate.keyPassphrase: This passphrase does not open the key.")
    missing = fault(SECURE, tls("", pair))
    assert missing.endswith("spec.config.certificate.key: This is not a private key in PEM form without a passphrase.")


def test_all_instances_of_a_port_share_its_tls() -> None:
    second = instance("shop", "https://0.0.0.0:8443/shop")
    assert served(SECURE, second, tls()).certificates[0].key == PAIR.key
    selected = tls(target="kind: Selector, selector: {kind: ApiInstance}")
    assert served(SECURE, second, selected).certificates[0].key == PAIR.key
    again = tls(target="name: shop", name="again")
    assert served(SECURE, second, tls(), again).certificates[0].key == PAIR.key
    found = fault(SECURE, second, tls(), tls(target="name: shop", name="again", pair=OTHER))
    assert "policyRef.name: Port 8443 has the TLS of “tls” (api.yaml:19). A port has one: bind it once." in found


def test_https_needs_a_certificate_and_a_certificate_https() -> None:
    assert fault(SECURE) == (
        "api.yaml:6: spec.address: There is no certificate for this port. Bind the policy “tls” to it."
    )
    assert fault(instance(), tls()) == (
        "api.yaml:13: spec.targetRef: The address of “museum” (api.yaml:6) begins with http. "
        "Write https there to serve it with TLS."
    )


def test_inline_is_as_good() -> None:
    policies = f"policies:\n  - policyRef: {{name: tls}}\n    config:\n      {json.dumps(config())}\n"
    assert served(instance(address="https://0.0.0.0:8443", more=policies)).certificates[0].key == PAIR.key


def config(pair: Pair = PAIR) -> dict[str, object]:
    return {"certificate": {"crt": pair.certificate, "key": pair.key}}


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"certificate": {"crt": "x", "key": "y"}}, "config.certificate.crt: This is not a certificate in PEM form."),
        ({"certificate": {"crt": PAIR.certificate, "key": "y"}}, "config.certificate.key: This is not a private key"),
        ({"certificate": {"crt": PAIR.certificate, "key": OTHER.key}}, "config.certificate.key: The key does not belo"),
        ({"certificate": {"kee": "k"}}, "config.certificate.kee: There is no setting “kee”."),
        ({}, "config: Give the certificate's key and crt."),
        ({**config(), "requireClientCertificate": True}, "config: Client certificates need a trustedCA."),
        ({**config(), "trustedCA": "x"}, "config.trustedCA: This is not a certificate in PEM form."),
        ({**config(), "minVersion": "1.3", "maxversion": "1.2"}, "config: The lowest version 1.3 is above the highest"),
        ({**config(), "minversion": "1.1"}, "config: Version 1.1 has no default cipher suites, so they must be listed"),
        ({**config(), "minversion": "1.0"}, "config.minversion: Invalid enum value"),
        ({**config(), "ciphers": ["NULL_NULL"]}, "config: “NULL_NULL” is not a cipher suite"),
        ({**config(), "ciphers": ["PSK_WITH_AES_128_CBC_SHA"]}, "config.ciphers: None of these cipher suites can be u"),
        ({**config(), "alpn": ["spdy"]}, "config.alpn[0]: Invalid enum value"),
    ],
)  # fmt: skip
def test_settings_are_checked_where_they_stand(changed: dict[str, object], sentence: str) -> None:
    spec = f"targetRef: {{name: museum}}\npolicyRef: {{name: tls}}\nconfig: {json.dumps(changed)}"
    found = fault(SECURE, binding("tls", spec))
    assert f": spec.{sentence}" in found
    assert "BEGIN" not in found


def test_tls_has_no_rules_and_no_order() -> None:
    assert fault(SECURE, f"{tls()}  rules: [{{path: /a}}]\n").endswith(
        "spec.rules: TLS belongs to a port and cannot have rules."
    )
    notes = loaded(SECURE, f"{tls()}  order: 3\n").notes
    assert "TLS comes before every policy: its order is not used." in [note.message for note in notes]


def test_an_expired_certificate_is_refused_when_it_is_new_and_told_when_it_is_not() -> None:
    expired = AUTHORITY.issue("museum.example", days=-1)
    made = loaded(SECURE, tls(pair=expired))
    assert [note.key for note in made.notes if "expired" in note.message] == ["spec.config.certificate.crt"]
    files = [("api.yaml", f"{SECURE}---\n{tls(pair=expired)}".encode())]
    assert load_files(files, {}, made.document).document == made.document
    with pytest.raises(FilesRefused, match=r"spec\.config\.certificate\.crt: The certificate expired on"):
        load_files(files, {}, loaded(SECURE, tls()).document)


def test_a_dump_shows_no_key() -> None:
    shown = effective(loaded(SECURE, tls()))
    assert shown["apiInstances"][0]["policies"][0]["config"] == {"certificate": MASK}
    assert "BEGIN" not in json.dumps(shown)
