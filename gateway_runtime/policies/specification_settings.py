"""Which OpenAPI document a policy works by, and which part of it a request means."""

import enum
from collections.abc import Callable
from typing import Annotated

from gateway_runtime.policies.context import PolicyRuntime, RequestContext
from gateway_runtime.schema.policy import PolicyConfig, setting
from gateway_runtime.specification.compiled import Match, Specification, check_specification, compile_specification

LONGEST_SPEC = 1_048_576


class Source(enum.StrEnum):
    """Where the specification comes from."""

    CONTEXT = "context"
    INLINE = "inline"


class SpecificationConfig(PolicyConfig, frozen=True):
    """Where the specification is, and which path it begins at."""

    source: Annotated[
        Source,
        setting("Source", "The specification of the API version (context), or one that is given here (inline)."),
    ] = Source.CONTEXT
    spec: Annotated[
        str,
        setting(
            "Specification",
            "An OpenAPI 3.0 or 3.1 document in YAML or JSON, in one piece.",
            only_with="source=inline",
            max_length=LONGEST_SPEC,
            placeholder="openapi: 3.0.3",
        ),
    ] = ""
    api_base_path: Annotated[
        str,
        setting(
            "API base path",
            "What requests have before the paths of the specification.",
            pattern="^/[^?#\\s]*$",
            max_length=500,
        ),
    ] = "/"

    def __post_init__(self) -> None:
        if self.source is Source.INLINE:
            if not self.spec.strip():
                raise ValueError("With the source “inline” the specification has to be in “spec”.")
            check_specification(self.spec)


def needs_specification(config: SpecificationConfig) -> bool:
    """Tell whether it is the specification of the API version that counts."""
    return config.source is Source.CONTEXT


def specification_for(config: SpecificationConfig, runtime: PolicyRuntime) -> Specification:
    """Return the compiled specification. Raises `ValueError` where there is none that can be used."""
    text = config.spec if config.source is Source.INLINE else runtime.specification
    if not text:
        raise ValueError("The version of this API has no specification. Import one, or give one with “inline”.")
    return compile_specification(text)


def finder(config: SpecificationConfig, specification: Specification) -> Callable[[RequestContext], Match | None]:
    """Return what finds the operations at the path of a request.

    The base path of the specification may stand behind that of the API or be the same.
    """
    base = config.api_base_path.rstrip("/").encode()
    start = base + b"/"
    find = specification.find

    def plain(context: RequestContext) -> Match | None:
        return find(context.api_path.decode("latin-1"))

    def based(context: RequestContext) -> Match | None:
        for path in (context.api_path, context.path):
            if path.startswith(start):
                return find(path[len(base) :].decode("latin-1"))
            if path == base:
                return find("/")
        return None

    return based if base else plain
