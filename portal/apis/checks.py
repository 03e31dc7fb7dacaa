"""What may be entered for an instance, a service and a route; form, REST and command line share it."""

import re
from urllib.parse import SplitResult, urlsplit

from portal.apis.models import ApiInstance
from portal.core.addresses import is_host, is_private_host
from portal.core.errors import ApplicationError
from portal.gateways.models import Listener
from portal.organizations.models import Environment

ROOT = "/"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")
_SEGMENT = re.compile(r"[A-Za-z0-9._~-]+\Z")
_PATH = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%/-]*\Z")
_PLAIN_METHODS = re.compile(r"[A-Za-z|,\s]+\Z")


def base_path_fault(base_path: str) -> str:
    """Return what is wrong with a base path, or an empty text."""
    if not base_path.startswith("/"):
        return "Begin the base path with a slash, for example /orders."
    if base_path == ROOT:
        return ""
    if len(base_path) > 200:
        return "Use at most 200 characters."
    if base_path.endswith("/"):
        return "Remove the slash at the end."
    for segment in base_path[1:].split("/"):
        if not segment:
            return "Remove the double slash."
        if segment in (".", ".."):
            return "Remove the parts “.” and “..”."
        if not _SEGMENT.match(segment):
            return "Use only letters, digits, slashes and the characters . _ ~ - in the base path."
    return ""


def overlaps(one: str, other: str) -> bool:
    """Tell whether a request could belong to both base paths: equal, or one begins with the other's segments."""
    one, other = one.rstrip("/"), other.rstrip("/")
    return f"{other}/".startswith(f"{one}/") or f"{one}/".startswith(f"{other}/")


def overlap_check(*, name: str, listener: Listener, base_path: str, besides: ApiInstance | None = None) -> None:
    """Raise `ApplicationError` when another instance on the same port would get the same requests."""
    # Locked, so that two people who deploy at once cannot both pass.
    Listener.objects.select_for_update().get(pk=listener.pk)
    others = listener.api_instances.select_related("api_version__api")
    for other in others.exclude(pk=besides.pk) if besides is not None else others:
        if overlaps(base_path, other.base_path):
            sentence = (
                f"{base_path} of {name} and {other.base_path} of {other} overlap on port {listener.port}. "
                "Choose another base path or another port."
            )
            raise ApplicationError("base_path_overlap", sentence, fields={"base_path": sentence}, status=409)


def implementation_url_fault(url: str, environment: Environment) -> str:
    """Return what is wrong with the address of an implementation, or an empty text."""
    fault = url_fault(url)
    if fault:
        return fault
    if not environment.allow_private_targets and is_private_host(urlsplit(url).hostname or ""):
        return (
            f"{urlsplit(url).hostname} is a private address, which {environment.name} does not allow. "
            "Give a public address, or let an owner allow private upstream addresses for this environment."
        )
    return ""


def url_fault(url: str) -> str:
    """Return what is wrong with an address that ends with a base path, or an empty text."""
    if any(character <= " " or character == "\x7f" for character in url):
        return "Remove the spaces and line breaks from the address."
    if len(url) > 500:
        return "Use at most 500 characters."
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "The address cannot be read. Write it like http://orders.example.com:9001/api."
    if parts.scheme not in ("http", "https"):
        return "Begin the address with http:// or https://."
    if "@" in parts.netloc:
        return "Remove the user name and password; a policy can add credentials."
    if "?" in url or "#" in url:
        return "Remove the part from ? or # on: the address ends with the base path of the implementation."
    if port == 0:
        return "Choose a port from 1 to 65535."
    return _host_fault(parts) or _path_fault(parts.path)


def _host_fault(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if not host:
        return "The host is missing. Write it like http://orders.example.com:9001/api."
    if not is_host(host):
        return "The host has characters that no host can have. Mend it; write other alphabets as xn--…"
    return ""


def _path_fault(path: str) -> str:
    if not _PATH.match(path) or re.search(r"%(?![0-9A-Fa-f]{2})", path):
        return "The path has characters that must be percent-encoded. Mend it."
    if any(segment in (".", "..") for segment in path.replace("%2e", ".").replace("%2E", ".").split("/")):
        return "Remove the parts “.” and “..” from the path."
    return "Remove the double slash from the path." if "//" in path else ""


def destination_path_fault(path: str) -> str:
    """Return what is wrong with the path that a destination puts before that of a request, or an empty text."""
    if not path:
        return ""
    if not path.startswith("/"):
        return "Begin the path with a slash, for example /v2."
    if "?" in path or "#" in path:
        return "Remove the part from ? or # on."
    return _path_fault(path)


def route_methods(methods: str, field: str = "methods") -> str:
    """Return methods as they are stored: `GET|HEAD`; a pattern stays as it is.

    Raises `ApplicationError` for a method that does not exist.
    """
    if not _PLAIN_METHODS.match(methods):
        return methods
    names = [name.upper() for name in re.split(r"[|,\s]+", methods.strip()) if name]
    unknown = [name for name in names if name not in METHODS]
    if unknown:
        sentence = f"There is no method {unknown[0][:30]}. Use some of {', '.join(METHODS[:7])}."
        raise ApplicationError("method_unknown", sentence, fields={field: sentence})
    return "|".join(name for name in METHODS if name in names)
