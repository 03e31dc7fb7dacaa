import asyncio
import time
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from gateway_runtime.configuration.source import OfferRefused, RedisSource, SourceUnavailable, open_envelope
from gateway_runtime.schema import document as documents
from gateway_runtime.schema import keys
from gateway_runtime.schema.envelope import new_keys, seal

SIGNING, KEYS = new_keys()


def flipped(data: bytes) -> bytes:
    """Return the data with one bit of its last byte changed."""
    return data[:-1] + bytes([data[-1] ^ 1])


def sealed(number: int, content: bytes = b"{}", *, digest: str | None = None, gateway: str = "g") -> bytes:
    return seal(
        content,
        gateway=gateway,
        revision=number,
        digest=documents.digest(content) if digest is None else digest,
        created_at=time.time(),
        signing_key=SIGNING,
        encrypt_key=KEYS.encrypt,
    )


class FakeRedis:
    """The two keys that are read."""

    def __init__(self, **values: bytes) -> None:
        self.values: dict[str, bytes] = values
        self.away = False

    async def get(self, name: str) -> bytes | None:
        if self.away:
            raise RedisConnectionError("away")
        return self.values.get(name)

    def point(self, number: bytes, envelope: bytes | None = None) -> None:
        self.values[keys.pointer("g")] = number
        if envelope is not None:
            self.values[keys.revision("g", int(number))] = envelope


@pytest.fixture
def redis() -> FakeRedis:
    return FakeRedis()


def fetch(redis: Any, newer_than: int = 0) -> Any:
    return asyncio.run(RedisSource(redis, gateway="g", gateway_keys=KEYS).fetch(newer_than))


def test_a_newer_revision_is_opened(redis: FakeRedis) -> None:
    envelope = sealed(4, b'{"a": 1}')
    redis.point(b"4", envelope)
    offer = fetch(redis, 3)
    assert (offer.revision, offer.document, offer.envelope) == (4, b'{"a": 1}', envelope)


@pytest.mark.parametrize("pointer", [None, b"", b"3", b"2", b"0", b"-4", b"4.5", b"x", b"9" * 30, "٤".encode()])
def test_an_empty_older_or_senseless_pointer_is_no_offer(redis: FakeRedis, pointer: bytes | None) -> None:
    if pointer is not None:
        redis.values[keys.pointer("g")] = pointer
    assert fetch(redis, 3) is None


@pytest.mark.parametrize(
    ("envelope", "code"),
    [
        (None, "revision_missing"),
        (b"junk", "envelope_unreadable"),
        (sealed(3), "envelope_wrong_number"),
        (sealed(4, digest="0" * 64), "envelope_wrong_digest"),
        (sealed(4, gateway="other"), "envelope_wrong_gateway"),
        (flipped(sealed(4)), "envelope_bad_signature"),
    ],
)
def test_what_may_not_be_used_is_refused_with_its_reason(redis: FakeRedis, envelope: bytes | None, code: str) -> None:
    redis.point(b"4", envelope)
    with pytest.raises(OfferRefused) as caught:
        fetch(redis, 3)
    assert (caught.value.revision, caught.value.code) == (4, code)


def test_redis_away_is_said(redis: FakeRedis) -> None:
    redis.away = True
    with pytest.raises(SourceUnavailable):
        fetch(redis)


def test_an_envelope_from_disk_carries_its_own_number() -> None:
    assert open_envelope(sealed(9), gateway="g", gateway_keys=KEYS).revision == 9
