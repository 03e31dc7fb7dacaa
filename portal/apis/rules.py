"""Conditions on requests, of routes and of policies. Form, REST and files say the same about a wrong one."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
import re2

from gateway_runtime.schema import document as schema
from gateway_runtime.schema.policy import setting
from portal.core.errors import ApplicationError

Rules = list[dict[str, Any]]

MOST_RULES = 50
LONGEST_PATTERN = 2_000
ANYTHING = ".*"
_PARTS = ("path", "host", "methods")
_PATTERN_MEMORY = 1 << 20
_match_name = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+").fullmatch


class RuleForm(msgspec.Struct, frozen=True, kw_only=True):
    """One condition as it is typed."""

    methods: Annotated[str, setting("Methods", "For example GET|HEAD; empty for every one.")] = ""
    path: Annotated[str, setting("Path", "Pattern for the whole path after the base path, such as /items(/.*)?.")] = ""
    host: Annotated[str, setting("Host", "Pattern for the host, without the port.")] = ""
    headers: Annotated[
        list[str], setting("Headers", "Headers that must be there, with a pattern for the value: X-Kind: a|b.")
    ] = []


def rules_checked(rules: Any) -> Rules:
    """Return conditions as they are stored: only the parts that say something, header names in lower case.

    Raises `ApplicationError` with the sentence beside the very part that is wrong (`rules.0.path`).
    """
    if not isinstance(rules, list) or any(not isinstance(rule, dict) for rule in rules):
        raise rule_fault("rules", "Conditions are a list of objects with path, host, methods and headers.")
    if len(rules) > MOST_RULES:
        raise rule_fault("rules", f"Use at most {MOST_RULES} conditions.")
    return [_rule(rule, f"rules.{index}") for index, rule in enumerate(rules)]


def _rule(rule: dict[str, Any], where: str) -> dict[str, Any]:
    if unknown := sorted(set(rule) - {*_PARTS, "headers"}):
        known = "path, host, methods and headers"
        raise rule_fault(f"{where}.{unknown[0]}", f"There is no condition “{unknown[0]}”. Known are {known}.")
    kept: dict[str, Any] = {}
    for name in _PARTS:
        pattern = _pattern(rule.get(name) or ANYTHING, f"{where}.{name}")
        if pattern != ANYTHING:
            kept[name] = pattern
    headers = _headers(rule.get("headers") or {}, f"{where}.headers")
    return {**kept, "headers": headers} if headers else kept


def _headers(headers: Any, where: str) -> dict[str, str]:
    if not isinstance(headers, dict):
        raise rule_fault(where, "Headers are an object: names and patterns.")
    kept: dict[str, str] = {}
    for name, pattern in headers.items():
        if not _match_name(name):
            raise rule_fault(where, f"“{name}” is not the name of a header.")
        if name.lower() in kept:
            raise rule_fault(where, f"The header “{name}” is there twice.")
        kept[name.lower()] = _pattern(pattern, where)
    return kept


def _pattern(pattern: Any, where: str) -> str:
    if not isinstance(pattern, str):
        raise rule_fault(where, "A condition is a text.")
    if len(pattern) > LONGEST_PATTERN:
        raise rule_fault(where, f"Use at most {LONGEST_PATTERN} characters.")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _PATTERN_MEMORY
    try:
        re2.compile(pattern, options)
    except re2.error as error:
        raise rule_fault(where, f"“{pattern}” is not a valid RE2 pattern.") from error
    return pattern


def document_rules(rules: Sequence[dict[str, Any]]) -> list[schema.Rule]:
    """Return stored conditions as the gateway reads them."""
    return [schema.Rule(**rule) for rule in rules]


def shown_rules(rules: Rules) -> list[dict[str, Any]]:
    """Return stored conditions as a form shows them."""
    return [
        {**rule, "headers": [f"{name}: {pattern}" for name, pattern in rule.get("headers", {}).items()]}
        for rule in rules
    ]


def typed_rules(typed: Sequence[Mapping[str, Any]]) -> Rules:
    """Return what was typed into a form as services take it."""
    return [
        {
            **{name: rule[name] for name in _PARTS if rule.get(name)},
            "headers": dict(_header(line) for line in rule.get("headers", [])),
        }
        for rule in typed
    ]


def _header(line: str) -> tuple[str, str]:
    name, colon, pattern = line.partition(":")
    return name.strip(), pattern.strip() if colon and pattern.strip() else ANYTHING


def rule_fault(field: str, sentence: str) -> ApplicationError:
    """Return the error about a condition."""
    return ApplicationError("invalid_condition", sentence, fields={field: sentence})
