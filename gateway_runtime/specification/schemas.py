"""Schemas of OpenAPI 3.0 and 3.1 made to those of JSON Schema 2020-12, and these to validators."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from gateway_runtime.specification.chains import Chains
from gateway_runtime.specification.faults import SpecificationFault, shown
from gateway_runtime.specification.keywords import NAMED, ONE, SAME_VALUE, SEVERAL
from gateway_runtime.specification.recursion import Recursion
from gateway_runtime.specification.references import References

# A pattern with look-around may go back so often; all others take linear time.
BACKTRACK_LIMIT = 5_000
PATTERN_BYTES = 1_000_000

# Says nothing about a value, or is made anew.
_LEFT_OUT = frozenset({
    "$anchor", "$comment", "$defs", "$dynamicAnchor", "$id", "$recursiveAnchor", "$schema", "$vocabulary",
    "contentEncoding", "contentMediaType", "default", "definitions", "deprecated", "description", "discriminator",
    "example", "examples", "externalDocs", "nullable", "readOnly", "title", "writeOnly", "xml",
})  # fmt: skip
_RANGES = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}
# Compiling what a caller has sent costs more than it is worth.
_UNCHECKED_FORMATS = frozenset({"regex"})


class Validator(NamedTuple):
    """A compiled schema. `errors` is None where telling them could take time without end."""

    is_valid: Callable[[Any], bool]
    errors: Callable[[Any], Iterator[Any]] | None

    def first_error(self, value: Any) -> Any:
        """Return the first way in which a value does not fit, None where it is not to be told."""
        return None if self.errors is None else next(self.errors(value), None)


class Schemas:
    """Translates and compiles the schemas of one document."""

    def __init__(self, references: References, *, is_3_0: bool) -> None:
        self._references = references
        self._is_3_0 = is_3_0
        # By reference: the name it has in validators. By this name: the reference, its translation, the names it needs.
        self._names: dict[str, str] = {}
        self._sources: dict[str, str] = {}
        self._translated: dict[str, Any] = {}
        self._needs: dict[str, set[str]] = {}
        self._chains = Chains(self._translated)
        self._recursion = Recursion(self._translated, self._needs)

    def validator(self, schema: Any) -> Validator:
        """Compile a schema. Raises `SpecificationFault`."""
        # It takes 3 MiB, which only workers with a specification need.
        from jsonschema_rs import Draft202012Validator, FancyRegexOptions

        needed: set[str] = set()
        translated = self._translate(schema, needed)
        waiting, names = list(needed), set(needed)
        while waiting:
            more = self._definition(waiting.pop()) - names
            names |= more
            waiting += more
        definitions = {name: self._translated[name] for name in names}
        self._chains.check(translated, names)
        if isinstance(translated, bool):
            translated = {} if translated else {"not": {}}
        try:
            made = Draft202012Validator(
                {**translated, "$defs": definitions} if definitions else translated,
                validate_formats=True,
                offline=True,
                mask="value",
                pattern_options=FancyRegexOptions(
                    backtrack_limit=BACKTRACK_LIMIT, size_limit=PATTERN_BYTES, dfa_size_limit=PATTERN_BYTES
                ),
            )
        except ValueError as error:
            raise SpecificationFault(f"A schema of the specification cannot be used: {_reason(error)}.") from None
        tells = not self._recursion.multiplies(names)
        return Validator(made.is_valid, made.iter_errors if tells else None)

    def _definition(self, name: str) -> set[str]:
        if name not in self._translated:
            needs: set[str] = set()
            # In place before it is made, so that a schema may hold itself.
            self._needs[name] = needs
            self._translated[name] = self._translate(self._references.find(self._sources[name]), needs)
        return self._needs[name]

    def _named(self, reference: Any, needed: set[str]) -> str:
        if not isinstance(reference, str):
            raise SpecificationFault("A “$ref” of the specification is not text.")
        self._references.find(reference)
        name = self._names.setdefault(reference, f"r{len(self._names)}")
        self._sources[name] = reference
        needed.add(name)
        return f"#/$defs/{name}"

    def _translate(self, schema: Any, needed: set[str]) -> Any:
        if isinstance(schema, bool):
            return schema
        if not isinstance(schema, dict):
            raise SpecificationFault("A schema of the specification is no object.")
        for name in ("$dynamicRef", "$recursiveRef"):
            if name in schema:
                raise SpecificationFault(f"A schema of the specification has “{name}”, which is not supported.")
        if self._is_3_0 and "$ref" in schema:
            # In 3.0 nothing beside a reference counts.
            return {"$ref": self._named(schema["$ref"], needed)}
        made: dict[str, Any] = {}
        for key, value in schema.items():
            if key == "$ref":
                made[key] = self._named(value, needed)
            elif key in ONE and isinstance(value, dict | bool):
                made[key] = self._translate(value, needed)
            elif key in SEVERAL and isinstance(value, list):
                made[key] = [self._translate(each, needed) for each in value]
            elif key in NAMED and isinstance(value, dict):
                made[key] = {name: self._translate(each, needed) for name, each in value.items()}
            elif key not in _LEFT_OUT and not key.startswith("x-"):
                made[key] = value
        if made.get("format") in _UNCHECKED_FORMATS:
            del made["format"]
        self._leave_out_read_only(schema, made)
        _set_range(made)
        if self._is_3_0:
            _set_exclusive(made, "exclusiveMinimum", "minimum")
            _set_exclusive(made, "exclusiveMaximum", "maximum")
            if schema.get("nullable") is True:
                return _nullable(made)
        return made

    def _leave_out_read_only(self, schema: dict[str, Any], made: dict[str, Any]) -> None:
        """Ask for no property that only answers have."""
        required, properties = schema.get("required"), schema.get("properties")
        if not isinstance(required, list) or not isinstance(properties, dict):
            return
        made["required"] = [
            name
            for name in required
            if not (
                isinstance(name, str)
                and isinstance(part := self._references.follow(properties.get(name)), dict)
                and part.get("readOnly") is True
            )
        ]
        if not made["required"]:
            del made["required"]


def _set_range(made: dict[str, Any]) -> None:
    """Hold an integer to what its format can say."""
    limits = _RANGES.get(made["format"]) if isinstance(made.get("format"), str) else None
    types = made.get("type")
    if limits is None or not (types == "integer" or (isinstance(types, list) and "integer" in types)):
        return
    lowest, highest = limits
    if not isinstance(made.get("minimum"), int | float) or made["minimum"] < lowest:
        made["minimum"] = lowest
    if not isinstance(made.get("maximum"), int | float) or made["maximum"] > highest:
        made["maximum"] = highest


def _set_exclusive(made: dict[str, Any], exclusive: str, limit: str) -> None:
    """Make the boolean of 3.0 to the number of 3.1."""
    if isinstance(made.get(exclusive), bool) and made.pop(exclusive) and limit in made:
        made[exclusive] = made.pop(limit)


def _nullable(made: dict[str, Any]) -> dict[str, Any]:
    if isinstance(made.get("type"), str) and not any(key in made for key in SAME_VALUE):
        return {**made, "type": [made["type"], "null"]}
    return {"anyOf": [{"type": "null"}, made]}


def _reason(error: Exception) -> str:
    return shown(str(getattr(error, "message", error)).splitlines()[0].rstrip("."))
