"""Calls as curl commands, ready to paste into a shell."""

import shlex
from urllib.parse import quote

from portal.catalog.models import ApiVersion
from portal.hub.operations import Operation, operations_of
from portal.hub.selectors import ClientHeaders


def credential_arguments(headers: ClientHeaders, client_id: str, secret: str) -> list[str]:
    """Return the curl arguments that carry a client's credentials."""
    if headers.basic:
        return ["-u", f"{client_id}:{secret}"]
    return ["-H", f"{headers.id_header}: {client_id}", "-H", f"{headers.secret_header}: {secret}"]


def _written(lines: list[list[str]]) -> str:
    return " \\\n  ".join(" ".join(shlex.quote(part) for part in line) for line in lines)


def curl_command(url: str, credentials: list[str]) -> str:
    """Return a command that reads `url`, printing status and headers too."""
    return _written(
        [["curl", "-i", url], *(list(pair) for pair in zip(credentials[::2], credentials[1::2], strict=True))]
    )


def first_call(version: ApiVersion, base_url: str, credentials: list[str]) -> str:
    """Return a command to begin with: the first operation that only reads and needs nothing, else the bare address."""
    specification = getattr(version, "specification", None)
    for operation in operations_of(specification.document) if specification else ():
        if operation.method == "GET" and not any(parameter.required for parameter in operation.parameters):
            return operation_curl(operation, base_url, credentials)
    return curl_command(base_url, credentials)


def operation_curl(operation: Operation, base_url: str, credentials: list[str]) -> str:
    """Return an operation as a command with its example values: path, required query, headers and body."""
    path = operation.path
    query, headers = [], []
    for parameter in operation.parameters:
        value = parameter.example or parameter.name
        if parameter.place == "path" and parameter.example:
            path = path.replace(f"{{{parameter.name}}}", quote(value, safe=""))
        elif parameter.place == "query" and parameter.required:
            query.append(f"{quote(parameter.name, safe='[]')}={quote(value, safe='')}")
        elif parameter.place == "header" and parameter.required:
            headers.append(["-H", f"{parameter.name}: {value}".replace("\r", " ").replace("\n", " ")])
    url = f"{base_url.rstrip('/')}{path}" + (f"?{'&'.join(query)}" if query else "")
    lines = [["curl", "-i", *([] if operation.method == "GET" else ["-X", operation.method]), url]]
    lines += [list(pair) for pair in zip(credentials[::2], credentials[1::2], strict=True)]
    lines += headers
    if operation.body is not None:
        lines.append(["-H", f"content-type: {operation.body.media_type}".replace("\n", " ")])
        lines.append(["--data-raw", operation.body.example])
    return _written(lines)
