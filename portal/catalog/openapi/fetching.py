"""Fetching a specification from a URL without becoming a door into our own networks."""

import socket
import time
from collections.abc import Callable
from urllib.parse import urljoin, urlsplit

import httpx2
from django.conf import settings

from portal.catalog.openapi.faults import Fault, SpecificationRefused
from portal.catalog.openapi.limits import MAX_BYTES
from portal.core.addresses import Address, is_private_address, literal_address

FETCH_SECONDS = 15.0
REDIRECTS = 3
_PORTS = {"http": 80, "https": 443}

Resolve = Callable[[str, int], list[Address]]


def specification_fetch(
    url: str,
    *,
    resolve: Resolve | None = None,
    transport: httpx2.BaseTransport | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> bytes:
    """Return what is at `url`. Raises `SpecificationRefused`; at most `MAX_BYTES` and `FETCH_SECONDS`."""
    deadline = clock() + FETCH_SECONDS
    # Without the environment's proxies: what is checked must be what is connected to.
    with httpx2.Client(trust_env=False, transport=transport, timeout=5.0, follow_redirects=False) as client:
        for _ in range(REDIRECTS + 1):
            request = _request(client, url, resolve or _resolve)
            try:
                response = client.send(request, stream=True)
                try:
                    if not response.has_redirect_location:
                        return _body(response, url, lambda: clock() > deadline)
                    url = urljoin(url, response.headers["location"])
                finally:
                    response.close()
            except httpx2.HTTPError as error:
                reason = "it did not answer in time" if isinstance(error, httpx2.TimeoutException) else "no connection"
                raise _refused(
                    "url_unreachable", f"{_shown(url)} cannot be read: {reason}. Check the address, or upload the file."
                ) from error
    raise _refused(
        "url_redirects", f"{_shown(url)} was reached by more than {REDIRECTS} redirects. Give the final address."
    )


def _request(client: httpx2.Client, url: str, resolve: Resolve) -> httpx2.Request:
    """Return a request to a checked address: the one that was resolved here, so that no second answer can differ."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        host, port, parts = "", 0, urlsplit("")
    if parts.scheme not in _PORTS or not host:
        raise _refused("url_invalid", "Give an address that begins with https:// or http://.")
    if parts.username or parts.password:
        raise _refused("url_credentials", "Remove the user name and password from the address, or upload the file.")
    try:
        host = host.encode("idna").decode() if not host.isascii() else host
        addresses = resolve(host, port)
    except (OSError, UnicodeError):
        addresses = []
    if not addresses:
        raise _refused("url_unknown_host", f"The host {host[:100]} is not known. Check the address.")
    if not settings.ALLOW_PRIVATE_IMPORT and any(is_private_address(address) for address in addresses):
        raise _refused(
            "url_private", f"{host[:100]} is on a private network, which is not fetched from. Upload the file instead."
        )
    address = addresses[0]
    target = f"[{address}]" if address.version == 6 else str(address)
    return client.build_request(
        "GET",
        httpx2.URL(url).copy_with(host=target, port=port),
        headers={
            "Host": parts.netloc,
            "Accept": "application/yaml, application/json, text/*;q=0.9, */*;q=0.5",
            # Unpacked it could be any size.
            "Accept-Encoding": "identity",
            "User-Agent": "Portico",
        },
        extensions={"sni_hostname": host},
    )


def _resolve(host: str, port: int) -> list[Address]:
    literal = literal_address(host)
    if literal is not None:
        return [literal]
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [literal_address(str(entry[4][0])) for entry in found]
    return [address for address in addresses if address is not None]


def _body(response: httpx2.Response, url: str, late: Callable[[], bool]) -> bytes:
    if response.status_code != 200:
        raise _refused(
            "url_status",
            f"{_shown(url)} answered {response.status_code} instead of 200. Check the address, or upload the file.",
        )
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise _refused("url_packed", f"{_shown(url)} answers with a packed body. Download and upload the file.")
    body = bytearray()
    for part in response.iter_bytes():
        body += part
        if len(body) > MAX_BYTES:
            limit = MAX_BYTES // 1024 // 1024
            raise _refused("specification_too_large", f"{_shown(url)} is larger than {limit} MB. Split the API.")
        if late():
            raise _refused(
                "url_too_slow", f"{_shown(url)} took longer than {FETCH_SECONDS:.0f} seconds. Upload the file instead."
            )
    return bytes(body)


def _shown(url: str) -> str:
    """Return the address without its query, which may hold a token."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}{parts.path}"[:200]


def _refused(code: str, message: str) -> SpecificationRefused:
    return SpecificationRefused([Fault(code=code, message=message)], field="url")
