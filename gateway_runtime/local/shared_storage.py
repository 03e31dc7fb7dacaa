"""`sharedStorage.redis` of a Configuration: where replicas share counters and caches."""

from __future__ import annotations

from urllib.parse import quote

from gateway_runtime.local.addresses import read_address
from gateway_runtime.local.configuration_kind import Redis, RedisTls, Sentinel
from gateway_runtime.local.place import Place
from gateway_runtime.local.tls_settings import read_key
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.storage import Sentinels, SharedStorage, StorageTls
from gateway_runtime.state.connection import connector

# Where the settings of the document stand in a file.
_WRITTEN = {
    "tls.trusted_ca": "tls.trustedCA",
    "tls.certificate": "tls.certificate.crt",
    "tls.key": "tls.certificate.key",
    "tls.min_version": "tls.minversion",
    "tls.max_version": "tls.maxversion",
    "sentinels.master": "sentinel.masterName",
}


def read_shared_storage(redis: Redis, place: Place) -> SharedStorage:
    """Return the storage for the document. Raises `FileFault`."""
    sentinel = redis.sentinel
    # A name alone would be taken for a password.
    user = f"{quote(redis.username, safe='')}:" if redis.username else ":" if redis.password else ""
    credentials = f"{user}{quote(redis.password, safe='')}@" if user else ""
    scheme = "redis" if redis.tls is None else "rediss"
    host = "" if sentinel is not None else _host(redis.address, place.at("address"))
    storage = SharedStorage(
        url=f"{scheme}://{credentials}{host}/{redis.db}",
        tls=None if redis.tls is None else _read_tls(redis.tls, place.at("tls")),
        sentinels=None if sentinel is None else _read_sentinel(sentinel, redis.address, place),
    )
    try:
        connector(storage, "")
    except ConfigFault as fault:
        path = fault.path.removeprefix(".")
        path = _WRITTEN.get(path, path.replace("sentinels.", "sentinel."))
        raise place.inside("address" if path == "url" else path).fault(fault.message, fault.code) from fault
    return storage


def _host(text: str, here: Place) -> str:
    if ":" not in text.rpartition("]")[2]:
        raise here.fault(f"“{text}” is not an address. Write host:port.", "invalid_address")
    address = read_address(f"http://{text}", here)
    if address.path:
        raise here.fault(f"“{text}” is not an address. Write host:port, and the number as db.", "invalid_address")
    return f"[{address.host}]:{address.port}" if ":" in address.host else f"{address.host}:{address.port}"


def _read_sentinel(sentinel: Sentinel, address: str, place: Place) -> Sentinels:
    if address:
        message = "Its Sentinels say where the Redis is. Give either the address or them."
        raise place.at("address").fault(message)
    return Sentinels(addresses=sentinel.addresses, master=sentinel.master_name, password=sentinel.password)


def _read_tls(tls: RedisTls, place: Place) -> StorageTls:
    certificate = tls.certificate
    return StorageTls(
        trusted_ca=tls.trustedCA,
        certificate=certificate.crt if certificate else "",
        key=read_key(certificate, place.at("certificate")) if certificate else "",
        skip_validation=tls.skipValidation,
        min_version=tls.minversion,
        max_version=tls.maxversion,
        ciphers=tls.ciphers or [],
        alpn=tls.alpn or [],
    )
