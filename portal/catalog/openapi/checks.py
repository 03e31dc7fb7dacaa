"""Whether a document is an OpenAPI 3.0 or 3.1 description that this installation can take."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

from django.conf import settings

from portal.catalog.openapi.faults import Fault, SpecificationRefused, pointer_to, refuse
from portal.catalog.openapi.locating import line_of
from portal.catalog.openapi.reading import read

CHECK_SECONDS = 15
_TAKEN = re.compile(r"3\.[01]\.[0-9]+\Z")

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenApi:
    """A specification that may be stored: its text as it came, the document, and what the catalog takes from it."""

    source: str
    document: dict[str, Any]
    openapi: str
    title: str
    version: str
    description: str


def openapi_from(source: str | bytes) -> OpenApi:
    """Read and check a specification. Raises `SpecificationRefused` with every fault that was found."""
    document = read(source)
    text = source.decode("utf-8-sig") if isinstance(source, bytes) else source.removeprefix("\ufeff")
    faults = _kind_faults(document) or _basic_faults(document) or _schema_faults(document)
    if faults:
        raise SpecificationRefused([_with_line(fault, text) for fault in faults])
    information = document["info"]
    return OpenApi(
        source=text,
        document=document,
        openapi=document["openapi"],
        title=information["title"].strip(),
        version=str(information["version"]).strip(),
        description=str(information.get("description") or information.get("summary") or "").strip(),
    )


def _kind_faults(document: Any) -> list[Fault]:
    """Tell what else it is, when it is not OpenAPI 3.0 or 3.1."""
    mend = "Give an OpenAPI 3.0 or 3.1 document."
    if not isinstance(document, dict):
        return [Fault(code="not_openapi", message=f"This is not an object with “openapi” in it. {mend}")]
    if "swagger" in document:
        message = "This is Swagger 2.0. Convert it to OpenAPI 3.0 or 3.1 first, for example with swagger2openapi."
        return [Fault(code="openapi_version", message=message, pointer="/swagger")]
    if "asyncapi" in document:
        return [Fault(code="not_openapi", message=f"This is AsyncAPI. {mend}", pointer="/asyncapi")]
    version = document.get("openapi")
    if version is None:
        return [Fault(code="not_openapi", message=f"“openapi” is missing at the top. {mend}")]
    if not isinstance(version, str) or not _TAKEN.match(version):
        message = f"OpenAPI {str(version)[:20]} is not supported. Use a version such as 3.0.3 or 3.1.0, in quotes."
        return [Fault(code="openapi_version", message=message, pointer="/openapi")]
    return []


def _basic_faults(document: dict[str, Any]) -> list[Fault]:
    """Find the faults that nothing further can be checked with: no title, outside references, unusable text."""
    faults = []
    information = document.get("info")
    for name in ("title", "version"):
        value = information.get(name) if isinstance(information, dict) else None
        if not isinstance(value, str) or not value.strip():
            message = f"“{name}” is missing or not text. Add it under “info”, in quotes."
            faults.append(Fault(code="info_missing", message=message, pointer=f"/info/{name}"))
    for path, key, value in _strings(document):
        if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
            message = "The text contains a character that cannot be stored. Remove it."
            faults.append(Fault(code="not_text", message=message, pointer=pointer_to(path)))
        elif key == "$ref" and (fault := _reference_fault(document, value)):
            faults.append(replace(fault, pointer=pointer_to(path)))
    return faults


def _strings(document: Any) -> Iterator[tuple[Path, str | int, str]]:
    """Yield every text with its path and key; each shared part once, so that aliases cost nothing."""
    waiting: list[tuple[Path, Any]] = [((), document)]
    seen: set[int] = set()
    while waiting:
        path, value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            if isinstance(key, str) and ("\x00" in key or not key.isascii()):
                yield (*path, key), "", key
            if isinstance(item, str):
                yield (*path, key), key, item
            elif isinstance(item, dict | list):
                waiting.append(((*path, key), item))


def _reference_fault(document: dict[str, Any], reference: str) -> Fault | None:
    """Say what is wrong with a reference; its place is filled in by the caller."""
    followed: set[str] = set()
    while True:
        if reference in followed:
            return Fault(code="reference_loop", message=f"“{reference}” leads back to itself. Point it to a real part.")
        followed.add(reference)
        if not reference.startswith("#/"):
            message = (
                f"“{reference[:120]}” points outside the document. "
                "Bundle the specification into one file, with references that begin with “#/”."
            )
            return Fault(code="reference_outside", message=message)
        found = _resolve(document, reference)
        if found is None:
            message = f"“{reference[:120]}” points to nothing. Add that part or mend the reference."
            return Fault(code="reference_unknown", message=message)
        following = found.get("$ref") if isinstance(found, dict) else None
        if not isinstance(following, str):
            return None
        reference = following


def _resolve(document: Any, reference: str) -> Any:
    value = document
    for step in unquote(reference[2:]).split("/"):
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isascii() and key.isdigit() and len(key) < 8:
            value = value[int(key)] if int(key) < len(value) else None
        else:
            return None
    return value


def _schema_faults(document: dict[str, Any]) -> list[Fault]:
    """Check the document against the OpenAPI schema in a process of its own, which cannot outlive its time or memory.

    A document can make a validator run for ever, for instance by a regular expression in a schema with a default.
    """
    command = [sys.executable, "-m", "portal.catalog.openapi.validation"]
    try:
        done = subprocess.run(  # noqa: S603 - our own module, input on stdin
            command,
            input=json.dumps(document).encode(),
            capture_output=True,
            timeout=CHECK_SECONDS,
            cwd=settings.BASE_DIR,
            check=True,
        )
    except subprocess.TimeoutExpired as error:
        raise refuse(
            "check_too_long",
            f"Checking it took longer than {CHECK_SECONDS} seconds. Split the API or simplify its patterns.",
        ) from error
    except (subprocess.CalledProcessError, OSError) as error:
        raise refuse(
            "check_failed", "It could not be checked with the memory there is. Split the API into smaller ones."
        ) from error
    return [
        Fault(code="openapi_invalid", message=fault["message"], pointer=pointer_to(fault["path"]))
        for fault in json.loads(done.stdout)
    ]


def _with_line(fault: Fault, text: str) -> Fault:
    steps = [step.replace("~1", "/").replace("~0", "~") for step in fault.pointer.split("/")[1:]]
    return replace(fault, line=fault.line or line_of(text, steps)) if steps else fault
