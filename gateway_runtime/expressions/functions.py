"""The functions there are. All but `now` and `uuid` depend on their values alone."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import msgspec

from gateway_runtime.expressions.errors import NOT_JSON, Stop
from gateway_runtime.expressions.function import TEXT, Function
from gateway_runtime.expressions.holding_functions import HOLDING_FUNCTIONS
from gateway_runtime.expressions.number_functions import NUMBER_FUNCTIONS
from gateway_runtime.expressions.text_functions import TEXT_FUNCTIONS
from gateway_runtime.expressions.types import ANY, EVERY, STRING
from gateway_runtime.expressions.values import as_text, within_text
from gateway_runtime.expressions.writing import json_bytes


def _uuid() -> str:
    return str(uuid4())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _read(text: Any) -> Any:
    try:
        return msgspec.json.decode(as_text(text))
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise Stop(NOT_JSON) from None


def _write(value: Any, frame: Any) -> str:
    return within_text(json_bytes(value, frame).decode())


FUNCTIONS: dict[str, Function] = {
    **TEXT_FUNCTIONS,
    **NUMBER_FUNCTIONS,
    **HOLDING_FUNCTIONS,
    "now": Function(call=_now, gives=STRING, constant=False),
    "read": Function(call=_read, gives=ANY, parameters=(("text", TEXT),)),
    "uuid": Function(call=_uuid, gives=STRING, constant=False),
    "write": Function(call=_write, gives=STRING, parameters=(("value", EVERY),), spends=True),
}


def function_name(written: str) -> str | None:
    """Return the function that a name means, with or without its module; None where there is none."""
    module, _, name = written.rpartition("::")
    function = FUNCTIONS.get(name)
    return None if function is None or (module and module not in function.modules) else name
