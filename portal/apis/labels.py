"""Labels of API instances: names and values by which automated policies choose them."""

import re
from typing import Any

from portal.core.errors import ApplicationError

Labels = dict[str, str]

MOST_LABELS = 50
_match_name = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._/-]{0,98}[A-Za-z0-9])?").fullmatch
_match_value = re.compile(r"[A-Za-z0-9._-]{1,100}").fullmatch


def labels_checked(labels: Any, field: str = "labels") -> Labels:
    """Return labels in the order of their names. Raises `ApplicationError` for one that cannot be."""
    if not isinstance(labels, dict):
        raise _fault(field, "Labels are an object: names and values.")
    if len(labels) > MOST_LABELS:
        raise _fault(field, f"Use at most {MOST_LABELS} labels.")
    for name, value in labels.items():
        if not _match_name(name):
            raise _fault(field, f"“{name}” cannot be the name of a label. Use letters, digits and . _ / -")
        if not isinstance(value, str) or not _match_value(value):
            raise _fault(field, f"The value of “{name}” must be a text of letters, digits and . _ -")
    return dict(sorted(labels.items()))


def labels_text(labels: Labels) -> str:
    """Return labels as people type them: `layer=system`, one per line."""
    return "\n".join(f"{name}={value}" for name, value in labels.items())


def labels_typed(text: str) -> Labels:
    """Return labels from what was typed. Raises `ApplicationError` for a line that is none."""
    found: Labels = {}
    for line in filter(None, (line.strip() for line in re.split(r"[\n,]", text))):
        name, sign, value = (part.strip() for part in line.partition("="))
        if not sign:
            raise _fault("labels", f"Write “{line}” as name=value.")
        if name in found:
            raise _fault("labels", f"The label “{name}” is there twice.")
        found[name] = value
    return found


def _fault(field: str, sentence: str) -> ApplicationError:
    return ApplicationError("invalid_label", sentence, fields={field: sentence})
