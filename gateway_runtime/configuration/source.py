"""Where revisions come from: Redis here; anything that can offer a document later."""

import asyncio
from typing import NamedTuple, Protocol

from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from gateway_runtime.log import log
from gateway_runtime.schema import document, keys
from gateway_runtime.schema.envelope import EnvelopeError, GatewayKeys, unseal
from gateway_runtime.schema.revocation import read_revocation

POLL_SECONDS = 1.0
BACK_OFF_SECONDS = 5.0
# A Redis that hangs does not keep a gateway from serving what it has.
CHECK_SECONDS = 1.0


class Offer(NamedTuple):
    """A revision whose origin has been proved. `envelope` is what to keep on disk, None when nothing is sealed.

    `accepted` says that this replica has served it before, `tries` that its candidate is tried out where it is for
    this replica.
    """

    revision: int
    digest: str
    document: bytes
    envelope: bytes | None = None
    accepted: bool = False
    tries: bool = True


class SourceUnavailable(Exception):
    """The source cannot be asked just now."""


class OfferRefused(Exception):
    """What is offered may not be used. `code` is stable, `digest` tells one refused content from the next.

    `path` is where the fault is, if that is known.
    """

    def __init__(self, revision: int, digest: str, code: str, message: str, path: str = "") -> None:
        super().__init__(message)
        self.revision = revision
        self.digest = digest
        self.code = code
        self.path = path


class Revoked(Exception):
    """Whoever configures this replica has ended its registration."""


class ConfigurationSource(Protocol):
    """A place that offers one newest revision."""

    async def fetch(self, newer_than: int) -> Offer | None:
        """Return the newest revision if its number is higher.

        Raises `SourceUnavailable`, `OfferRefused` or `Revoked`.
        """

    async def changed(self) -> None:
        """Wait until it is worth asking again."""

    async def close(self) -> None:
        """Let go of connections."""


def open_envelope(data: bytes, *, gateway: str, gateway_keys: GatewayKeys, number: int | None = None) -> Offer:
    """Prove and open an envelope. Raises `OfferRefused`; with `number`, also when it carries another one."""
    found = number or 0
    try:
        envelope, plain = unseal(data, gateway=gateway, keys=gateway_keys)
        if number is not None and envelope.revision != number:
            # A replayed envelope under a newer number would roll configuration back.
            text = f"The envelope offered as revision {number} is revision {envelope.revision}."
            raise EnvelopeError("envelope_wrong_number", text)
        if document.digest(plain) != envelope.digest:
            raise EnvelopeError("envelope_wrong_digest", "The revision's content does not fit its digest.")
    except EnvelopeError as error:
        raise OfferRefused(found, document.digest(data), error.code, str(error)) from error
    return Offer(envelope.revision, envelope.digest, plain, data)


class RedisSource:
    """Revisions that the portal publishes for one gateway: announced on a channel, and polled by the pointer."""

    def __init__(self, redis: Redis, *, gateway: str, gateway_keys: GatewayKeys, registration: int = 0) -> None:
        self._redis = redis
        self._registration = registration
        self._gateway = gateway
        self._keys = gateway_keys
        self._announced = asyncio.Event()
        self._older = 0
        self._told_unknown = False
        self.connected = False

    async def fetch(self, newer_than: int) -> Offer | None:
        """Return the revision that the pointer names if it is newer than what this gateway has."""
        try:
            raw = await self._pointer()
            number = _number(raw)
            if number is None or number <= newer_than:
                self.connected, self._told_unknown = True, False
                self._note_older(number, newer_than)
                return None
            sealed = await self._get(keys.revision(self._gateway, number))
        except (RedisError, OSError) as error:
            self._note_away(error)
            raise SourceUnavailable(str(error)) from error
        self.connected, self._told_unknown = True, False
        if sealed is None:
            raise OfferRefused(number, "", "revision_missing", f"Revision {number} is announced but not there.")
        return open_envelope(sealed, gateway=self._gateway, gateway_keys=self._keys, number=number)

    async def check(self) -> None:
        """Ask whether the registration has ended. Raises `Revoked`; says nothing when Redis cannot be asked."""
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                await self._pointer()
        except (RedisError, OSError) as error:
            self._note_away(error)

    async def _pointer(self) -> bytes | None:
        """Return the pointer. Raises `Revoked`, which comes first: who is revoked may read nothing else."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.get(keys.revocation(self._gateway))
            pipeline.get(keys.pointer(self._gateway))
            notice, pointer = await pipeline.execute(raise_on_error=False)
        if isinstance(notice, bytes):
            found = read_revocation(notice, gateway=self._gateway, verify_key=self._keys.verify)
            if found is not None and found.up_to >= self._registration:
                raise Revoked
        if isinstance(pointer, Exception):
            raise pointer
        assert pointer is None or isinstance(pointer, bytes)
        return pointer

    async def _get(self, name: str) -> bytes | None:
        value = await self._redis.get(name)
        # The client is made without decoding; its type does not say so.
        assert not isinstance(value, str)
        return value

    def _note_away(self, error: Exception) -> None:
        """Log once that Redis is away, or does not know this registration."""
        # One that was renewed may no longer read the pointer, only whether it is revoked.
        if isinstance(error, (AuthenticationError, NoPermissionError)):
            if not self._told_unknown:
                text = "Redis does not accept this registration. Where it was renewed, register again."
                log.error("registration_not_accepted", message=text, error=error)
            self._told_unknown = True
        elif self.connected:
            log.warning("redis_away", error=error)
        self.connected = False

    def _note_older(self, number: int | None, newer_than: int) -> None:
        """Log once when an older number is offered: the gateway stays on what it has."""
        if number is not None and number < newer_than and number != self._older:
            log.warning("older_revision_ignored", offered=number, running=newer_than)
            self._older = number

    async def changed(self) -> None:
        """Wait for an announcement, at most a second: announcements can be lost, the pointer cannot."""
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await self._announced.wait()
        except TimeoutError:
            pass
        self._announced.clear()

    async def listen(self) -> None:
        """Hear announcements until cancelled, subscribing again whenever the connection is lost."""
        delay = 0.2
        while True:
            try:
                async with self._redis.pubsub() as subscription:
                    await subscription.subscribe(keys.announcements(self._gateway))
                    delay = 0.2
                    while True:
                        message = await subscription.get_message(ignore_subscribe_messages=True, timeout=10)
                        if message is not None:
                            self._announced.set()
            except (RedisError, OSError):
                # `fetch` notices and logs; here only the next attempt matters.
                await asyncio.sleep(delay)
                delay = min(delay * 2, BACK_OFF_SECONDS)

    async def close(self) -> None:
        """Nothing of its own: the connection belongs to the supervisor."""


def _number(raw: bytes | None) -> int | None:
    """Read a pointer. Anything but a plain number counts as no pointer."""
    if raw is None or not raw.isdigit() or len(raw) > 18:
        return None
    return int(raw)
