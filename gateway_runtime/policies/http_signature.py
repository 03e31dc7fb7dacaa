"""HTTP Message Signatures (RFC 9421) with a shared secret, read strictly, and digests of bodies (RFC 9530).

What stands in the signature headers is a structured field (RFC 9651), of which only what a signature needs is read.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable
from typing import NamedTuple

from gateway_runtime.policies.context import RequestContext

ALGORITHM = b"hmac-sha256"
HEADER_LIMIT = 4096
COMPONENT_LIMIT = 50
DIGESTS: dict[bytes, Callable[[bytes], hashlib._Hash]] = {b"sha-256": hashlib.sha256, b"sha-512": hashlib.sha512}

_label = rb"([a-z*][a-z0-9_.*-]{0,63})"
_text = rb'"((?:[\x20\x21\x23-\x5b\x5d-\x7e])*)"'
_component = re.compile(_text)
_parameter = re.compile(rb";([a-z*][a-z0-9_.*-]{0,63})=(?:(-?[0-9]{1,15})|" + _text + rb")")
_bytes = re.compile(_label + rb"=:([A-Za-z0-9+/]*={0,2}):").fullmatch


class Unreadable(Exception):
    """There is no one signature that can be read in one way."""


class Signature(NamedTuple):
    """One signature as it stands in a request. `parameters` are the bytes that are signed with the components."""

    components: tuple[bytes, ...]
    parameters: bytes
    key_id: bytes
    algorithm: bytes
    created: int | None
    expires: int | None
    nonce: bytes
    value: bytes


def read_signature(context: RequestContext) -> Signature | None:
    """Return the one signature of a request, None where there is none. Raises `Unreadable`."""
    told, given = context.header(b"signature-input"), context.header(b"signature")
    if told is None and given is None:
        return None
    told, given = context.only_header(b"signature-input"), context.only_header(b"signature")
    if told is None or given is None or len(told) > HEADER_LIMIT or len(given) > HEADER_LIMIT:
        raise Unreadable
    told, given = told.strip(b" "), given.strip(b" ")
    value = _bytes(given)
    label, equals, rest = told.partition(b"=")
    # One signature with one label in both: of several, others may be meant for somebody else.
    if value is None or not equals or label != value[1]:
        raise Unreadable
    components, parameters = _inner_list(rest)
    try:
        decoded = b64decode(value[2], validate=True)
    except Base64Error:
        raise Unreadable from None
    return _signature(components, rest, parameters, decoded)


def _inner_list(rest: bytes) -> tuple[tuple[bytes, ...], bytes]:
    """Return the components and what follows their list."""
    closing = rest.find(b")")
    if not rest.startswith(b"(") or closing < 0:
        raise Unreadable
    listed = rest[1:closing]
    found = _component.findall(listed)
    # Written as it is signed: one space between two components, and nothing else.
    if b" ".join(b'"%s"' % each for each in found) != listed or len(found) > COMPONENT_LIMIT:
        raise Unreadable
    if len(set(found)) != len(found):
        raise Unreadable
    return tuple(found), rest[closing + 1 :]


def _signature(components: tuple[bytes, ...], whole: bytes, parameters: bytes, value: bytes) -> Signature:
    numbers: dict[bytes, int] = {}
    texts: dict[bytes, bytes] = {}
    at = 0
    while at < len(parameters):
        found = _parameter.match(parameters, at)
        if found is None or found[1] in numbers or found[1] in texts:
            raise Unreadable
        if found[2] is not None:
            numbers[found[1]] = int(found[2])
        else:
            texts[found[1]] = found[3]
        at = found.end()
    if {b"created", b"expires"} & texts.keys() or {b"keyid", b"alg", b"nonce", b"tag"} & numbers.keys():
        raise Unreadable
    return Signature(
        components, whole, texts.get(b"keyid", b""), texts.get(b"alg", ALGORITHM), numbers.get(b"created"),
        numbers.get(b"expires"), texts.get(b"nonce", b""), value,
    )  # fmt: skip


def signature_base(context: RequestContext, signature: Signature) -> bytes:
    """Return what is signed. Raises `Unreadable` for a component that is not there or not known."""
    lines = [b'"%s": %s' % (name, _component_value(context, name)) for name in signature.components]
    lines.append(b'"@signature-params": ' + signature.parameters)
    return b"\n".join(lines)


def _component_value(context: RequestContext, name: bytes) -> bytes:
    derived = DERIVED.get(name)
    if derived is not None:
        return derived(context)
    values = [value.strip(b" \t") for key, value in context.headers if key == name]
    # Who signs a field that is not there has signed nothing; derived components that are not known stop here, too.
    if not values or name.startswith(b"@"):
        raise Unreadable
    return b", ".join(values)


def _authority(context: RequestContext) -> bytes:
    host = context.only_header(b"host")
    if host is None:
        raise Unreadable
    host = host.lower()
    # RFC 9421 section 2.2.3: without the port that goes without saying.
    return host.removesuffix(b":80").removesuffix(b":443")


DERIVED: dict[bytes, Callable[[RequestContext], bytes]] = {
    b"@method": lambda context: context.method,
    b"@authority": _authority,
    b"@path": lambda context: context.path,
    b"@query": lambda context: b"?" + context.query,
    b"@request-target": lambda context: context.path + (b"?" + context.query if context.query else b""),
}


def verifies(secret: bytes, base: bytes, value: bytes) -> bool:
    """Tell whether a signature was made with a secret, in a time that does not tell how nearly."""
    return hmac.compare_digest(hmac.digest(secret, base, "sha256"), value)


def digest_fits(field: bytes, body: bytes) -> bool:
    """Tell whether a Content-Digest is that of a body: every digest in it that is known, and one at least."""
    known = False
    for member in field.split(b","):
        found = _bytes(member.strip(b" \t"))
        if found is None:
            return False
        make = DIGESTS.get(found[1])
        if make is None:
            continue
        try:
            given = b64decode(found[2], validate=True)
        except Base64Error:
            return False
        if not hmac.compare_digest(make(body).digest(), given):
            return False
        known = True
    return known
