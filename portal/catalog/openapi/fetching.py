"""Fetching a specification from a URL without becoming a door into our own networks."""

import time
from collections.abc import Callable
from urllib.parse import urljoin, urlsplit

import httpx2
from django.conf import settings

from portal.catalog.openapi.faults import Fault, SpecificationRefused
from portal.catalog.openapi.limits import MAX_BYTES
from portal.core.egress import EgressRefused, Resolve, guarded_request

FETCH_SECONDS = 15.0
REDIRECTS = 3
_SENTENCES = {
    "url_invalid": "Give an address that begins with https:// or http://.",
    "url_credentials": "Remove the user name and password from the address, or upload the file.",
    "url_unknown_host": "The host {host} is not known. Check the address.",
    "url_private": "{host} is on a private network, which is not fetched from. Upload the file instead.",
}


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
            request = _request(url, resolve)
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


def _request(url: str, resolve: Resolve | None) -> httpx2.Request:
    """Return a request to the checked address behind `url`."""
    headers = {
        "Accept": "application/yaml, application/json, text/*;q=0.9, */*;q=0.5",
        # Unpacked it could be any size.
        "Accept-Encoding": "identity",
    }
    try:
        return guarded_request(
            "GET", url, headers=headers, allow_private=settings.ALLOW_PRIVATE_IMPORT, resolve=resolve
        )
    except EgressRefused as error:
        raise _refused(error.code, _SENTENCES[error.code].format(host=error.host)) from error


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
