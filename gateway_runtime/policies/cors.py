"""# CORS

Tells browsers which other origins may call the API (Cross-Origin Resource Sharing, as the Fetch standard has it).

## When to use it

When pages from other origins than the API's own call it from a browser. It lets browsers through, it locks nobody out:
what is not a browser does not ask. Put authentication beside it.

## Example

```yaml
policyRef:
  name: cors
config:
  publicResource: false
  supportCredentials: true
  originGroups:
    - origins:
        - https://shop.example
      accessControlMaxAge: 600
      allowedMethods:
        - methodName: GET
          isAllowed: true
        - methodName: POST
          isAllowed: true
      headers:
        - content-type
      exposedHeaders:
        - x-total
```

## What it does

It comes before every other policy, whatever its order, and holds for the whole API: it cannot be limited by rules.

Every OPTIONS request is taken for a preflight and answered here with 200 and no body: neither later policies nor the
backend see it. For an accepted origin the answer carries `access-control-allow-origin`, `-allow-methods`,
`-allow-headers` and `-max-age`; the answer to any other request `access-control-allow-origin` and `-expose-headers`;
both `-allow-credentials` where that is supported. An origin that is not accepted, or a request without one, gets none
of them. Refusals of later policies carry them too, so that a page can read why. `vary: Origin` keeps caches from mixing
answers up. Headers of these names that the backend sets are taken away.

With `publicResource` every origin is accepted, and whatever method and headers a preflight asks for are allowed.
Without, an origin is accepted when a group names it: equal in scheme, host and port. `*` stands for every origin, and
a group that names the origin itself comes before it. `*` among `headers` allows every header. Credentials are only for
origins that are named: with them, every page of the internet could act as its visitors.

This policy refuses no request.
"""

import enum
import re
from typing import Annotated

from gateway_runtime.policies.context import Headers, PolicyRuntime, RequestContext
from gateway_runtime.policies.results import Response
from gateway_runtime.schema.policy import Category, Handlers, Phase, PolicyConfig, PolicyDefinition, setting

ANY = "*"
PREFIX = b"access-control-"
VARY = (b"vary", b"Origin")
VARY_PREFLIGHT = (b"vary", b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers")
REMEMBERED = 256
LONGEST = 1024
DEFAULT_PORTS = {"http": "80", "https": "443"}

_origin = re.compile(r"([a-z][a-z0-9+.-]*)://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?").fullmatch
_token = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~-]+").fullmatch
_tokens = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~ \t,-]{1,4000}").fullmatch

HeaderName = Annotated[
    str, setting("Header", "A header name.", pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", max_length=100)
]


class Method(enum.StrEnum):
    """A method that a browser may ask for."""

    CONNECT = "CONNECT"
    DELETE = "DELETE"
    GET = "GET"
    HEAD = "HEAD"
    OPTIONS = "OPTIONS"
    PATCH = "PATCH"
    POST = "POST"
    PUT = "PUT"
    TRACE = "TRACE"


# As documented. A HEAD needs no leave.
DEFAULT_METHODS = tuple(method for method in Method if method is not Method.HEAD)


class AllowedMethod(PolicyConfig, frozen=True):
    """Whether one method may be used."""

    method_name: Annotated[Method, setting("Method", "The method.")]
    is_allowed: Annotated[bool, setting("Allowed", "Whether pages of these origins may use it.")] = True


class OriginGroup(PolicyConfig, frozen=True):
    """Origins that may do the same."""

    origins: Annotated[
        list[Annotated[str, setting("Origin", "Scheme, host and port, or “*”.", max_length=300)]],
        setting(
            "Origins",
            "Scheme, host and, where it is not the usual one, port; “*” for every origin.",
            min_length=1,
            max_length=500,
            placeholder="https://shop.example",
        ),
    ]
    access_control_max_age: Annotated[
        int, setting("Maximum age", "For how many seconds a browser may remember a preflight.", ge=0, le=86_400)
    ] = 30
    allowed_methods: Annotated[
        list[AllowedMethod],
        setting("Allowed methods", "What pages of these origins may use. None listed: all methods.", max_length=20),
    ] = []
    headers: Annotated[
        list[HeaderName],
        setting("Headers", "Request headers that pages may set; “*” for all.", max_length=200),
    ] = []
    exposed_headers: Annotated[
        list[HeaderName],
        setting("Exposed headers", "Response headers that pages may read.", max_length=200),
    ] = []

    def __post_init__(self) -> None:
        for origin in self.origins:
            canonical(origin)


class Config(PolicyConfig, frozen=True):
    """Which origins may call from browsers, and what they may do."""

    public_resource: Annotated[
        bool, setting("Public resource", "Every origin may call, with every method and header.")
    ] = True
    support_credentials: Annotated[
        bool,
        setting("Support credentials", "Browsers may send cookies and other credentials. Only for named origins."),
    ] = False
    origin_groups: Annotated[
        list[OriginGroup],
        setting("Origin groups", "Who may call where the resource is not public.", max_length=100),
    ] = []

    def __post_init__(self) -> None:
        if self.public_resource and self.origin_groups:
            raise ValueError(
                "A public resource takes every origin. Set publicResource to false for the groups to count"
            )
        if self.public_resource and self.support_credentials:
            raise ValueError(
                "A public resource cannot support credentials. Set publicResource to false and name origins"
            )
        seen: set[str] = set()
        for group in self.origin_groups:
            for origin in map(canonical, group.origins):
                if origin in seen:
                    raise ValueError(f"The origin “{origin}” is listed twice")
                seen.add(origin)
        if ANY in seen and self.support_credentials:
            raise ValueError("Credentials cannot be supported for every origin. Name the origins instead of “*”")


def canonical(origin: str) -> str:
    """Return an origin in the form that browsers send (RFC 6454 section 6.2). Raises `ValueError`."""
    if origin == ANY:
        return ANY
    found = _origin(origin.lower())
    if found is None or int(found[3] or 1) not in range(1, 65_536):
        raise ValueError(
            f"“{origin}” is not an origin: a scheme, a host and perhaps a port, as in https://shop.example"
        )
    scheme, host, port = found.groups()
    return f"{scheme}://{host}" if port in (None, DEFAULT_PORTS.get(scheme)) else f"{scheme}://{host}:{int(port)}"


class _Group:
    """One group as header fields. `methods` and `headers` are None where a preflight's own are allowed."""

    __slots__ = ("_any", "_credentials", "_exposed", "_headers", "_max_age", "_methods")

    def __init__(self, group: OriginGroup, *, any_origin: bool, credentials: bool, mirrors: bool = False) -> None:
        listed = [each.method_name for each in group.allowed_methods if each.is_allowed]
        methods = listed if group.allowed_methods else DEFAULT_METHODS
        self._any = any_origin
        self._credentials = [(b"access-control-allow-credentials", b"true")] if credentials else []
        self._methods = None if mirrors else ", ".join(methods).encode()
        self._headers = None if mirrors or ANY in group.headers else ", ".join(group.headers).encode()
        self._max_age = b"%d" % group.access_control_max_age
        exposed = ", ".join(group.exposed_headers).encode()
        self._exposed = [(b"access-control-expose-headers", exposed)] if exposed else []

    def fields(self, origin: bytes) -> Headers:
        """Return what the answer to a request from this origin carries."""
        return [*self._allowed(origin), *self._exposed]

    def preflight_fields(self, origin: bytes, method: bytes | None, headers: bytes | None) -> Headers:
        """Return what the answer to a preflight carries."""
        methods = self._methods
        if methods is None:
            methods = method if method is not None and _token(method) else b""
        allowed = self._headers
        if allowed is None:
            allowed = headers if headers is not None and _tokens(headers) else b""
        return [
            *self._allowed(origin),
            *([(b"access-control-allow-methods", methods)] if methods else []),
            *([(b"access-control-allow-headers", allowed)] if allowed else []),
            (b"access-control-max-age", self._max_age),
        ]

    def _allowed(self, origin: bytes) -> Headers:
        return [(b"access-control-allow-origin", b"*" if self._any else origin), *self._credentials]


class _Groups:
    """All groups of a binding by origin."""

    __slots__ = ("_by_origin", "_otherwise")

    def __init__(self, config: Config) -> None:
        self._otherwise: _Group | None = None
        self._by_origin: dict[bytes, _Group] = {}
        if config.public_resource:
            self._otherwise = _Group(OriginGroup(origins=[ANY]), any_origin=True, credentials=False, mirrors=True)
        for group in config.origin_groups:
            for origin in map(canonical, group.origins):
                if origin == ANY:
                    self._otherwise = _Group(group, any_origin=True, credentials=False)
                else:
                    named = _Group(group, any_origin=False, credentials=config.support_credentials)
                    self._by_origin[origin.encode()] = named

    def find(self, origin: bytes) -> _Group | None:
        """Return the group of an Origin header, None where it is not accepted."""
        found = self._by_origin.get(origin)
        if found is None and self._by_origin:
            # Browsers send the canonical form; what else there is may spell it otherwise.
            try:
                found = self._by_origin.get(canonical(origin.decode("ascii")).encode())
            except ValueError:
                found = None
        return found or self._otherwise


def _add_vary(headers: Headers) -> None:
    for name, value in headers:
        if name == b"vary" and {each.strip(b" \t").lower() for each in value.split(b",")} & {b"origin", b"*"}:
            return
    headers.append(VARY)


def build(config: Config, runtime: PolicyRuntime) -> Handlers:
    """Make the header fields of every group once; answers to preflights are remembered."""
    groups = _Groups(config)
    binding = runtime.binding
    remembered: dict[tuple[bytes | None, bytes | None, bytes | None], Response] = {}

    def on_request(context: RequestContext) -> Response | None:
        origin = context.only_header(b"origin")
        if context.method == b"OPTIONS":
            return preflight(context, origin)
        if origin is not None and (group := groups.find(origin)) is not None:
            context.note(binding, group.fields(origin))
        return None

    def preflight(context: RequestContext, origin: bytes | None) -> Response:
        method = context.only_header(b"access-control-request-method")
        headers = context.only_header(b"access-control-request-headers")
        key = (origin, method, headers)
        answer = remembered.get(key)
        if answer is None:
            group = groups.find(origin) if origin is not None else None
            fields = group.preflight_fields(origin, method, headers) if group is not None and origin is not None else []
            answer = Response(
                status=200, code="", title="", detail="", headers=(*fields, VARY_PREFLIGHT), body=b""
            )  # fmt: skip
            # Callers choose all three, so what is remembered has an end.
            if len(remembered) < REMEMBERED and sum(len(part or b"") for part in key) <= LONGEST:
                remembered[key] = answer
        return answer

    def on_response(context: RequestContext) -> None:
        headers = [pair for pair in context.response_headers if not pair[0].startswith(PREFIX)]
        notes = context.notes
        if notes is not None and (fields := notes.get(binding)) is not None:
            headers += fields
        _add_vary(headers)
        context.response_headers = headers

    return Handlers(request_headers=on_request, response_headers=on_response)


DEFINITION = PolicyDefinition(
    name="cors",
    title="CORS",
    summary="Tells browsers which other origins may call the API.",
    category=Category.COMPLIANCE,
    icon="world-share",
    config=Config,
    build=build,
    default_order=10,
    answers_preflight=True,
    phases=(Phase.REQUEST_HEADERS, Phase.RESPONSE_HEADERS),
    example={
        "publicResource": False,
        "supportCredentials": True,
        "originGroups": [
            {
                "origins": ["https://shop.example"],
                "accessControlMaxAge": 600,
                "allowedMethods": [
                    {"methodName": "GET", "isAllowed": True},
                    {"methodName": "POST", "isAllowed": True},
                ],
                "headers": ["content-type"],
                "exposedHeaders": ["x-total"],
            }
        ],
    },
    documentation=__doc__ or "",
)
