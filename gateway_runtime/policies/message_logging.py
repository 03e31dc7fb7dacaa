"""# Message logging

Writes a line to the log of the gateway before the backend is called, after it has answered, or both times.

## When to use it

To follow what callers send and what they get: an order number from a header, the status of each answer, the client
application. For one line about every request, whatever it is, there is the access log of the gateway.

## Example

```yaml
policyRef:
  name: message-logging
config:
  loggingConfiguration:
    - itemName: Orders
      itemData:
        message: "order #[attributes.headers['x-order']] of #[authentication.clientName]: #[attributes.statusCode]"
        conditional: "#[attributes.headers['x-order'] != null]"
        category: shop.orders
        level: INFO
        firstSection: true
        secondSection: true
```

## What it does

With `firstSection` a message is written before the backend is called, with `secondSection` when the answer is there,
also when a later policy has refused the request. With neither it is not written. As this policy comes before the
others, who calls is known in the second section only: `authentication` says nothing in the first.

A message is text, which may hold expressions. In the second section `attributes.headers` are those of the answer and
`attributes.statusCode` is its status; everything else is that of the request. `vars` has `apiId`, `apiName`, `reqId`,
`remoteAddress`, `method`, `requestPath`, `requestDisposition` (`PROCESSED` or `VIOLATION`) and, in the second section
of a refused request, `violation` with `policyName`, `violationType`, `clientId` and `clientName`.

`payload` is the body of the request in the first section and that of the answer in the second: what its JSON or its
form says, else a text; null without a body, and for a stream of events. Only where a message or its condition says
`payload`, and its condition can still hold, the message waits for its whole body, up to the limit of the gateway
(`bufferedBodyBytes`): a request above it is refused with 413, an answer above it becomes a 502. All other bodies pass
unread.

`conditional` has to give true, else nothing is written. A message that cannot be evaluated is written empty, with the
reason as `error.code`.

A line is one JSON object on standard output:

```json
{"@timestamp": "2026-03-01T12:00:00.000Z", "ecs.version": "8.11.0", "event.kind": "event", "event.action": "message",
 "log.level": "info", "log.logger": "shop.orders", "portico.policy": "message-logging", "portico.api.id": "6f0c…",
 "portico.api.name": "Orders", "portico.message.name": "Orders", "portico.message.section": "response",
 "http.request.id": "01hq…", "message": "order 17 of Warehouse: 200"}
```

Whatever a caller has sent stays inside its `message`: no sign can end a line or begin another field. A line has at most
4 096 bytes, and a longer message is cut. Writing never keeps a request waiting: where nobody reads fast enough, lines
are dropped and counted.

**A message is written as its expression says it, and nothing is masked.** Do not write `authorization`, `cookie`,
`client_secret` or a whole `attributes.headers`, which holds them all: who reads the log could act as the caller.

This policy refuses no request by itself.
"""

import enum
import json
import re
import time
from base64 import b64encode
from collections.abc import Callable
from typing import Annotated, Any

import msgspec

from gateway_runtime.expressions.errors import Failure
from gateway_runtime.expressions.given import NOTHING, Given
from gateway_runtime.expressions.reading import client_id
from gateway_runtime.expressions.settings import compile_for
from gateway_runtime.policies.context import REFUSAL, PolicyRuntime, RequestContext
from gateway_runtime.policies.payloads import is_endless, request_payload, response_payload
from gateway_runtime.policies.results import NEEDS_BODY, NeedsBody
from gateway_runtime.schema.expression import ExpressionSetting, Gives, expression
from gateway_runtime.schema.policy import Category, Handlers, Phase, PolicyConfig, PolicyDefinition, setting

# What a pipe takes at once is not mixed with the lines of other workers.
LONGEST_LINE = 4_096
LEAST_ROOM = 256
# No character takes more bytes than this in JSON: a byte that is no UTF-8 is written as an escape with two slashes.
LONGEST_CHARACTER = 7
VARIABLES = {
    **dict.fromkeys(
        ("apiId", "apiName", "method", "remoteAddress", "reqId", "requestDisposition", "requestPath"), Gives.STRING
    ),
    "violation": Gives.OBJECT,
}  # fmt: skip
MESSAGE = ExpressionSetting(gives=Gives.ANY, text=True, either=True, payload=True, variables=VARIABLES)
CONDITION = ExpressionSetting(gives=Gives.BOOLEAN, either=True, payload=True, variables=VARIABLES)
ALWAYS = "#[true]"

_encode = msgspec.json.Encoder().encode
# JSON lets these stand as they are, but a reader or a terminal may take them for the end of a line or for a command.
_unsafe = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


class Level(enum.StrEnum):
    """How urgent a message is."""

    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"
    DEBUG = "DEBUG"


class MessageData(PolicyConfig, frozen=True):
    """One message, and when it is written."""

    message: Annotated[
        str,
        expression(
            "Message",
            "What is written. Nothing is masked: leave out Authorization, cookies and other secrets.",
            MESSAGE,
            min_length=1,
            max_length=10_000,
            placeholder="#[attributes.method] #[attributes.requestPath]",
        ),
    ]
    level: Annotated[Level, setting("Level", "How urgent it is.")]
    conditional: Annotated[
        str, expression("Condition", "It is written only where this gives true.", CONDITION, min_length=1)
    ] = ALWAYS
    category: Annotated[
        str, setting("Category", "The logger that it is written as, to find it by.", max_length=100)
    ] = ""
    first_section: Annotated[bool, setting("Before calling the API", "Write it before the backend is called.")] = False
    second_section: Annotated[bool, setting("After calling the API", "Write it when the answer is there.")] = False


class LoggedMessage(PolicyConfig, frozen=True):
    """One message and its name."""

    item_data: Annotated[MessageData, setting("Message", "What is written, and when.")]
    item_name: Annotated[str, setting("Name", "What this message is called in its lines.", max_length=100)] = ""


class Config(PolicyConfig, frozen=True):
    """The messages."""

    logging_configuration: Annotated[
        list[LoggedMessage], setting("Messages", "What is written to the log.", min_length=1, max_length=20)
    ]


class _Stamp:
    """Says the time as log lines do. Within one second only the milliseconds are new."""

    __slots__ = ("_second", "_text")

    def __init__(self) -> None:
        self._second = -1
        self._text = b""

    def of(self, now: float) -> bytes:
        second = int(now)
        if second != self._second:
            self._second = second
            self._text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)).encode()
        return b"%s.%03dZ" % (self._text, int((now - second) * 1000))


class _Message:
    """One message of one section."""

    __slots__ = ("_add", "_asks", "_evaluate", "_fixed", "_given", "_holds", "_now", "_stamp", "reads_body")

    def __init__(self, item: LoggedMessage, section: str, runtime: PolicyRuntime, stamp: _Stamp) -> None:
        data = item.item_data
        condition = compile_for(CONDITION, data.conditional)
        self._holds = None if condition.constant and condition.value is True else condition.evaluate
        message = compile_for(MESSAGE, data.message)
        self._evaluate = message.evaluate
        self.reads_body = message.uses_payload or condition.uses_payload
        # What tells before the body is there whether it is worth waiting for.
        self._asks = None if condition.uses_payload else self._holds
        payload = None
        if self.reads_body:
            payload = request_payload if section == "request" else response_payload
        has_variables = "vars" in data.message + data.conditional
        self._given = _given(runtime, payload) if has_variables or self.reads_body else None
        fields = {
            "ecs.version": "8.11.0",
            "event.kind": "event",
            "event.action": "message",
            "log.level": data.level.lower(),
            **({"log.logger": data.category} if data.category else {}),
            "portico.policy": "message-logging",
            "portico.api.id": runtime.api,
            "portico.api.name": runtime.api_name,
            **({"portico.message.name": item.item_name} if item.item_name else {}),
            "portico.message.section": section,
        }
        self._fixed = b'",' + _encode(fields)[1:-1] + b',"http.request.id":"'
        self._add, self._now, self._stamp = runtime.add_line, runtime.now, stamp.of

    def needs_body(self, context: RequestContext) -> bool:
        """Tell whether the line about a request has to wait for the body."""
        if not self.reads_body or is_endless(context):
            return False
        if self._asks is None:
            return True
        return self._asks(context, NOTHING if self._given is None else self._given(context)) is True

    def write(self, context: RequestContext) -> None:
        """Write the line about a request, where its condition holds."""
        given = NOTHING if self._given is None else self._given(context)
        if self._holds is not None and self._holds(context, given) is not True:
            return
        value = self._evaluate(context, given)
        fault = b""
        if type(value) is not str:
            if type(value) is Failure:
                fault = b',"error.code":' + _encode(value.code)
                value = ""
            else:
                value = _as_text(value)
        # A request id is of a charset that needs no escaping.
        head = b'{"@timestamp":"%b%b%b"%b' % (self._stamp(self._now()), self._fixed, context.request_id, fault)
        room = max(LEAST_ROOM, LONGEST_LINE - len(head) - len(b',"message":}\n'))
        self._add(head + b',"message":' + within(value, room) + b"}\n")


def _ascii(value: bytes) -> str:
    return value.decode("ascii", "backslashreplace")


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if type(value) is bytes:
        return value.decode("utf-8", "backslashreplace")
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_binary)
    except RecursionError:
        return "…"


def _binary(value: bytes) -> str:
    return b64encode(value).decode()


def quoted(text: str) -> bytes:
    """Return a text as JSON that stays inside its quotes and its line, whatever is in it."""
    if text.isascii():
        return _encode(text).replace(b"\x7f", b"\\u007f")
    # Bytes of a caller that are no UTF-8 are written as escapes.
    whole = text.encode("utf-8", "backslashreplace").decode()
    return _unsafe.sub(lambda sign: f"\\u{ord(sign[0]):04x}", _encode(whole).decode()).encode()


def within(text: str, room: int) -> bytes:
    """Return a text as JSON of at most so many bytes, cut where it is longer."""
    if len(text) <= room:
        found = quoted(text)
        if len(found) <= room:
            return found
    return quoted(text[: room // LONGEST_CHARACTER - 1] + "…")


def _given(
    runtime: PolicyRuntime, payload: Callable[[RequestContext], Any] | None
) -> Callable[[RequestContext], Given]:
    def given(context: RequestContext) -> Given:
        refusal = (context.notes or {}).get(REFUSAL)
        violation = None
        if refusal is not None and refusal.code:
            violation = {
                "policyName": refusal.policy,
                "violationType": refusal.code,
                "clientId": client_id(context),
                "clientName": context.application_name or None,
            }
        return Given(
            payload=None if payload is None else payload(context),
            vars={
                "apiId": runtime.api,
                "apiName": runtime.api_name,
                "method": _ascii(context.method),
                "remoteAddress": context.client_ip,
                "reqId": _ascii(context.request_id),
                "requestDisposition": "VIOLATION" if violation else "PROCESSED",
                "requestPath": context.path.decode("utf-8", "surrogateescape"),
                "violation": violation,
            },
        )

    return given


def _writer(messages: list[_Message]) -> Callable[[RequestContext], None] | None:
    if not messages:
        return None
    if len(messages) == 1:
        return messages[0].write
    writes = [message.write for message in messages]

    def write_all(context: RequestContext) -> None:
        for write in writes:
            write(context)

    return write_all


def _asker(messages: list[_Message], write: Callable[[RequestContext], None] | None) -> Any:
    """Return what asks for the body where one of the messages needs it, and writes all where none does."""
    reading = [message for message in messages if message.reads_body]
    if not reading or write is None:
        return write

    def ask(context: RequestContext) -> NeedsBody | None:
        if any(message.needs_body(context) for message in reading):
            return NEEDS_BODY
        write(context)
        return None

    return ask


def build(config: Config, runtime: PolicyRuntime) -> Handlers:
    """Compile the expressions and all that is the same in every line once."""
    stamp, items = _Stamp(), config.logging_configuration
    before = [_Message(item, "request", runtime, stamp) for item in items if item.item_data.first_section]
    after = [_Message(item, "response", runtime, stamp) for item in items if item.item_data.second_section]
    write_before, write_after = _writer(before), _writer(after)
    return Handlers(
        request_headers=_asker(before, write_before),
        request_body=write_before if any(message.reads_body for message in before) else None,
        response_headers=_asker(after, write_after),
        response_body=write_after if any(message.reads_body for message in after) else None,
    )


DEFINITION = PolicyDefinition(
    name="message-logging",
    title="Message logging",
    summary="Writes a line to the log before the backend is called, after it has answered, or both times.",
    category=Category.TROUBLESHOOTING,
    icon="file-text",
    config=Config,
    build=build,
    default_order=15,
    phases=(Phase.REQUEST_HEADERS, Phase.RESPONSE_HEADERS),
    example={
        "loggingConfiguration": [
            {
                "itemName": "Orders",
                "itemData": {
                    "message": "order #[attributes.headers['x-order']]: #[attributes.statusCode]",
                    "conditional": "#[attributes.requestPath != '/health']",
                    "category": "shop.orders",
                    "level": "INFO",
                    "firstSection": True,
                    "secondSection": True,
                },
            }
        ]
    },
    documentation=__doc__ or "",
)
