"""Where answers are kept: in the memory of one worker as they are, or as bytes in the shared storage.

A key leads to an answer, or to the names of the request headers that it depends on; then the values of those are a part
of the key that leads to it. To forget a key is to forget what it leads to: the second keys cannot be made again.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterable

import msgspec

from gateway_runtime.clock import Clock
from gateway_runtime.state.cache import TOTAL_BYTES, ByteCache
from gateway_runtime.tasks import spawn

# About what the objects around the bytes of an entry take.
_ENTRY_COST = 1024
_KEPT_AT_ONCE = 32
_GENERATION = "generation"
_GENERATION_SECONDS = 365 * 86_400.0
# How long a worker takes the shared generation for the newest one.
_GENERATION_AGE = 1.0
# Short enough to be over when the next one asks.
_AT_ONCE = 0.001

Headers = Iterable[tuple[bytes, bytes]]


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One answer. `made` is when it was made, and `until` when it ends, in seconds since 1970."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    made: float
    until: float


class Variants(msgspec.Struct, frozen=True, array_like=True):
    """The request headers that the answers of a key depend on. `token` is a part of their keys."""

    names: tuple[bytes, ...]
    token: str
    until: float


class _Stored(msgspec.Struct, frozen=True, array_like=True):
    """An entry or variants, as it is written."""

    entry: Entry | None = None
    variants: Variants | None = None


def new_variants(names: tuple[bytes, ...], until: float) -> Variants:
    """Return variants whose keys nobody has used."""
    return Variants(names, os.urandom(8).hex(), until)


def variant_key(key: str, variants: Variants, headers: Headers) -> str:
    """Return the key of the answer for a request with these headers."""
    by_name: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        by_name.setdefault(name, []).append(value.strip(b" \t"))
    values = b"\n".join(b", ".join(by_name.get(name, ())) for name in variants.names)
    return f"{key}\n{variants.token}\n{values.decode('latin-1')}"


class Memory:
    """In one worker. The oldest go first when there is no room."""

    def __init__(self, clock: Clock, *, entries: int, total_bytes: int = TOTAL_BYTES) -> None:
        self._clock = clock
        # As the newest revision has it; what is above goes when the next one comes.
        self.entries = entries
        self._total = total_bytes
        self._kept: OrderedDict[str, Entry | Variants] = OrderedDict()
        self.size = 0

    def find(self, key: str, headers: Headers) -> Entry | None:
        """Return the answer for a request, if there is a fresh one."""
        found = self._get(key)
        if type(found) is Variants:
            found = self._get(variant_key(key, found, headers))
        return found if type(found) is Entry else None

    def keep(self, key: str, names: tuple[bytes, ...], headers: Headers, entry: Entry) -> None:
        """Keep the answer to a request that depends on these headers of it."""
        if names:
            variants = self._get(key)
            if type(variants) is not Variants or variants.names != names:
                variants = new_variants(names, entry.until)
            self._put(key, msgspec.structs.replace(variants, until=max(variants.until, entry.until)))
            key = variant_key(key, variants, headers)
        self._put(key, entry)

    def forget(self, key: str) -> None:
        """Forget what a key leads to."""
        if key in self._kept:
            self._drop(key)

    def forget_all(self) -> None:
        """Forget everything."""
        self._kept.clear()
        self.size = 0

    def _get(self, key: str) -> Entry | Variants | None:
        found = self._kept.get(key)
        if found is not None and found.until <= self._clock():
            self._drop(key)
            return None
        return found

    def _put(self, key: str, value: Entry | Variants) -> None:
        self.forget(key)
        size = _size(key, value)
        if size > self._total:
            return
        self._kept[key] = value
        self.size += size
        while self.size > self._total or len(self._kept) > self.entries:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: str) -> None:
        self.size -= _size(key, self._kept.pop(key))


def _size(key: str, value: Entry | Variants) -> int:
    if isinstance(value, Variants):
        return _ENTRY_COST + len(key)
    headers = sum(len(name) + len(text) + 100 for name, text in value.headers)
    return _ENTRY_COST + len(key) + len(value.body) + headers


class Shared:
    """In the shared storage. What cannot be found or kept, or be read, is not there."""

    def __init__(self, cache: ByteCache, clock: Clock) -> None:
        self._cache = cache
        self._clock = clock
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(_Stored).decode
        self._generation = ""
        self._generation_until = 0.0
        self._keeping = 0

    async def find(self, key: str, headers: Headers) -> Entry | None:
        """Return the answer for a request, if there is a fresh one."""
        key = f"{await self._newest()}\n{key}"
        found = await self._get(key)
        if found.variants is not None:
            found = await self._get(variant_key(key, found.variants, headers))
        return found.entry

    def keep(self, key: str, names: tuple[bytes, ...], headers: Headers, entry: Entry) -> None:
        """Keep an answer, without waiting for it. Where too many are being kept already, this one is not."""
        if self._keeping < _KEPT_AT_ONCE:
            self._keeping += 1
            spawn("http-caching", self._keep(key, names, headers, entry))

    async def _keep(self, key: str, names: tuple[bytes, ...], headers: Headers, entry: Entry) -> None:
        try:
            key = f"{await self._newest()}\n{key}"
            seconds = entry.until - self._clock()
            if names:
                variants = (await self._get(key)).variants
                if variants is None or variants.names != names:
                    variants = new_variants(names, entry.until)
                until = max(variants.until, entry.until)
                written = _Stored(variants=msgspec.structs.replace(variants, until=until))
                await self._cache.set(key, self._encode(written), until - self._clock())
                key = variant_key(key, variants, headers)
            await self._cache.set(key, self._encode(_Stored(entry=entry)), seconds)
        finally:
            self._keeping -= 1

    async def forget(self, key: str) -> None:
        """Forget what a key leads to."""
        await self._cache.set(f"{await self._newest()}\n{key}", b"", _AT_ONCE)

    async def forget_all(self) -> None:
        """Forget everything, here at once and elsewhere within a second."""
        self._generation = os.urandom(8).hex()
        self._generation_until = self._clock() + _GENERATION_AGE
        await self._cache.set(_GENERATION, self._generation.encode(), _GENERATION_SECONDS)

    async def _newest(self) -> str:
        if self._generation_until <= self._clock():
            found = await self._cache.get(_GENERATION)
            self._generation = found.decode("latin-1") if isinstance(found, bytes) else ""
            self._generation_until = self._clock() + _GENERATION_AGE
        return self._generation

    async def _get(self, key: str) -> _Stored:
        data = await self._cache.get(key)
        if not isinstance(data, bytes):
            return _Stored()
        try:
            found = self._decode(data)
        except (msgspec.MsgspecError, ValueError):
            return _Stored()
        kept = found.entry or found.variants
        return found if kept is not None and kept.until > self._clock() else _Stored()
