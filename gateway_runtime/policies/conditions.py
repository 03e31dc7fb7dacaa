"""When a binding holds: its rules compiled to one test of the request."""

from gateway_runtime.policies.chain import Condition
from gateway_runtime.policies.context import RequestContext
from gateway_runtime.routing.plainest import has_other_reading, plainest
from gateway_runtime.routing.rules import RuleError, compile_rules, rules_hold
from gateway_runtime.schema.document import Rule
from gateway_runtime.schema.faults import ConfigFault


def compile_condition(rules: list[Rule], path: str) -> Condition | None:
    """Return one test for a list of rules, of which any one is enough; None when it always holds.

    Raises `ConfigFault` at the pattern that cannot be compiled.
    """
    try:
        compiled = compile_rules(rules)
    except RuleError as error:
        raise ConfigFault(f"{path}.rules.{error.path}", "invalid_pattern", str(error)) from error
    if compiled is None:
        return None

    def holds(context: RequestContext) -> bool:
        path = context.api_path
        if rules_hold(compiled, context.method, path, context.host, context.headers):
            return True
        # Who protects `/admin` means `/admin;x`, too: a service may take one for the other.
        return has_other_reading(path) is not None and rules_hold(
            compiled, context.method, plainest(path), context.host, context.headers
        )

    return holds
