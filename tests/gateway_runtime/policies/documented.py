"""The examples on the page of a policy: a script, and two lines of JSON."""

import json
import re
from typing import Any

from gateway_runtime.policies.registry import definition

_EXAMPLE = re.compile(r"```dataweave\n(.*?)```\n\n```json\n([^\n]*)\n([^\n]*)\n```", re.DOTALL)


def examples(policy: str) -> list[tuple[str, Any, Any]]:
    """Return script, what goes in and what comes out, of every example."""
    found = _EXAMPLE.findall(definition(policy).documentation)
    return [(script, json.loads(before), json.loads(after)) for script, before, after in found]
