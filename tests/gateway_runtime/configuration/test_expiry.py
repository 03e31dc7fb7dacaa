"""When the first certificate of a revision expires."""

import pytest

from gateway_runtime.configuration.expiry import soonest_expiry
from gateway_runtime.schema.document import Certificate, Document, Listener, Tls, encode
from tests.certificates import Authority, Pair

AUTHORITY = Authority()
SOON, LATE = AUTHORITY.issue("a.example", days=3), AUTHORITY.issue("b.example", days=20)


def document(*listeners: list[Pair] | None) -> bytes:
    """Return a revision with listeners, those without certificates in plain text."""
    return encode(
        Document(
            gateway="g",
            name="edge",
            listeners=[
                Listener(
                    id=str(port),
                    name="l",
                    port=port,
                    tls=None
                    if pairs is None
                    else Tls(certificates=[Certificate(certificate=p.certificate, key=p.key) for p in pairs]),
                )
                for port, pairs in enumerate(listeners, 8000)
            ],
        )
    )


def test_of_all_listeners_the_first_to_expire_counts() -> None:
    expires = SOON.parsed.not_valid_after_utc.timestamp()
    assert soonest_expiry(document(None, [LATE], [LATE, SOON])) == expires


def test_of_a_chain_the_certificate_of_the_server_counts() -> None:
    chain = Pair(SOON.certificate + AUTHORITY.pem, SOON.key, SOON.der)
    assert soonest_expiry(document([chain])) == SOON.parsed.not_valid_after_utc.timestamp()


@pytest.mark.parametrize("listeners", [(), (None,), ([],)])
def test_without_certificates_nothing_expires(listeners: tuple[list[Pair] | None, ...]) -> None:
    assert soonest_expiry(document(*listeners)) == 0.0


def test_one_that_cannot_be_read_hides_no_other() -> None:
    assert soonest_expiry(document([Pair("junk", "junk", b""), LATE])) == LATE.parsed.not_valid_after_utc.timestamp()
