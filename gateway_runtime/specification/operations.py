"""One operation: what of a request it checks, and what it answers."""

from collections.abc import Iterable
from typing import Any

from gateway_runtime.specification.bodies import MISSING, UNKNOWN_TYPE, Body, violation_of
from gateway_runtime.specification.faults import SpecificationFault, shown
from gateway_runtime.specification.parameters import (
    Malformed,
    Parameter,
    compile_parameter,
    cookies_of,
    header_value,
    path_value,
    query_value,
    values_of,
)
from gateway_runtime.specification.references import References
from gateway_runtime.specification.schemas import Schemas
from gateway_runtime.specification.violation import (
    PARAMETER_INVALID,
    PARAMETER_MISSING,
    PARAMETER_UNKNOWN,
    Violation,
    named,
)

Headers = list[tuple[bytes, bytes]]

QUERY_MALFORMED = Violation(PARAMETER_INVALID, "The query is not written in UTF-8.")


class Operation:
    """What a specification says of one method on one path."""

    __slots__ = ("_claimed", "_claims_all", "_cookies", "_deep", "_headers", "_path", "_query", "body", "described")

    def __init__(
        self,
        described: dict[str, Any],
        shared: list[Any],
        path_names: tuple[str, ...],
        references: References,
        schemas: Schemas,
        claimed: Iterable[str],
    ) -> None:
        self.described = described
        parameters = _parameters([*shared, *(described.get("parameters") or [])], references, schemas)
        self._path = [each for each in parameters if each.place == "path"]
        self._query = [each for each in parameters if each.place == "query"]
        self._headers = [
            (each.name.encode("latin-1", "replace"), each) for each in parameters if each.place == "header"
        ]
        self._cookies = [each for each in parameters if each.place == "cookie"]
        for parameter in self._path:
            if parameter.name not in path_names:
                raise SpecificationFault(f"The path parameter “{shown(parameter.name)}” is not in its path.")
        self._claimed = {name for each in self._query for name in each.claims}.union(claimed)
        self._claims_all = any(each.claims_all for each in self._query)
        self._deep = tuple(f"{each.name}[" for each in self._query if each.style == "deepObject")
        body = described.get("requestBody")
        self.body = None if body is None else Body(body, references, schemas)

    def head_violation(self, path: dict[str, str], query: bytes, headers: Headers, *, strict: bool) -> Violation | None:
        """Return the first way in which path, query, headers or cookies do not keep to the specification."""
        for parameter in self._path:
            raw = path[parameter.name]
            try:
                found = _judge(parameter, path_value(parameter, raw), "path parameter")
            except Malformed:
                found = _invalid(parameter, "path parameter", "style")
            if found is not None:
                return found
        if self._query or (strict and query):
            found = self._query_violation(query, strict)
            if found is not None:
                return found
        for name, parameter in self._headers:
            lines = [value.decode("utf-8", "replace") for key, value in headers if key == name]
            if not lines:
                if parameter.required:
                    return _missing(parameter, "header")
                continue
            try:
                found = _judge(parameter, header_value(parameter, lines), "header")
            except Malformed:
                found = _invalid(parameter, "header", "style")
            if found is not None:
                return found
        if self._cookies:
            cookies = cookies_of([value for name, value in headers if name == b"cookie"])
            return self._named_violation(self._cookies, cookies, "cookie")
        return None

    def _query_violation(self, query: bytes, strict: bool) -> Violation | None:
        try:
            values = values_of(query)
        except Malformed:
            return QUERY_MALFORMED
        if strict and not self._claims_all:
            for name in values:
                if name not in self._claimed and not (name.endswith("]") and name.startswith(self._deep)):
                    detail = f"The specification does not have the query parameter{named(name)}."
                    return Violation(PARAMETER_UNKNOWN, detail)
        return self._named_violation(self._query, values, "query parameter")

    def _named_violation(
        self, parameters: list[Parameter], values: dict[str, list[str]], what: str
    ) -> Violation | None:
        for parameter in parameters:
            try:
                value = query_value(parameter, values)
                if value is None and not _is_there(parameter, values):
                    if parameter.required:
                        return _missing(parameter, what)
                    continue
                if parameter.may_be_empty and values.get(parameter.name) == [""]:
                    continue
                found = _judge(parameter, value, what)
                if found is not None and parameter.may_be_text:
                    found = _judge(parameter, text_of(parameter, values), what)
            except Malformed:
                found = _invalid(parameter, what, "style")
            if found is not None:
                return found
        return None

    @property
    def needs_body(self) -> bool:
        """Tell whether there has to be a body."""
        return self.body is not None and self.body.required

    def body_claim(self, headers: Headers, length: int) -> tuple[Violation | None, Any]:
        """Return what is wrong with a body by its head, and the validator that has to see it, None for neither.

        `length` is -1 where it is not known beforehand.
        """
        body = self.body
        if body is None:
            return None, None
        if length == 0:
            return (MISSING if body.required else None), None
        types = [value for name, value in headers if name == b"content-type"]
        if len(types) > 1:
            return UNKNOWN_TYPE, None
        taken, validator = body.validator(types[0] if types else b"application/json")
        return (None if taken else UNKNOWN_TYPE), validator

    def body_violation(self, body: bytes, validator: Any) -> Violation | None:
        """Return in what way a whole body does not fit the validator that has to see it."""
        if not body:
            return MISSING if self.needs_body else None
        return None if validator is None else violation_of(body, validator)


def text_of(parameter: Parameter, values: dict[str, list[str]]) -> Any:
    """Return a value as the text that it was sent as."""
    return query_value(parameter._replace(read=str), values)


def _is_there(parameter: Parameter, values: dict[str, list[str]]) -> bool:
    return any(name in values for name in parameter.claims)


def _judge(parameter: Parameter, value: Any, what: str) -> Violation | None:
    if parameter.check(value):
        return None
    error = parameter.first_error(value)
    return _invalid(parameter, what, error.kind.name if error is not None else "schema")


def _invalid(parameter: Parameter, what: str, rule: str) -> Violation:
    return Violation(PARAMETER_INVALID, f"The {what}{named(parameter.name)} does not fit its schema ({rule}).")


def _missing(parameter: Parameter, what: str) -> Violation:
    return Violation(PARAMETER_MISSING, f"The {what}{named(parameter.name)} is missing.")


def _parameters(described: list[Any], references: References, schemas: Schemas) -> list[Parameter]:
    """Return the parameters of an operation. Its own come later and win over those of its path."""
    found: dict[tuple[str, str], Parameter] = {}
    for each in described:
        parameter = compile_parameter(each, references, schemas)
        if parameter is not None:
            found[parameter.place, parameter.name] = parameter
    return list(found.values())
