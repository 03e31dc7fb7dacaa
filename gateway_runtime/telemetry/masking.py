"""What of a request may be shown: names always, values only where nothing says that they are secret. Never a body."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import unquote_to_bytes

from gateway_runtime.policies.registry import definition
from gateway_runtime.schema.document import ApiInstance
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.policy import Category
from gateway_runtime.schema.trace import MASK, Masked

MOST_FIELDS = 64
LONGEST_VALUE = 200
LONGEST_PATH = 512

# Words of names whose values identify or admit somebody, in headers and in the query.
_secret_name = re.compile(
    rb"auth(?!ors?(?:[-_]|$))|cookie|secret|token|pass(?:w|phrase|code)|pwd|credential|signature|session"
    rb"|(?:api|access)[-_]?key|private|jwt|assertion|otp|csrf|xsrf"
    rb"|(?:^|[-_])(?:key|code|sig|pin|pass|user(?:name)?|sid|email)$"
).search
# A token or credentials.
_secret_value = re.compile(rb"eyJ[\w-]{8}|(?:bearer|basic|digest|negotiate) \S", re.IGNORECASE).search
_address_with_user = re.compile(rb"://[^/?#\s]*@").search
# The names of parameters inside of a value: of an address with a query of its own, or behind a semicolon.
_parameters = re.compile(rb"(?<![^\s?&;#,<>\"'=])([^\s?&;#,<>\"'=]++)=").findall
# Addresses, of which the path alone is shown.
_ADDRESSES = frozenset({b"referer", b"location", b"content-location"})
_end_of_path = re.compile(rb"[?#]").search
# A value may be encoded so often, as an address in an address in a query is.
_TIMES_ENCODED = 3
# What the settings of a policy name in a request: `#[attributes.headers['x-caller']]`, `customHeader: x-caller`.
_named = re.compile(r"(?:headers|queryParams)(?:\.|\[\s*['\"])([A-Za-z0-9_-]+)")
_header_name = re.compile(r"[A-Za-z0-9_-]{1,64}").fullmatch
# A secret shorter than this occurs by chance.
_SHORTEST_SECRET = 4
_JUDGES_CALLERS = (Category.SECURITY, Category.COMPLIANCE)


class Mask:
    """What is secret in the requests of one API, by how names sound and by the settings of its policies.

    `writers` are the policies with secret settings: what these put into a header is not shown.
    """

    __slots__ = ("_names", "_values", "writers")

    def __init__(self, names: Iterable[bytes] = (), values: Iterable[bytes] = (), writers: Iterable[str] = ()) -> None:
        self._names = frozenset(names)
        self._values = tuple(values)
        self.writers = frozenset(writers)

    def fields(self, fields: Iterable[tuple[bytes, bytes]], also: Iterable[bytes] = ()) -> Masked:
        """Return names and values as they may be shown. `also` are further names with secret values."""
        shown: Masked = []
        for name, value in fields:
            if len(shown) == MOST_FIELDS:
                break
            shown.append((text(name, LONGEST_VALUE), MASK if name in also else self._value(name, value)))
        return shown

    def query(self, query: bytes | None) -> Masked:
        """Return the parameters of a query as they may be shown."""
        pairs = (part.partition(b"=") for part in query.split(b"&")) if query else ()
        return self.fields((name, value) for name, _, value in pairs)

    def path(self, path: bytes) -> str:
        """Return a path as it may be shown."""
        for secret in self._values:
            path = path.replace(secret, MASK.encode())
        return text(path, LONGEST_PATH)

    def _value(self, name: bytes, value: bytes) -> str:
        name = _decoded(name).lower()
        if self._is_secret(name):
            return MASK
        if name in _ADDRESSES and (end := _end_of_path(value)) is not None:
            value = value[: end.start()]
        plain = value
        for _ in range(_TIMES_ENCODED):
            if self._holds_a_secret(plain):
                return MASK
            if b"%" not in plain and b"+" not in plain:
                break
            plain = _decoded(plain)
        return text(value, LONGEST_VALUE)

    def _holds_a_secret(self, value: bytes) -> bool:
        if _secret_value(value) or (b"@" in value and _address_with_user(value)):
            return True
        if self._values and any(secret in value for secret in self._values):
            return True
        if b"=" not in value:
            return False
        return any(self._is_secret(name.lower()) for name in _parameters(value))

    def _is_secret(self, name: bytes) -> bool:
        return name in self._names or _secret_name(name) is not None


def _decoded(encoded: bytes) -> bytes:
    """Return what a form or a query means by these bytes."""
    if b"%" not in encoded and b"+" not in encoded:
        return encoded
    return unquote_to_bytes(encoded.replace(b"+", b" "))


def mask_of(api: ApiInstance) -> Mask:
    """Return what the policies of an API say is secret."""
    names: set[bytes] = set()
    values: set[bytes] = set()
    writers: set[str] = set()
    for binding in api.policies:
        try:
            policy = definition(binding.policy)
        except ConfigFault:
            continue
        secret = policy.secret_settings()
        if secret:
            writers.add(policy.name)
        for name in secret:
            found = _texts(binding.config.get(name))
            values.update(each.encode() for _, each in found if len(each) >= _SHORTEST_SECRET)
        if policy.category in _JUDGES_CALLERS:
            for setting, each in _texts(binding.config):
                names.update(found.lower().encode() for found in _named.findall(each))
                if "header" in setting.lower() and _header_name(each):
                    names.add(each.lower().encode())
    return Mask(names, values, writers)


def _texts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text in a setting, with the name of the setting that it is in."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _texts(each, str(key))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each, name)


def text(value: bytes, longest: int) -> str:
    """Return bytes of a caller as text that any reader can show."""
    # No database can store the character zero in a text.
    cut = value[:longest].decode("utf-8", "replace").replace("\0", "\ufffd")
    return cut if len(value) <= longest else cut + "…"
