"""Rules of routes and policies, with every pattern tried where it stands."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gateway_runtime.local import kinds
from gateway_runtime.local.place import Place
from gateway_runtime.routing.rules import RuleError, compile_rules
from gateway_runtime.schema.document import Rule

_match_header = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+").fullmatch


def read_rules(rules: Sequence[kinds.Rule] | None, place: Place) -> list[Rule]:
    """Return the rules in the form of the document. Raises `FileFault` at a pattern that RE2 does not accept."""
    return [_rule(rule, place.at("rules", index)) for index, rule in enumerate(rules or ())]


def _rule(rule: kinds.Rule, place: Place) -> Rule:
    headers: dict[str, str] = {}
    for name, pattern in (rule.headers or {}).items():
        if not _match_header(name):
            raise place.at("headers", name).fault(f"“{name}” is not the name of a header.", "invalid_header")
        if name.lower() in headers:
            raise place.at("headers", name).fault(f"The header “{name}” is there twice.", "duplicate_key")
        headers[name.lower()] = pattern
    made = Rule(path=rule.path, host=rule.host, methods=rule.methods, headers=rule.headers or {})
    try:
        compile_rules([made])
    except RuleError as error:
        field, _, name = error.path.partition(".")
        where = place.at(field, *_written_name(rule, name)) if name else place.at(field)
        raise where.fault(str(error), "invalid_pattern") from error
    return made


def _written_name(rule: kinds.Rule, name: str) -> list[str]:
    return [written for written in rule.headers or {} if written.lower() == name.lower()]
