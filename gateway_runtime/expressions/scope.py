"""Which names an expression may use, by where it is evaluated."""

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from gateway_runtime.expressions import reading
from gateway_runtime.expressions.types import (
    ANY,
    NUMBER,
    OBJECT,
    STRING,
    Kind,
    Type,
    optional,
    record,
)

Reader = Callable[..., Any]
# What an expression can begin with, in whatever setting.
ROOTS = frozenset({"attributes", "authentication", "payload", "vars"})
_TEXTS = Type(Kind.OBJECT, items=optional(STRING))


class Side(enum.StrEnum):
    """Whether an expression is about a request, about its response, or first about the one and then about the other."""

    REQUEST = "request"
    RESPONSE = "response"
    EITHER = "either"


@dataclass(frozen=True, slots=True)
class Source:
    """A name: its type and how it is read. `part` makes the reader of one constant part, where that costs less.

    `lower` says that the names of its parts have no capitals. What a policy hands over is not `sure` to be of its type,
    or to be there: reading it may stop.
    """

    type: Type
    read: Reader
    part: Callable[[str], Reader] | None = None
    lower: bool = False
    sure: bool = True


_REQUEST = {
    "headers": Source(_TEXTS, reading.request_headers, lambda name: reading.request_header(reading.wire(name)), True),
    "localAddress": Source(optional(STRING), reading.local_address),
    "method": Source(STRING, reading.method),
    "queryParams": Source(_TEXTS, reading.query_parameters, reading.query_parameter),
    "queryString": Source(STRING, reading.query_string),
    "remoteAddress": Source(STRING, reading.remote_address),
    "requestPath": Source(STRING, reading.request_path),
    "requestUri": Source(STRING, reading.request_uri),
    "scheme": Source(optional(STRING), reading.scheme),
    "version": Source(optional(STRING), reading.version),
}
_RESPONSE = {
    "headers": Source(_TEXTS, reading.response_headers, lambda name: reading.response_header(reading.wire(name)), True),
    "statusCode": Source(NUMBER, reading.status_code),
}
_EITHER = {
    **_REQUEST,
    "headers": Source(_TEXTS, reading.present_headers, lambda name: reading.present_header(reading.wire(name)), True),
    "statusCode": Source(optional(NUMBER), reading.present_status),
}
_AUTHENTICATION = {
    "clientId": Source(optional(STRING), reading.client_id, sure=False),
    "clientName": Source(optional(STRING), reading.client_name),
    "principal": Source(optional(STRING), reading.principal),
    "properties": Source(optional(OBJECT), reading.properties, sure=False),
}
_PAYLOAD = Source(ANY, reading.payload, sure=False)
_ATTRIBUTES = {Side.REQUEST: _REQUEST, Side.RESPONSE: _RESPONSE, Side.EITHER: _EITHER}
NO_VARIABLES: Mapping[str, Type] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What one setting's expressions may use. `payload` only where the policy has the body; `variables` are `vars`."""

    side: Side = Side.REQUEST
    payload: bool = False
    variables: Mapping[str, Type] = field(default_factory=lambda: NO_VARIABLES)

    def group(self, name: str) -> "Mapping[str, Source] | None":
        """Return what is behind a name with a point, None where there is no such name."""
        if name == "attributes":
            return _ATTRIBUTES[self.side]
        if name == "authentication":
            return _AUTHENTICATION
        if name == "vars" and self.variables:
            return {name: _variable(name, type_) for name, type_ in self.variables.items()}
        return None

    def whole(self, name: str) -> Source | None:
        """Return a name that stands by itself, None where there is no such name."""
        if name == "payload" and self.payload:
            return _PAYLOAD
        group = self.group(name)
        return _as_object(group) if group is not None else None

    @property
    def names(self) -> list[str]:
        """Return the names that an expression may begin with."""
        return [
            "attributes",
            "authentication",
            *(["payload"] if self.payload else []),
            *(["vars"] if self.variables else []),
        ]

    def why_not(self, name: str, part: str = "") -> str:
        """Say why a name that exists elsewhere is not known here, or nothing."""
        if name == "payload":
            return "This setting is evaluated without the body, so there is no “payload”."
        if name == "vars" and not self.variables:
            return "This policy has no variables, so there is no “vars”."
        if name == "attributes" and self.side is Side.RESPONSE and part in _REQUEST:
            return f"“attributes.{part}” belongs to the request; this setting is evaluated with the response."
        if name == "attributes" and self.side is Side.REQUEST and part in _RESPONSE:
            return f"“attributes.{part}” belongs to the response; this setting is evaluated with the request."
        return ""


def _variable(name: str, type_: Type) -> Source:
    return Source(optional(type_), reading.variable(name), sure=False)


def _as_object(group: Mapping[str, Source]) -> Source:
    readers = tuple((name, source.read) for name, source in group.items())

    def read(context: Any, given: Any) -> dict[str, Any]:
        return {name: read_one(context, given) for name, read_one in readers}

    type_ = record({name: source.type if source.sure else ANY for name, source in group.items()})
    return Source(type_, read)
