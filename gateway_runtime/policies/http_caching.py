"""# HTTP caching

Keeps answers and gives them again, so that the backend is asked less often.

## When to use it

For answers that are the same for everybody for a while: catalogues, prices, documents. What differs from caller to
caller needs a key that says for whom it is.

## Example

```yaml
policyRef:
  name: http-caching
config:
  httpCachingKey: "#[attributes.requestPath]"
  maxCacheEntries: 10000
  ttl: 600
  useHttpCacheHeaders: true
  invalidationHeader: x-cache
```

## What it does

A request that `requestExpression` takes is looked up: GET and HEAD unless it says something else. Where there is a
fresh answer it is given at this place: later policies and the backend are not asked, and earlier ones see it as they
see any other. Else the request goes on, and an answer that `responseExpression` takes is kept as later policies have
left it, while it streams to the caller: without it, those with the status 200, 203, 204, 300, 301, 404, 405, 410, 414
and 501. `#[true]` takes all. An answer that breaks off is not kept, nor is one above a megabyte. When there are
`maxCacheEntries`, the oldest goes.

`age` (seconds) is added to every answer that was kept, and `date` where the backend has not said it. A caller that has
the answer already (`if-none-match`, `if-modified-since`) gets 304. HEAD is answered from what was kept for GET, and its
own answers are not kept.

**The key.** `httpCachingKey` gives a text. The method, the host and the query always belong to the key too: they make
other answers, and a key without them would let one caller choose what others get. A key that itself uses the query
(`attributes.queryParams`, `attributes.queryString`, `attributes.requestUri`) takes the place of the whole query. An
answer with `vary` is kept for the values of those headers. An expression that fails or gives null lets the request
pass as if this policy were not there.

**Headers.** With `useHttpCacheHeaders`, a request with `no-cache` is not looked up but its answer is kept, one with
`no-store` may be answered from what is kept but its own answer is not, and `max-age` asks for one that is not older.
Answers with `no-store`, `no-cache` or `private` are not kept. `s-maxage` before `max-age` before `expires` says for how
long, if that is shorter than `ttl`, less the `age` that it has already. Without `useHttpCacheHeaders`, every answer is
kept for `ttl` seconds.

**What is never kept or given from here**, whatever the settings: requests with a body, with `range` or `if-range`, or
for a WebSocket; answers with `set-cookie`, with `vary: *`, with the status 206 or 304, or to HEAD; the gateway's own
answers. The answer to a caller with credentials (`authorization`, or known to a policy before this one as a principal)
is kept only where it says `public`, `s-maxage` or `must-revalidate` (RFC 9111 section 3.5), or where the key uses
`authentication` or the header itself.

**Forgetting.** Where `invalidationHeader` is set, its value `invalidate` makes the policy forget what is kept for the
key of the request, and `invalidate-all` everything; the request is then processed afresh, without that header. Whoever
may send it empties the cache, so choose a name that is not known to everybody, or have it checked by a policy before
this one. Nothing else makes the policy forget: a PUT or DELETE does not.

**Where.** Answers are kept in the memory of each worker, up to 64 MB for a binding, and an invalidation reaches the
worker that gets it. With `distributed`, all replicas use the shared storage of the gateway, where they outlive a
restart, too, and an invalidation of everything reaches the others within a second. `persistCache` needs what outlives a
restart, so it does the same. Without a shared storage either stays in memory; while it is away nothing is found.

It refuses nothing, and what is wrong with it never keeps a request from the backend.

## What callers see

Answers with `age`, or 304.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, NamedTuple

from gateway_runtime.expressions.settings import compile_for
from gateway_runtime.policies.context import OWN_ANSWER, WEBSOCKET, PolicyRuntime, RequestContext
from gateway_runtime.policies.http_caching_directives import (
    date_line,
    directives,
    is_unchanged,
    joined,
    lifetime,
    may_be_shared,
    may_be_stored,
    seconds,
    varies_by,
)
from gateway_runtime.policies.http_caching_entries import Entry, Memory, Shared
from gateway_runtime.policies.results import Response
from gateway_runtime.schema.expression import ExpressionSetting, Gives, expression
from gateway_runtime.schema.policy import Category, Handlers, Phase, PolicyConfig, PolicyDefinition, setting
from gateway_runtime.state.cache import LocalCache

ENTRY_BYTES = 1024 * 1024
STATUSES = (200, 203, 204, 206, 300, 301, 404, 405, 410, 414, 501)
# A part of something, or an answer to what one caller had already.
_NEVER_KEPT = frozenset({206, 304})
_NO_CONTENT = frozenset({204, 205})
# What is true of one connection or one exchange, or is said anew.
_NOT_KEPT = frozenset({b"age", b"connection", b"content-length", b"keep-alive", b"transfer-encoding", b"x-request-id"})
# What a 304 says of the answer that it stands for (RFC 9110 section 15.4.5).
_OF_UNCHANGED = frozenset({
    b"cache-control", b"content-location", b"date", b"etag", b"expires", b"last-modified", b"vary",
})  # fmt: skip
_uses_query = re.compile(r"\battributes\s*(\.\s*|\[\s*['\"])(query|requestUri)").search
_uses_caller = re.compile(r"\bauthentication\b|authorization", re.IGNORECASE).search

_KEY = ExpressionSetting()
_OF_REQUEST = ExpressionSetting(gives=Gives.BOOLEAN)
_OF_RESPONSE = ExpressionSetting(gives=Gives.BOOLEAN, response=True)


class Config(PolicyConfig, frozen=True):
    """What is kept, for how long, and where."""

    http_caching_key: Annotated[
        str,
        expression("Key", "What tells answers apart, beside method, host and query.", _KEY, min_length=1,
                   max_length=1000),
    ] = "#[attributes.requestPath]"  # fmt: skip
    max_cache_entries: Annotated[
        int, setting("Most entries", "How many answers are kept; then the oldest goes.", ge=1, le=1_000_000)
    ] = 10_000
    ttl: Annotated[int, setting("Time to live", "For how many seconds an answer is kept.", ge=1, le=31_536_000)] = 600
    use_http_cache_headers: Annotated[
        bool, setting("Use cache headers", "Whether Cache-Control and Expires are followed.")
    ] = True
    invalidation_header: Annotated[
        str,
        setting("Invalidation header", "A request header that makes the policy forget; empty for none.",
                pattern=r"^[A-Za-z0-9-]*$", max_length=100),
    ] = ""  # fmt: skip
    request_expression: Annotated[
        str,
        expression("Requests", "Which requests are looked up; “#[true]” for all.", _OF_REQUEST, max_length=2000),
    ] = "#[attributes.method == 'GET' or attributes.method == 'HEAD']"
    response_expression: Annotated[
        str,
        expression("Answers", "Which answers are kept; “#[true]” for all.", _OF_RESPONSE, max_length=2000),
    ] = f"#[{list(STATUSES)} contains attributes.statusCode]"
    distributed: Annotated[bool, setting("Distributed", "Whether all replicas keep answers together.")] = False
    persist_cache: Annotated[bool, setting("Persist", "Whether answers outlive a restart.")] = False


class _Asked(NamedTuple):
    """What the request was when it came by here, for its answer: later policies may change it."""

    key: str
    headers: list[tuple[bytes, bytes]]
    credentials: bool


class _Recording:
    """Sees an answer stream by and keeps a copy, if it comes to its end."""

    __slots__ = ("_keep", "_pieces", "_size")

    keeps_length = True

    def __init__(self, keep: Callable[[bytes], None]) -> None:
        self._keep = keep
        self._pieces: bytearray | None = bytearray()

    def feed(self, data: bytes) -> bytes:
        """Copy a piece."""
        if self._pieces is not None:
            self._pieces += data
            if len(self._pieces) > ENTRY_BYTES:
                self._pieces = None
        return data

    def finish(self) -> bytes:
        """Keep the whole."""
        if self._pieces is not None:
            self._keep(bytes(self._pieces))
        return b""


class _Caching:
    """The policy of one binding."""

    def __init__(self, config: Config, runtime: PolicyRuntime) -> None:
        self._binding = runtime.binding
        self._now = runtime.now
        self._ttl = config.ttl
        self._follows = config.use_http_cache_headers
        self._key = compile_for(_KEY, config.http_caching_key).evaluate
        self._with_query = _uses_query(config.http_caching_key) is None
        self._for_caller = _uses_caller(config.http_caching_key) is not None
        self._takes_request = _condition(_OF_REQUEST, config.request_expression)
        self._takes_answer = _condition(_OF_RESPONSE, config.response_expression)
        self._invalidates = config.invalidation_header.lower().encode()
        most = config.max_cache_entries
        shared = config.distributed or config.persist_cache
        cache = runtime.cache("answers", entries=most, shared=True) if shared else None
        self._store: Memory | Shared
        # Without a shared storage the cache is one in memory, and there answers need not become bytes.
        if cache is None or isinstance(cache, LocalCache):
            memory: Memory = runtime.keep("answers", lambda: Memory(runtime.now, entries=most))
            memory.entries = most
            self._store = memory
        else:
            self._store = runtime.keep("shared answers", lambda: Shared(cache, runtime.now))

    # The request

    def on_request(self, context: RequestContext) -> Response | Awaitable[Response | None] | None:
        """Answer with what is kept, or remember the request for its answer."""
        wanted = self._forgotten(context) if self._invalidates else b""
        # With the headers as they are here: later policies may change the list.
        headers = context.headers.copy()
        notes = context.notes
        control, credentials = b"", bool(context.principal)
        passes = bool(context.body_length) or (notes is not None and WEBSOCKET in notes)
        for name, value in headers:
            if name == b"cache-control":
                control = control + b"," + value if control else value
            elif name in (b"range", b"if-range"):
                passes = True
            elif name == b"authorization":
                credentials = True
            elif name == b"pragma" and not control and value.lower() == b"no-cache":
                control = b"no-cache"
        passes = passes or not self._takes_request(context)
        key = self._key_of(context) if wanted or not passes else None
        forgetting = self._forget(wanted, key) if wanted else None
        if key is None or passes:
            return forgetting
        said = directives(control) if self._follows and control else {}
        if b"no-store" not in said:
            context.note(self._binding, _Asked(key, headers, credentials))
        if wanted or b"no-cache" in said:
            return forgetting
        oldest = seconds(said[b"max-age"]) if b"max-age" in said else None
        store = self._store
        if type(store) is Memory:
            entry = store.find(key, headers)
            return None if entry is None else self._answer(entry, headers, oldest)
        return self._answer_later(key, headers, oldest)

    async def _answer_later(self, key: str, headers: list[tuple[bytes, bytes]], oldest: int | None) -> Response | None:
        assert type(self._store) is Shared
        entry = await self._store.find(key, headers)
        return None if entry is None else self._answer(entry, headers, oldest)

    def _answer(self, entry: Entry, asked: list[tuple[bytes, bytes]], oldest: int | None) -> Response | None:
        age = max(0, int(self._now() - entry.made))
        if oldest is not None and age > oldest:
            return None
        headers: tuple[tuple[bytes, bytes], ...] = (*entry.headers, (b"age", b"%d" % age))
        status, body = entry.status, entry.body
        if status == 200 and is_unchanged(asked, entry.headers):
            status, body = 304, b""
            headers = tuple([field for field in headers if field[0] in _OF_UNCHANGED or field[0] == b"age"])
        return Response(status=status, code="", title="", detail="", headers=headers, body=body, once=True)

    def _forgotten(self, context: RequestContext) -> bytes:
        """Return what is to be forgotten, and take the header away that says it."""
        value = joined(context.headers, self._invalidates).lower()
        if value:
            context.remove_header(self._invalidates)
        return value if value in (b"invalidate", b"invalidate-all") else b""

    def _forget(self, wanted: bytes, key: str | None) -> Awaitable[None] | None:
        if wanted == b"invalidate-all":
            return self._store.forget_all()
        return None if key is None else self._store.forget(key)

    def _key_of(self, context: RequestContext) -> str | None:
        found = self._key(context)
        if type(found) is not str:
            return None
        method = "GET" if context.method == b"HEAD" else context.method.decode("latin-1")
        query = context.query.decode("latin-1") if self._with_query else ""
        # What stands before the last part can have no line end in it, so no two of them are the same key.
        return f"{method}\n{joined(context.headers, b'host').decode('latin-1')}\n{query}\n{found}"

    # The answer

    def on_response(self, context: RequestContext) -> None:
        """Keep a copy of an answer that may be kept."""
        notes = context.notes
        asked = notes.get(self._binding) if notes is not None else None
        if asked is None or OWN_ANSWER in notes or context.method == b"HEAD" or not self._takes_answer(context):  # type: ignore[operator]
            return
        headers, status, now = context.response_headers, context.response_status, self._now()
        names = varies_by(headers)
        if status in _NEVER_KEPT or status < 200 or names is None or any(name == b"set-cookie" for name, _ in headers):
            return
        control = directives(joined(headers, b"cache-control"))
        if asked.credentials and not self._for_caller and not may_be_shared(control):
            return
        age, left = seconds(joined(headers, b"age")) if self._follows else 0, self._ttl
        if self._follows:
            if not may_be_stored(control):
                return
            said = lifetime(headers, control, now)
            if said is not None:
                left = min(left, said - age)
        length = joined(headers, b"content-length")
        if left <= 0 or (length and int(length) > ENTRY_BYTES):
            return
        kept = [field for field in headers if field[0] not in _NOT_KEPT]
        if not any(name == b"date" for name, _ in kept):
            kept.append(date_line(now))

        def keep(body: bytes) -> None:
            entry = Entry(status, tuple(kept), body, now - age, now + left)
            self._store.keep(asked.key, names, asked.headers, entry)

        if status in _NO_CONTENT:
            keep(b"")
        else:
            context.filter_response(_Recording(keep))


def _condition(takes: ExpressionSetting, source: str) -> Callable[[RequestContext], bool]:
    """Return what tells whether an expression holds. One that fails does not."""
    evaluate: Callable[[RequestContext], Any] = compile_for(takes, source).evaluate
    return lambda context: evaluate(context) is True


def build(config: Config, runtime: PolicyRuntime) -> Handlers:
    """Compile the expressions once. What is kept outlives the revision."""
    caching = _Caching(config, runtime)
    return Handlers(request_headers=caching.on_request, response_headers=caching.on_response)


DEFINITION = PolicyDefinition(
    name="http-caching",
    title="HTTP caching",
    summary="Keeps answers and gives them again, so that the backend is asked less often.",
    category=Category.QUALITY_OF_SERVICE,
    icon="database",
    config=Config,
    build=build,
    default_order=385,
    phases=(Phase.REQUEST_HEADERS, Phase.RESPONSE_HEADERS),
    example={
        "httpCachingKey": "#[attributes.requestPath]",
        "maxCacheEntries": 10000,
        "ttl": 600,
        "useHttpCacheHeaders": True,
        "invalidationHeader": "x-cache",
    },
    judges=False,
    documentation=__doc__ or "",
)
