import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest
from redis.exceptions import AuthenticationError, NoPermissionError
from redis.exceptions import ConnectionError as RedisConnectionError

from gateway_runtime.configuration import source as source_module
from gateway_runtime.configuration.source import OfferRefused, RedisSource, Revoked, SourceUnavailable, open_envelope
from gateway_runtime.schema import document as documents
from gateway_runtime.schema import keys
from gateway_runtime.schema.envelope import new_keys, seal
from gateway_runtime.schema.revocation import Revocation, sign_revocation

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
    """The keys that are read."""

    def __init__(self, **values: bytes) -> None:
        self.values: dict[str, bytes] = values
        self.away: Exception | None = None
        self.forbidden: set[str] = set()
        self.hangs = False

    async def get(self, name: str) -> bytes | None:
        if self.away:
            raise self.away
        return self.values.get(name)

    def pipeline(self, transaction: bool) -> "FakeRedis":
        assert not transaction
        self.names: list[str] = []
        return self

    async def __aenter__(self) -> Any:
        return SimpleNamespace(get=self.names.append, execute=self.execute)

    async def __aexit__(self, *error: object) -> None:
        pass

    async def execute(self, *, raise_on_error: bool) -> list[Any]:
        if self.hangs:
            await asyncio.Event().wait()
        if self.away:
            raise self.away
        refused = NoPermissionError("NOPERM")
        return [refused if name in self.forbidden else self.values.get(name) for name in self.names]

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
    redis.away = RedisConnectionError("away")
    with pytest.raises(SourceUnavailable):
        fetch(redis)


def test_an_envelope_from_disk_carries_its_own_number() -> None:
    assert open_envelope(sealed(9), gateway="g", gateway_keys=KEYS).revision == 9


def revoked(up_to: int, *, gateway: str = "g", signing_key: str = SIGNING) -> bytes:
    return sign_revocation(Revocation(gateway=gateway, up_to=up_to, at=1.0), signing_key)


def fetch_as(redis: Any, registration: int) -> Any:
    source = RedisSource(redis, gateway="g", gateway_keys=KEYS, registration=registration)
    return asyncio.run(source.fetch(0))


class TestRevocation:
    @pytest.mark.parametrize("registration", [0, 1, 2])
    def test_registrations_that_are_meant_are_over(self, redis: FakeRedis, registration: int) -> None:
        redis.point(b"4", sealed(4))
        redis.values[keys.revocation("g")] = revoked(2)
        with pytest.raises(Revoked):
            fetch_as(redis, registration)

    def test_it_is_heard_by_who_may_read_nothing_else(self, redis: FakeRedis) -> None:
        redis.forbidden.add(keys.pointer("g"))
        redis.values[keys.revocation("g")] = revoked(1)
        with pytest.raises(Revoked):
            fetch_as(redis, 1)

    def test_a_later_registration_goes_on(self, redis: FakeRedis) -> None:
        redis.point(b"4", sealed(4))
        redis.values[keys.revocation("g")] = revoked(2)
        assert fetch_as(redis, 3).revision == 4

    @pytest.mark.parametrize(
        "notice",
        [
            b"junk",
            b"",
            revoked(9, gateway="other"),
            revoked(9, signing_key=new_keys()[0]),
            flipped(revoked(9)),
            # A signature of the same key over something else.
            sealed(4),
        ],
    )
    def test_nobody_but_the_portal_can_revoke(self, redis: FakeRedis, notice: bytes) -> None:
        redis.point(b"4", sealed(4))
        redis.values[keys.revocation("g")] = notice
        assert fetch_as(redis, 1).revision == 4

    def test_before_anything_is_served_it_is_asked_for(self, redis: FakeRedis) -> None:
        redis.values[keys.revocation("g")] = revoked(1)
        source = RedisSource(redis, gateway="g", gateway_keys=KEYS, registration=1)  # type: ignore[arg-type]
        with pytest.raises(Revoked):
            asyncio.run(source.check())
        redis.away = RedisConnectionError("away")
        asyncio.run(source.check())

    def test_a_redis_that_hangs_keeps_nobody_from_serving(
        self, redis: FakeRedis, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(source_module, "CHECK_SECONDS", 0.01)
        redis.hangs = True
        source = RedisSource(redis, gateway="g", gateway_keys=KEYS, registration=1)  # type: ignore[arg-type]
        asyncio.run(source.check())


@pytest.mark.parametrize("forbidden", [False, True])
def test_a_registration_that_has_ended_is_told_once(
    redis: FakeRedis, capfd: pytest.CaptureFixture[str], forbidden: bool
) -> None:
    source = RedisSource(redis, gateway="g", gateway_keys=KEYS)  # type: ignore[arg-type]
    if forbidden:
        redis.forbidden.add(keys.pointer("g"))
    else:
        redis.away = AuthenticationError("WRONGPASS")
    for _ in range(2):
        with pytest.raises(SourceUnavailable):
            asyncio.run(source.fetch(0))
    assert capfd.readouterr().err.count("registration_not_accepted") == 1
