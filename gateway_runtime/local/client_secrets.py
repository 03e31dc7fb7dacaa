"""Secrets of client applications: hashed as soon as they are read, and masked in what was written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from gateway_runtime.local.kinds import ClientApplication
from gateway_runtime.local.masking import MASK
from gateway_runtime.local.place import Place

SECRET, DIGEST = "clientSecret", "clientSecretSha256"
# A new one and the one before it.
MOST_SECRETS = 2

_match_digest = re.compile("[0-9a-f]{64}").fullmatch


def keep_digests(spec: ClientApplication, place: Place) -> ClientApplication:
    """Return an application that holds digests in the place of its secrets. Raises `FileFault`."""
    digests = [sha256(secret.encode()).hexdigest() for secret, _ in _each(spec.client_secret, place.at(SECRET))]
    for written, here in _each(spec.client_secret_sha256, place.at(DIGEST)):
        digest = written.lower()
        if not _match_digest(digest):
            raise here.fault("Write the SHA-256 of the secret as 64 hexadecimal digits.")
        digests.append(digest)
    if len(digests) > MOST_SECRETS:
        name = SECRET if spec.client_secret is not None else DIGEST
        raise place.at(name).fault("An application has at most two secrets: the new one and the one before it.")
    return ClientApplication(client_id=spec.client_id, client_secret_sha256=digests, contracts=spec.contracts)


def masked(written: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was written of an application, without its secrets."""
    return {
        key: ([MASK] * len(value) if isinstance(value, list) else MASK) if key in (SECRET, DIGEST) else value
        for key, value in written.items()
    }


def _each(value: str | list[str] | None, place: Place) -> Iterator[tuple[str, Place]]:
    """Yield one value or those of a list, each with its place."""
    if isinstance(value, str):
        yield value, place
    else:
        yield from ((each, place.at(index)) for index, each in enumerate(value or ()))
