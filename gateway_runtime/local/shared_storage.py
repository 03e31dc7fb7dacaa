"""`sharedStorage.redis` of a Configuration: where replicas share counters and caches."""

from __future__ import annotations

from urllib.parse import quote

from gateway_runtime.local.addresses import read_address
from gateway_runtime.local.configuration_kind import Redis, RedisTls
from gateway_runtime.local.place import Place
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.storage import SharedStorage, StorageTls
from gateway_runtime.state.connection import connector

# Where the settings of the document stand in a file.
_WRITTEN = {
    "tls.trusted_ca": ("tls", "trustedCA"),
    "tls.certificate": ("tls", "certificate"),
    "tls.min_version": ("tls", "minversion"),
    "tls.ciphers": ("tls", "ciphers"),
}


def read_shared_storage(redis: Redis, place: Place) -> SharedStorage:
    """Return the storage for the document. Raises `FileFault`."""
    if redis.sentinel is not None:
        raise place.at("sentinel").fault("Redis Sentinel is not supported yet by this gateway.", "not_supported")
    here = place.at("address")
    if ":" not in redis.address.rpartition("]")[2]:
        raise here.fault(f"“{redis.address}” is not an address. Write host:port.", "invalid_address")
    address = read_address(f"http://{redis.address}", here)
    if address.path:
        raise here.fault(
            f"“{redis.address}” is not an address. Write host:port, and the number as db.", "invalid_address"
        )
    host = f"[{address.host}]" if ":" in address.host else address.host
    # A name alone would be taken for a password.
    user = f"{quote(redis.username, safe='')}:" if redis.username else ":" if redis.password else ""
    credentials = f"{user}{quote(redis.password, safe='')}@" if user else ""
    scheme = "redis" if redis.tls is None else "rediss"
    storage = SharedStorage(
        url=f"{scheme}://{credentials}{host}:{address.port}/{redis.db}",
        tls=None if redis.tls is None else _read_tls(redis.tls, place.at("tls")),
    )
    try:
        connector(storage, "")
    except ConfigFault as fault:
        path = fault.path.removeprefix(".")
        raise place.at(*_WRITTEN.get(path, ("address",))).fault(fault.message, fault.code) from fault
    return storage


def _read_tls(tls: RedisTls, place: Place) -> StorageTls:
    if tls.alpn:
        raise place.at("alpn").fault("Redis has no application protocols. Leave it out.", "not_supported")
    if tls.minversion > tls.maxversion:
        message = f"The lowest version {tls.minversion} is above the highest {tls.maxversion}."
        raise place.at("minversion").fault(message)
    certificate = tls.certificate
    if certificate is not None and certificate.key_passphrase:
        message = "A key with a passphrase is not supported by this gateway."
        raise place.at("certificate", "keyPassphrase").fault(message, "not_supported")
    return StorageTls(
        trusted_ca=tls.trustedCA,
        certificate=certificate.crt if certificate else "",
        key=certificate.key if certificate else "",
        skip_validation=tls.skipValidation,
        min_version=tls.minversion,
        max_version=tls.maxversion,
        ciphers=tls.ciphers or [],
    )
