"""What a policy is: one `Config` type, one `PolicyDefinition`, one `build` function.

Everything else derives from these: the console's form, the REST serializer, file validation, the documentation page,
audit redaction, analytics labels and the compiled handler.
"""

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import msgspec

from gateway_runtime.schema.faults import whole


class Phase(enum.StrEnum):
    """When a handler runs.

    A body phase comes at its policy's place in the order, once the whole body has arrived: policies after it wait.
    """

    REQUEST_HEADERS = "request_headers"
    REQUEST_BODY = "request_body"
    RESPONSE_HEADERS = "response_headers"
    RESPONSE_BODY = "response_body"


class Category(enum.StrEnum):
    """The group a policy is listed under."""

    SECURITY = "Security"
    COMPLIANCE = "Compliance"
    QUALITY_OF_SERVICE = "Quality of service"
    TRANSFORMATION = "Transformation"
    TROUBLESHOOTING = "Troubleshooting"


class PolicyConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Base of every policy's settings. Names in files, REST and forms are the documented camelCase ones."""

    def __repr__(self) -> str:
        # The generated form would show secrets, and settings may come into a message.
        hidden = secret_fields(type(self))
        shown = (
            f"{name}=…" if name in hidden else f"{name}={getattr(self, name)!r}" for name in self.__struct_fields__
        )
        return f"{type(self).__qualname__}({', '.join(shown)})"


@cache
def secret_fields(config: type[PolicyConfig]) -> dict[str, str]:
    """Return the secret settings of a type, not of those inside it: their names in Python with those on the wire."""
    return {
        f.name: f.encode_name
        for f in msgspec.inspect.type_info(config).fields  # type: ignore[attr-defined]
        if isinstance(f.type, msgspec.inspect.Metadata) and (f.type.extra or {}).get("secret")
    }


def setting(
    title: str,
    help: str,
    *,
    secret: bool = False,
    placeholder: str = "",
    only_with: str = "",
    switch: bool = False,
    word: str = "",
    choices: tuple[str, ...] = (),
    bounds: Mapping[str, int] | None = None,
    unit: str = "",
    verbatim: bool = False,
    **limits: Any,
) -> msgspec.Meta:
    """Describe one setting: `Annotated[int, setting("Maximum requests", "How many …", ge=1)]`.

    `limits` are those of `msgspec.Meta` (ge, gt, le, lt, pattern, min_length, max_length). A secret is encrypted at
    rest, masked in every answer and kept when a form leaves it empty. `only_with` names a choice beside it without
    which it says nothing (`algorithm=fixed-window`): the form hides it then. An optional part whose settings have
    defaults gets a `switch`, which says whether it is there. `word` is how a part of a document is written where that
    is not its own name (see `written`), and `choices` are what a form offers for a text. `bounds` are limits that hold
    where a part is written: a document from elsewhere that breaks them is still read, and its API fenced by name.
    `unit` is said with the default. Choices that are `verbatim` are shown as they are written.
    """
    if "pattern" in limits:
        limits["pattern"] = whole(limits["pattern"])
    extra = {
        "secret": secret,
        "placeholder": placeholder,
        "only_with": only_with,
        "switch": switch,
        "word": word,
        "choices": choices,
        "bounds": dict(bounds or {}),
        "unit": unit,
        "verbatim": verbatim,
    }
    return msgspec.Meta(title=title, description=help, extra=extra, **limits)


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A way in which a policy ends a request: a stable code, the status sent and a sentence for the caller."""

    code: str
    status: int
    title: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Handlers:
    """What `build` returns: the closures that run per request. None where the policy has nothing to do.

    A request handler takes the `RequestContext` and returns None (continue) or a prebuilt `Response`. A handler that
    waits for I/O returns an awaitable of the same. A response handler takes the context, changes its response and
    returns None or an awaitable of None.

    A header handler that has to see the whole body of this message returns `NEEDS_BODY`: the gateway then reads it (up
    to its limit, 413 above), puts it into `context.body` (`context.response_body`) and calls the body handler, which
    may put another one there. A policy without the header handler wants every body. What can do with the body as it
    streams by does not ask for it: see `context.filter_request` and `filter_response`.

    `ended` is no phase: it is called once for each request of the API when all is over, however that came about (the
    answer is out, the client is gone, another policy has refused it), also for requests that the other handlers have
    not seen. It lets go of what these have left in `context.notes`, and must not wait.
    """

    request_headers: Callable[[Any], Any] | None = None
    request_body: Callable[[Any], Any] | None = None
    response_headers: Callable[[Any], Any] | None = None
    response_body: Callable[[Any], Any] | None = None
    ended: Callable[[Any], None] | None = None


def no_handlers(config: Any, runtime: Any) -> Handlers:
    """Build nothing: for a policy that only shapes its API."""
    return Handlers()


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDefinition:
    """One policy: its names and texts, its settings type, and how it is built.

    With `answers_preflight` it runs before every other policy whatever its order, holds for a whole API, and answers
    every OPTIONS request itself, so that such a request needs no route. A policy that does not judge (`judges`) refuses
    a request only where it cannot do its work on it.

    With `shape` it sees no request: it is a setting of the API, which `shape(config, api)` returns as it makes it
    (`schema.document.ApiInstance`). It has no phases, and holds for a whole API.

    `needs_specification` tells from the settings whether the policy works by the specification of its API:
    `runtime.specification` has its text then, and `check_specification` raises `ValueError` where it cannot be used.

    `needs_contracts` tells from the settings whether only client applications with a contract are let in.
    """

    name: str
    title: str
    summary: str
    category: Category
    config: type[PolicyConfig]
    default_order: int
    build: Callable[[Any, Any], Handlers] = no_handlers
    phases: tuple[Phase, ...] = ()
    example: dict[str, Any]
    refusals: tuple[Refusal, ...] = ()
    aliases: tuple[str, ...] = ()
    icon: str = "shield"
    answers_preflight: bool = False
    judges: bool = True
    shape: Callable[[Any, Any], Any] | None = None
    needs_specification: Callable[[Any], bool] | None = None
    check_specification: Callable[[str], None] | None = None
    needs_contracts: Callable[[Any], bool] | None = None
    documentation: str = field(default="", repr=False)

    @property
    def whole_api(self) -> bool:
        """Tell whether it holds for a whole API, so that its binding has no conditions."""
        return self.answers_preflight or not self.phases

    @property
    def can_shadow(self) -> bool:
        """Tell whether it can be tried out on live traffic: it judges requests, and may refuse some."""
        judging = {Phase.REQUEST_HEADERS, Phase.REQUEST_BODY}
        return self.judges and bool(self.refusals) and not judging.isdisjoint(self.phases)

    def secret_settings(self) -> tuple[str, ...]:
        """Return the wire names of the settings that are secret."""
        return tuple(secret_fields(self.config).values())
