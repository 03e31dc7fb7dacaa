"""`portico gateway register`: exchange a one-time token for a registration, and keep it in a file of its own.

Neither Django nor a database is needed: it runs wherever a gateway is to run.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import msgspec

from gateway_runtime.schema.replica import Registration

SECONDS = 15.0
PATH = "/api/v1/gateway-registrations/"


class RegisterError(Exception):
    """The gateway is not registered. The message is one sentence for whoever asked."""


def register(
    *,
    name: str,
    token: str,
    url: str,
    output: Path,
    overwrite: bool = False,
    host: str = "",
    transport: httpx2.BaseTransport | None = None,
) -> None:
    """Write the registration of a gateway to `output`, readable by its owner only. Raises `RegisterError`.

    The place is made sure of first, because the token works only once. `host` is for a portal that is asked by another
    address than the one it answers to.
    """
    with _draft(output, overwrite=overwrite) as descriptor:
        registration = _ask(url, {"name": name, "token": token}, host, transport)
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(msgspec.yaml.encode(registration))
            file.flush()
            os.fsync(file.fileno())


@contextmanager
def _draft(output: Path, *, overwrite: bool) -> Iterator[int]:
    """Yield a file of mode 0600 beside `output`, which takes its place when all went well."""
    taken = f"{output} is there already. Choose another file with --output-file, or replace it with --overwrite."
    if output.exists() and not overwrite:
        raise RegisterError(taken)
    draft = output.with_name(f".{output.name}.{os.getpid()}.new")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            yield descriptor
            if overwrite:
                os.replace(draft, output)
            else:
                # Unlike renaming, this never replaces what somebody has put there meanwhile.
                os.link(draft, output)
        finally:
            os.close(descriptor)
            with suppress(FileNotFoundError):
                draft.unlink()
    except FileExistsError:
        raise RegisterError(taken) from None
    except OSError as error:
        raise RegisterError(f"{output} cannot be written: {error.strerror}. Choose another file.") from error


def _ask(url: str, body: dict[str, str], host: str, transport: httpx2.BaseTransport | None) -> Registration:
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise RegisterError(f"“{url}” is not the address of a portal. Use one such as https://portal.example.com.")
    headers = {"host": host} if host else {}
    try:
        with httpx2.Client(timeout=SECONDS, transport=transport, headers=headers) as client:
            answer = client.post(url.rstrip("/") + PATH, json=body)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        said = str(error) or type(error).__name__
        raise RegisterError(f"The portal at {url} cannot be reached: {said}.") from error
    return _read(answer, url)


def _read(answer: httpx2.Response, url: str) -> Registration:
    try:
        found: Any = answer.json()
        if answer.status_code == 201:
            return msgspec.convert(found, Registration)
        fields: dict[str, str] = found["fields"]
        raise RegisterError(" ".join(fields.values()) or str(found["message"]))
    except (ValueError, KeyError, TypeError, AttributeError, msgspec.MsgspecError):
        raise RegisterError(f"There is no portal at {url}: it answers with status {answer.status_code}.") from None


def is_exposed(url: str) -> bool:
    """Tell whether what is sent to this address can be read on the way."""
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname == "localhost":
        return False
    try:
        return not ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return True
