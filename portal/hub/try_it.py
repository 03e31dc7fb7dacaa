"""Sending a call of the reference to a gateway: where it may go, what goes along, and how much comes back."""

import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import httpx2
from django.conf import settings

from portal.apis.models import ApiInstance
from portal.apis.selectors import instance_url
from portal.contracts.selectors import instances_offered_to
from portal.core.addresses import is_private_address, literal_address
from portal.core.errors import ApplicationError

MOST_BYTES = 1_000_000
MOST_SECONDS = 15.0
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# Between two hops only (RFC 9110, 7.6.1), or made anew for the next hop.
_HOP = frozenset({
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade", "host", "content-length", "expect",
})  # fmt: skip
# The portal's own, never for an API: session and its tokens, and what the browser says about our page.
_OURS = frozenset({"cookie", "origin", "referer", "x-csrftoken", "accept-encoding"})
_OUR_PREFIXES = ("x-try-it-", "x-scalar-", "sec-", "x-forwarded-", "x-real-")
# What would act on the portal's page instead of being shown: cookies, rules of its origin, and the password prompt
# that browsers open for a 401 with a challenge. Policies and framing are set anew by the answer.
_NOT_BACK = frozenset({
    "set-cookie", "set-cookie2", "clear-site-data", "content-encoding", "refresh", "service-worker-allowed",
    "content-security-policy", "content-security-policy-report-only", "strict-transport-security", "x-frame-options",
    "reporting-endpoints", "report-to", "nel", "alt-svc", "link", "content-disposition", "sourcemap",
})  # fmt: skip
RENAMED = {"www-authenticate": "X-Try-It-WWW-Authenticate", "location": "X-Try-It-Location"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back from the gateway, ready to be shown."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def _refused(code: str, message: str, status: int = 400) -> ApplicationError:
    return ApplicationError(code, message, status=status)


def _under(url: SplitResult, base: SplitResult) -> bool:
    """Tell whether a URL lies at or below a base: same scheme, host and port, and path segments alike."""
    if (url.scheme, url.hostname, url.port) != (base.scheme, base.hostname, base.port):
        return False
    root = base.path.rstrip("/")
    return url.path == root or url.path.startswith(f"{root}/")


def _plain(url: SplitResult) -> bool:
    """Tell whether a URL means what it says: http, no sign-in data, no dot segments in any spelling, no control."""
    path = unquote(unquote(url.path))
    dotted = any(segment in (".", "..") for segment in path.replace("\\", "/").split("/"))
    text = url.geturl()
    return (
        url.scheme in ("http", "https")
        and bool(url.hostname)
        and url.username is None
        and not dotted
        and "\\" not in text
        and all(33 <= ord(character) < 127 for character in text)
    )


def target_of(user: Any, text: str) -> tuple[str, ApiInstance]:
    """Return the URL to call and the instance it belongs to. Raises `ApplicationError` for anything not offered."""
    try:
        url = urlsplit(text)
        known = _plain(url) and (url.port is None or url.port > 0)
    except ValueError:
        known = False
    if known:
        offered = instances_offered_to(user).select_related(
            "gateway__environment", "listener", "environment", "api_version__api"
        )
        for instance in offered:
            if _under(url, urlsplit(instance_url(instance))):
                return url._replace(fragment="").geturl(), instance
    raise _refused(
        "not_an_offered_api",
        "Try it reaches only APIs offered in this hub. Choose one of the servers in the list.",
        403,
    )


def _platform_ports() -> set[int]:
    """Return ports of the platform itself on this machine, which no API may stand for."""
    ports = {settings.PORTAL_PORT, urlsplit(f"//{settings.GATEWAY_ADMIN}").port}
    ports.add(urlsplit(settings.REDIS_URL).port)
    return {port for port in ports if port}


def _address_for(url: SplitResult, instance: ApiInstance) -> str:
    """Return the address to connect to, checked after resolving, so that a name cannot change its meaning between."""
    host = url.hostname or ""
    port = url.port or (443 if url.scheme == "https" else 80)
    literal = literal_address(host)
    try:
        found = (
            [str(literal)] if literal else [str(i[4][0]) for i in socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)]
        )
    except OSError as error:
        raise _refused("gateway_not_found", f"The host {host} of this gateway is not known here.", 502) from error
    inside = [address for address in found if (a := literal_address(address)) is None or is_private_address(a)]
    if inside:
        # Whoever sets up the installation names its own gateway host; all others may only point outside, unless their
        # environment is allowed private addresses.
        ours = host == settings.GATEWAY_HOST
        if not (ours or instance.environment.allow_private_targets) or port in _platform_ports():
            raise _refused("address_not_allowed", "The address of this gateway is inside a private network.", 403)
    # A gateway listens on IPv4 by default; localhost often names both.
    return next((address for address in found if ":" not in address), found[0])


def request_headers(given: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the headers that go along: the caller's own, none of the portal's and none between hops."""
    given = list(given)
    named = {name.strip().lower() for key, value in given if key.lower() == "connection" for name in value.split(",")}
    kept = []
    for name, value in given:
        key = name.lower()
        if key == "x-scalar-cookie":
            # A cookie the person typed for the API; a browser cannot send it under its own name.
            kept.append(("cookie", value))
        elif key == "x-scalar-user-agent":
            kept.append(("user-agent", value))
        elif key not in _HOP | _OURS | named and not key.startswith(_OUR_PREFIXES):
            kept.append((name, value))
    return kept


def answer_headers(given: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the headers to show: those that would act on the portal's own page are renamed or left out."""
    kept = []
    for name, value in given:
        key = name.lower()
        if key in RENAMED:
            kept.append((RENAMED[key], value))
        elif (
            key not in _HOP | _NOT_BACK and not key.startswith("access-control-") and not key.startswith("cross-origin")
        ):
            kept.append((name, value))
    return kept


def _pinned(url: SplitResult, address: str) -> str:
    host = f"[{address}]" if ":" in address else address
    return url._replace(netloc=f"{host}:{url.port}" if url.port else host).geturl()


def send(*, url: str, instance: ApiInstance, method: str, headers: Iterable[tuple[str, str]], body: bytes) -> Answer:
    """Call a gateway and return its answer. Raises `ApplicationError` when it cannot be had within the limits."""
    if method not in METHODS:
        raise _refused("method_not_allowed", f"The method {method[:20]} cannot be tried here.", 405)
    if len(body) > MOST_BYTES:
        raise _refused("body_too_large", "Try it sends at most 1 MB. Use the curl command for larger bodies.", 413)
    parts = urlsplit(url)
    address = _address_for(parts, instance)
    deadline = time.monotonic() + MOST_SECONDS
    # A server may note a type of its own for a request that has no body.
    kept = [(name, value) for name, value in request_headers(headers) if body or name.lower() != "content-type"]
    sent = [*kept, ("host", parts.netloc), ("accept-encoding", "identity")]
    try:
        with (
            httpx2.Client(timeout=httpx2.Timeout(MOST_SECONDS, connect=5.0), trust_env=False) as client,
            client.stream(
                method,
                _pinned(parts, address),
                headers=sent,
                content=body or None,
                follow_redirects=False,
                extensions={"sni_hostname": parts.hostname or ""},
            ) as response,
        ):
            received = bytearray()
            for chunk in response.iter_raw():
                received += chunk
                if len(received) > MOST_BYTES:
                    raise _refused("answer_too_large", "The answer is larger than 1 MB. Use the curl command.", 502)
                if time.monotonic() > deadline:
                    raise _refused("answer_too_slow", "The answer took more than 15 seconds.", 504)
            return Answer(
                status=response.status_code,
                headers=answer_headers(response.headers.multi_items()),
                body=bytes(received),
            )
    except httpx2.TimeoutException as error:
        raise _refused("answer_too_slow", "The gateway did not answer within 15 seconds.", 504) from error
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise _refused("gateway_unreachable", "The gateway could not be reached. Is it running?", 502) from error
