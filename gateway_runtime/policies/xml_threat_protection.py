"""# XML threat protection

Refuses requests whose XML is built to harm its reader: nested very deep, with very many attributes or children, with
very long texts, or with a document type.

## When to use it

Before a backend that reads XML from callers you do not know, such as a SOAP service.

## Example

```yaml
policyRef:
  name: xml-threat-protection
config:
  maxNodeDepth: 20
  maxAttributeCountPerElement: 20
  maxChildCount: 1000
  maxTextLength: 10000
  maxAttributeLength: 500
  maxCommentLength: 500
```

## What it does

The body of a request is read whole, so the backend sees nothing of one that is refused, and answers pass as they are.
A limit of -1 means that there is none, as without the setting. Whatever the limits are, a body that is not well-formed
XML is refused, and so is every document type (`<!DOCTYPE`): without it there are no entities, neither ones that grow
into gigabytes nor ones that fetch a file or a URL.

- **Which bodies.** Those whose `Content-Type` ends in `/xml` or `+xml`, and those without `Content-Type`. With several
  of these headers one is enough. Other bodies, and requests without a body, pass.
- **Depth** counts elements inside one another: the root has depth 1.
- **Attributes** that declare a namespace (`xmlns`, `xmlns:…`) are not counted, but may not be longer than others.
- **Children** of an element are the elements, comments and processing instructions right inside it.
- **Text** runs from one tag, comment or instruction to the next; a CDATA section is a part of it.
- **Processing instructions** may be as long as comments.
- **Lengths** are counted in characters, after references such as `&amp;` have been read.
- **Encodings** that are read are UTF-8, US-ASCII, ISO-8859-1, and UTF-16 with a byte order mark. The `charset` of the
  `Content-Type` and what the document declares have to agree, because readers differ in which one they trust.
- **A compressed body** cannot be looked into, and is refused.

How large a body may be is said by the gateway, not here: a longer one is answered with 413.

## What callers see

| Status | Code | When |
| --- | --- | --- |
| 400 | `xml_malformed` | the body is not one well-formed XML document |
| 400 | `xml_doctype_not_allowed` | the document has a document type |
| 400 | `xml_encoding_not_supported` | its encoding is none of those above, or is said in two ways |
| 400 | `xml_too_deep` | elements are nested deeper than `maxNodeDepth` |
| 400 | `xml_too_many_attributes` | an element has more attributes than `maxAttributeCountPerElement` |
| 400 | `xml_too_many_children` | an element has more children than `maxChildCount` |
| 400 | `xml_text_too_long` | a text is longer than `maxTextLength` |
| 400 | `xml_attribute_too_long` | the value of an attribute is longer than `maxAttributeLength` |
| 400 | `xml_comment_too_long` | a comment or processing instruction is longer than `maxCommentLength` |
| 400 | `xml_encoded` | the body has a `Content-Encoding` |

Where a body breaks several rules, the first one is named. This policy always fails closed.
"""

from typing import Annotated

from gateway_runtime.policies.context import PolicyRuntime, RequestContext
from gateway_runtime.policies.inspected_bodies import charset, inspecting, media_types
from gateway_runtime.policies.xml_threat_protection_reading import (
    ATTRIBUTE_TOO_LONG,
    COMMENT_TOO_LONG,
    DOCTYPE,
    ENCODING,
    MALFORMED,
    TEXT_TOO_LONG,
    TOO_DEEP,
    TOO_MANY_ATTRIBUTES,
    TOO_MANY_CHILDREN,
    Limits,
    fault_of,
)
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
    """How much XML may have of each."""

    max_node_depth: Annotated[
        int, setting("Maximum node depth", "How deep elements may be nested; -1 for any depth.", ge=-1)
    ] = UNLIMITED
    max_attribute_count_per_element: Annotated[
        int,
        setting(
            "Maximum attribute count per element",
            "How many attributes an element may have, without those that declare a namespace; -1 for any number.",
            ge=-1,
        ),
    ] = UNLIMITED
    max_child_count: Annotated[
        int,
        setting(
            "Maximum child count",
            "How many elements, comments and instructions may be right inside an element; -1 for any number.",
            ge=-1,
        ),
    ] = UNLIMITED
    max_text_length: Annotated[
        int, setting("Maximum text length", "How many characters a text may have; -1 for any number.", ge=-1)
    ] = UNLIMITED
    max_attribute_length: Annotated[
        int,
        setting(
            "Maximum attribute length",
            "How many characters the value of an attribute may have; -1 for any number.",
            ge=-1,
        ),
    ] = UNLIMITED
    max_comment_length: Annotated[
        int, setting("Maximum comment length", "How many characters a comment may have; -1 for any number.", ge=-1)
    ] = UNLIMITED


def reads(context: RequestContext) -> bool:
    """Tell whether the body of a request counts as XML."""
    types = media_types(context)
    return not types or any(each.endswith((b"/xml", b"+xml")) for each in types)


def build(config: Config, runtime: PolicyRuntime) -> Handlers:
    """Prepare the limits and the answers once."""
    limits = Limits(
        depth=config.max_node_depth,
        attributes=config.max_attribute_count_per_element,
        children=config.max_child_count,
        text=config.max_text_length,
        attribute=config.max_attribute_length,
        comment=config.max_comment_length,
    )
    refusals = {refusal.code: runtime.refusal(refusal.code) for refusal in DEFINITION.refusals}

    def fault(context: RequestContext) -> str:
        named = charset(context)
        return ENCODING if named is None else fault_of(context.body or b"", named, limits)

    return inspecting(refusals, encoded="xml_encoded", reads=reads, fault_of=fault)


def _refusal(code: str, detail: str) -> Refusal:
    return Refusal(code=code, status=400, title="Bad request", detail=detail)


DEFINITION = PolicyDefinition(
    name="xml-threat-protection",
    title="XML threat protection",
    summary="Refuses XML that is nested too deep, has too much in it, has a document type, or is malformed.",
    category=Category.SECURITY,
    icon="file-code",
    config=Config,
    build=build,
    default_order=321,
    phases=(Phase.REQUEST_HEADERS, Phase.REQUEST_BODY),
    example={
        "maxNodeDepth": 20,
        "maxAttributeCountPerElement": 20,
        "maxChildCount": 1000,
        "maxTextLength": 10000,
        "maxAttributeLength": 500,
        "maxCommentLength": 500,
    },
    refusals=(
        _refusal(MALFORMED, "The body is not one well-formed XML document."),
        _refusal(DOCTYPE, "The XML in the body has a document type, which is not taken."),
        _refusal(
            ENCODING, "The encoding of the XML in the body is not taken. Use UTF-8, and say so the same everywhere."
        ),
        _refusal(TOO_DEEP, "The XML in the body is nested too deep."),
        _refusal(TOO_MANY_ATTRIBUTES, "An element in the body has too many attributes."),
        _refusal(TOO_MANY_CHILDREN, "An element in the body has too many children."),
        _refusal(TEXT_TOO_LONG, "A text in the body is too long."),
        _refusal(ATTRIBUTE_TOO_LONG, "The value of an attribute in the body is too long."),
        _refusal(COMMENT_TOO_LONG, "A comment or processing instruction in the body is too long."),
        _refusal("xml_encoded", "The body is compressed, so its XML cannot be checked. Send it as it is."),
    ),
    documentation=__doc__ or "",
)
