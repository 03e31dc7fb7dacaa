"""From text to plain data: JSON or YAML by the rules of JSON, with everything bounded."""

import re
from typing import Any

import msgspec

from gateway_runtime.specification.faults import MAX_DEPTH, MAX_VALUES, SpecificationFault, too_deep, too_many

MAX_BYTES = 5 * 1024 * 1024

_VERSION = re.compile(r"3\.([01])\.[0-9]+\Z")


def read(text: str) -> tuple[dict[str, Any], bool]:
    """Return the document in a text, and whether it is OpenAPI 3.0 and not 3.1. Raises `SpecificationFault`."""
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise SpecificationFault(f"The specification is larger than {MAX_BYTES // 1024 // 1024} MB.")
    text = text.removeprefix("\ufeff")
    document = _read_json(text) if text.lstrip()[:1] == "{" else _read_yaml(text)
    if not isinstance(document, dict):
        raise SpecificationFault("The specification is no object with “openapi” in it.")
    if "swagger" in document:
        raise SpecificationFault("This is Swagger 2.0: give an OpenAPI 3.0 or 3.1 document.")
    version = document.get("openapi")
    found = _VERSION.match(version) if isinstance(version, str) else None
    if found is None:
        raise SpecificationFault("“openapi” has to say a version such as 3.0.3 or 3.1.0, in quotes.")
    return document, found[1] == "0"


def _read_json(text: str) -> Any:
    try:
        value = msgspec.json.decode(text)
    except RecursionError:
        raise too_deep() from None
    except (ValueError, msgspec.MsgspecError) as error:
        raise SpecificationFault(f"The specification is no valid JSON: {error}.") from None
    level, values = [value], 0
    for _ in range(MAX_DEPTH):
        level = [
            each
            for container in level
            if isinstance(container, dict | list)
            for each in (container.values() if isinstance(container, dict) else container)
        ]
        values += len(level)
        if values > MAX_VALUES:
            raise too_many()
        if not level:
            return value
    raise too_deep()


def _read_yaml(text: str) -> Any:
    # With it comes the library, which only workers with such a specification need.
    from gateway_runtime.specification.yaml_reading import read_yaml

    return read_yaml(text)
