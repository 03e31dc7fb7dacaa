"""Signatures and digests as the RFCs show them."""

from base64 import b64decode, b64encode

import pytest

from gateway_runtime.policies.http_signature import digest_fits, read_signature, signature_base, verifies
from gateway_runtime.testing import request

from .signatures import digest

BODY = b'{"hello": "world"}'


def test_the_example_of_the_rfc() -> None:
    """RFC 9421 appendix B.2.5."""
    secret = b64decode("uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==")
    context = request(
        "POST",
        "/foo?param=Value&Pet=dog",
        {
            "host": "example.com",
            "date": "Tue, 20 Apr 2021 02:07:55 GMT",
            "content-type": "application/json",
            "signature-input": 'sig-b25=("date" "@authority" "content-type")'
            ';created=1618884473;keyid="test-shared-secret"',
            "signature": "sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:",
        },
    )
    signature = read_signature(context)
    assert signature is not None
    assert (signature.key_id, signature.created) == (b"test-shared-secret", 1618884473)
    assert verifies(secret, signature_base(context, signature), signature.value)
    assert not verifies(secret + b"x", signature_base(context, signature), signature.value)


@pytest.mark.parametrize(
    ("field", "fits"),
    [
        (digest(BODY), True),
        (digest(BODY, "sha-512"), True),
        (f"{digest(BODY)},{digest(BODY, 'sha-512')}", True),
        (f"{digest(b'')}, {digest(BODY, 'sha-512')}", False),
        ("unixsum=:AAAA:", False),
        ("", False),
        ("sha-256=::", False),
        (digest(BODY).upper(), False),
        (digest(BODY)[:-1], False),
        (digest(BODY) + ";a=b", False),
        (digest(BODY) + ",", False),
        (f"sha-256=:{b64encode(b'x').decode()}:", False),
    ],
)
def test_a_digest_is_compared_with_the_body(field: str, fits: bool) -> None:
    assert digest_fits(field.encode(), BODY) is fits
