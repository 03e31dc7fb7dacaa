"""Evaluating expressions against a request, in one call."""

from typing import Any

import pytest

from gateway_runtime.expressions.errors import ExpressionError, Failure
from gateway_runtime.expressions.expression import compile_setting
from gateway_runtime.expressions.given import NOTHING, Given
from gateway_runtime.expressions.scope import Scope
from gateway_runtime.expressions.types import ANY, OBJECT
from gateway_runtime.policies.context import RequestContext
from gateway_runtime.schema.expression import Gives

# Everything that a request-side expression can use.
WIDE = Scope(payload=True, variables={"claimSet": OBJECT, "any": ANY})


def message(
    method: bytes = b"GET",
    path: bytes = b"/orders/17",
    query: bytes = b"",
    headers: dict[str, str] | list[tuple[bytes, bytes]] | None = None,
) -> RequestContext:
    """Return the context of a request."""
    if isinstance(headers, dict):
        headers = [(name.encode(), value.encode()) for name, value in headers.items()]
    return RequestContext(method, path, query, headers or [], "192.0.2.7", b"request-1")


def evaluate(
    source: str,
    context: RequestContext | None = None,
    given: Given = NOTHING,
    *,
    scope: Scope = WIDE,
    gives: Gives = Gives.ANY,
    text: bool = False,
) -> Any:
    """Compile and evaluate; `source` without `#[…]` is put into it unless it may be text."""
    whole = source if text or source.lstrip().startswith("#[") else f"#[{source}]"
    return compile_setting(whole, scope, gives, text=text).evaluate(context or message(), given)


def failure(source: str, context: RequestContext | None = None, given: Given = NOTHING, **more: Any) -> str:
    """Return the code of an evaluation that fails."""
    result = evaluate(source, context, given, **more)
    assert isinstance(result, Failure), result
    return result.code


def mistake(source: str, *, scope: Scope = WIDE, gives: Gives = Gives.ANY, text: bool = False) -> tuple[str, str, int]:
    """Return code, sentence and position of what is wrong with a setting as it stands."""
    with pytest.raises(ExpressionError) as caught:
        compile_setting(source, scope, gives, text=text)
    error = caught.value
    assert 0 <= error.position <= len(source)
    return error.code, error.message, error.position
