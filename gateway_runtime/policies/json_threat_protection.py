"""# JSON threat protection

Refuses requests whose JSON is built to harm its reader: nested very deep, with very many entries, or with very long
names and strings.

## When to use it

Before a backend that reads JSON from callers you do not know. A few kilobytes are enough to make some readers run out
of stack, memory or time.

## Example

```yaml
policyRef:
  name: json-threat-protection
config:
  maxContainerDepth: 10
  maxObjectEntryCount: 100
  maxObjectEntryNameLength: 80
  maxArrayElementCount: 1000
  maxStringValueLength: 5000
```

## What it does

The body of a request is read whole, so the backend sees nothing of one that is refused, and answers pass as they are.
A limit of -1 means that there is none, as without the setting. A body that is no JSON at all is refused whatever the
limits are.

- **Which bodies.** Those whose `Content-Type` is `application/json`, `text/json` or a type that ends in `+json`, and
  those without `Content-Type`. With several of these headers one is enough. Other bodies, and requests without a body,
  pass.
- **Depth** counts objects and arrays inside one another: `{"a":[{"b":"x"}]}` has depth 3, a plain value depth 0.
- **Lengths** are counted in characters, after escapes such as `\\u00e9` have been read.
- **A name that is there twice** in an object counts as two entries, and what either holds is checked.
- **Numbers** are checked for their form only, and may be of any size.
- **Well formed** means RFC 8259 in UTF-8: no byte order mark, no comments, no `NaN`, nothing after the value. A
  `charset` in which quotes and brackets may be other bytes, such as UTF-16 or Shift_JIS, counts as malformed.
- **A compressed body** cannot be looked into, and is refused.

Reading takes linear time and no stack, so a million brackets are refused like any other excess. How large a body may be
is said by the gateway, not here: a longer one is answered with 413.

## What callers see

| Status | Code | When |
| --- | --- | --- |
| 400 | `json_malformed` | the body is not one JSON value in UTF-8 |
| 400 | `json_too_deep` | objects and arrays are nested deeper than `maxContainerDepth` |
| 400 | `json_too_many_entries` | an object has more entries than `maxObjectEntryCount` |
| 400 | `json_name_too_long` | the name of an entry is longer than `maxObjectEntryNameLength` |
| 400 | `json_too_many_elements` | an array has more elements than `maxArrayElementCount` |
| 400 | `json_string_too_long` | a string is longer than `maxStringValueLength` |
| 400 | `json_encoded` | the body has a `Content-Encoding` |

Where a body breaks several rules, any one of them is named. This policy always fails closed.
"""

from typing import Annotated

from gateway_runtime.policies.context import PolicyRuntime, RequestContext
from gateway_runtime.policies.inspected_bodies import inspecting, is_like_utf_8, media_types
from gateway_runtime.policies.json_threat_protection_limits import (
    MALFORMED,
    NAME_TOO_LONG,
    STRING_TOO_LONG,
    TOO_DEEP,
    TOO_MANY_ELEMENTS,
    TOO_MANY_ENTRIES,
    Limits,
)
from gateway_runtime.policies.json_threat_protection_reading import fault_of
from gateway_runtime.schema.policy import (
    Category,
    Handlers,
    Phase,
    PolicyConfig,
    PolicyDefinition,
    Refusal,
    setting,
)

UNLIMITED = -1


class Config(PolicyConfig, frozen=True):
    """How much JSON may have of each."""

    max_container_depth: Annotated[
        int, setting("Maximum container depth", "How deep objects and arrays may be nested; -1 for any depth.", ge=-1)
    ] = UNLIMITED
    max_object_entry_count: Annotated[
        int, setting("Maximum object entry count", "How many entries an object may have; -1 for any number.", ge=-1)
    ] = UNLIMITED
    max_object_entry_name_length: Annotated[
        int,
        setting(
            "Maximum object entry name length",
            "How many characters the name of an entry may have; -1 for any number.",
            ge=-1,
        ),
    ] = UNLIMITED
    max_array_element_count: Annotated[
        int, setting("Maximum array element count", "How many elements an array may have; -1 for any number.", ge=-1)
    ] = UNLIMITED
    max_string_value_length: Annotated[
        int,
        setting("Maximum string value length", "How many characters a string may have; -1 for any number.", ge=-1),
    ] = UNLIMITED


def reads(context: RequestContext) -> bool:
    """Tell whether the body of a request counts as JSON."""
    types = media_types(context)
    return not types or any(
        each == b"application/json" or each == b"text/json" or each.endswith(b"+json") for each in types
    )


def build(config: Config, runtime: PolicyRuntime) -> Handlers:
    """Prepare the limits and the answers once."""
    limits = Limits(
        depth=config.max_container_depth,
        entries=config.max_object_entry_count,
        name=config.max_object_entry_name_length,
        elements=config.max_array_element_count,
        string=config.max_string_value_length,
    )
    refusals = {refusal.code: runtime.refusal(refusal.code) for refusal in DEFINITION.refusals}

    def fault(context: RequestContext) -> str:
        return fault_of(context.body or b"", limits) if is_like_utf_8(context) else MALFORMED

    return inspecting(refusals, encoded="json_encoded", reads=reads, fault_of=fault)


def _refusal(code: str, detail: str) -> Refusal:
    return Refusal(code=code, status=400, title="Bad request", detail=detail)


DEFINITION = PolicyDefinition(
    name="json-threat-protection",
    title="JSON threat protection",
    summary="Refuses JSON that is nested too deep, has too much in it, or is malformed.",
    category=Category.SECURITY,
    icon="braces",
    config=Config,
    build=build,
    default_order=320,
    phases=(Phase.REQUEST_HEADERS, Phase.REQUEST_BODY),
    example={
        "maxContainerDepth": 10,
        "maxObjectEntryCount": 100,
        "maxObjectEntryNameLength": 80,
        "maxArrayElementCount": 1000,
        "maxStringValueLength": 5000,
    },
    refusals=(
        _refusal(MALFORMED, "The body is not one JSON value in UTF-8."),
        _refusal(TOO_DEEP, "The JSON in the body is nested too deep."),
        _refusal(TOO_MANY_ENTRIES, "An object in the body has too many entries."),
        _refusal(NAME_TOO_LONG, "The name of an entry in the body is too long."),
        _refusal(TOO_MANY_ELEMENTS, "An array in the body has too many elements."),
        _refusal(STRING_TOO_LONG, "A string in the body is too long."),
        _refusal("json_encoded", "The body is compressed, so its JSON cannot be checked. Send it as it is."),
    ),
    documentation=__doc__ or "",
)
