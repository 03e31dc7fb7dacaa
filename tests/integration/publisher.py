"""The portal's end of the wire, by hand: seal a document, publish it, read what gateways answer."""

import secrets
import time
import uuid
from pathlib import Path

import msgspec
from redis import Redis

from gateway_runtime.configuration.registration import encode_registration
from gateway_runtime.schema import document as documents
from gateway_runtime.schema import keys
from gateway_runtime.schema.access import gateway_rules
from gateway_runtime.schema.document import Document
from gateway_runtime.schema.envelope import new_keys, seal
from gateway_runtime.schema.replica import Acknowledgement, Registration, ReplicaStatus
from gateway_runtime.schema.telemetry import BATCH_FIELD, Batch
from tests.stack import wait_until


class Publisher:
    """Publishes revisions for one gateway."""

    def __init__(self, redis: Redis, redis_url: str) -> None:
        self.redis = redis
        self.gateway = uuid.uuid4().hex
        self.signing_key, self.keys = new_keys()
        self.registration = Registration(
            gateway=self.gateway,
            name="edge",
            redis_url=self._user(redis_url),
            verify_key=self.keys.verify,
            encrypt_key=self.keys.encrypt,
        )
        self.number = 0

    def _user(self, redis_url: str) -> str:
        """Make a Redis user that may do what a gateway may, and return the URL with it."""
        name, password = f"gateway-{self.gateway}", secrets.token_urlsafe(16)
        self.redis.execute_command("ACL", "SETUSER", name, "reset", "on", f">{password}", *gateway_rules(self.gateway))
        self.redis.execute_command("ACL", "SAVE")
        return f"redis://{name}:{password}@{redis_url.rpartition('@')[2]}"

    def write_registration(self, path: Path) -> Path:
        """Write the registration file as the portal hands it out."""
        path.touch(mode=0o600)
        path.write_bytes(encode_registration(self.registration))
        return path

    def sealed(self, document: Document, number: int, *, signing_key: str | None = None) -> bytes:
        """Return an envelope."""
        data = documents.encode(document)
        return seal(
            data,
            gateway=self.gateway,
            revision=number,
            digest=documents.digest(data),
            created_at=time.time(),
            signing_key=signing_key or self.signing_key,
            encrypt_key=self.keys.encrypt,
        )

    def publish(self, document: Document) -> int:
        """Publish the next revision and return its number."""
        self.number += 1
        self.put(self.number, self.sealed(document, self.number))
        return self.number

    def put(self, number: int, envelope: bytes, *, announce: bool = True) -> None:
        """Store an envelope, point to it and announce it, in one transaction."""
        with self.redis.pipeline(transaction=True) as pipeline:
            pipeline.set(keys.revision(self.gateway, number), envelope)
            pipeline.set(keys.pointer(self.gateway), number)
            if announce:
                pipeline.publish(keys.announcements(self.gateway), number)
            pipeline.execute()

    def answers(self, number: int) -> list[Acknowledgement]:
        """Return what replicas have answered to a revision."""
        found = self.redis.hgetall(keys.acknowledgements(self.gateway, number))
        return [msgspec.json.decode(value, type=Acknowledgement) for value in found.values()]

    def answer(self, number: int, *, seconds: float = 10) -> Acknowledgement:
        """Wait for an answer to a revision."""
        return wait_until(lambda: self.answers(number), seconds=seconds, what=f"an answer to revision {number}")[0]

    def replica(self) -> ReplicaStatus | None:
        """Return the heartbeat of the only replica."""
        found = self.redis.hgetall(keys.replicas(self.gateway))
        return msgspec.json.decode(next(iter(found.values())), type=ReplicaStatus) if found else None

    def batches(self) -> list[Batch]:
        """Return all telemetry that has arrived."""
        entries = self.redis.xrange(keys.telemetry(self.gateway))
        return [msgspec.msgpack.decode(fields[BATCH_FIELD.encode()], type=Batch) for _, fields in entries]
