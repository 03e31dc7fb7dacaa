"""What a policy sees of a request, and what it is given when it is built. Never the protocol or the Redis client."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from gateway_runtime.clock import Clock, Sleep
from gateway_runtime.fetching.client import ANSWER_LIMIT, Fetched
from gateway_runtime.fetching.url import Url
from gateway_runtime.policies.results import BodyFilter, Response
from gateway_runtime.state.limits import Limit, Limiter

if TYPE_CHECKING:
    from gateway_runtime.directories.directory import Directory
    from gateway_runtime.directories.ldap import LdapSettings
    from gateway_runtime.fetching.service import AskedService
    from gateway_runtime.notices import Report
    from gateway_runtime.schema.document import Service, Tier
    from gateway_runtime.state.cache import ByteCache
    from gateway_runtime.tls.client_certificate import ClientCertificate

Headers = list[tuple[bytes, bytes]]
# The note with the `Response` of the policy that has ended a request.
REFUSAL = "refusal"
# The notes of a request that asks for a WebSocket, and of an answer that is the gateway's own.
WEBSOCKET = "websocket"
OWN_ANSWER = "own_answer"


class ConsumerIndex(Protocol):
    """The client applications that have an active contract for the API being compiled.

    `tiers` are those of the contracts by the consumer's id; who has a contract without a tier is not in it.
    """

    tiers: "Mapping[str, Tier]"

    def by_client_id(self, client_id: bytes) -> Any | None:
        """Return the `Consumer` with this client id when its contract is active, else None."""

    def knows(self, client_id: bytes) -> bool:
        """Tell whether any application of this gateway has this client id, with or without a contract."""

    def known(self, client_id: bytes) -> Any | None:
        """Return the `Consumer` with this client id whether or not it has a contract here, else None."""


class RequestContext:
    """One request as the policies see it. Header names are lower case; everything from the wire stays bytes.

    `path` is the canonical path as received. The exchange sets `api_path` (what remains after the API's base path, at
    least a slash) and `host` (lower case, without port) once the API is known: the conditions of bindings read them.
    `headers` is the list that goes upstream: a policy changes it with the methods here. `response_headers` is filled
    before the response handlers run. `application` is set by whichever policy identifies the caller. `stopped_at` is
    the position of the policy that ended the request, -1 when none did. `client_certificate` is what the caller has
    shown and the listener has checked, None without: its fields are read when they are asked for.

    `body` and `response_body` are whole bodies, None as long as they have not been read (`NEEDS_BODY`). A body handler
    changes one by putting another there: the gateway says the new length. `body_length` is what the request's head says
    of it: 0 without a body, -1 where the length is not known beforehand. `forward_path` is the path that the service is
    asked for, without the query.
    """

    __slots__ = (
        "api_path", "application", "application_name", "body", "body_length", "client_certificate", "client_ip",
        "forward_path", "headers", "host", "method", "notes", "path", "principal", "query", "request_filters",
        "request_id", "response_body", "response_filters", "response_headers", "response_status", "resume_at",
        "stopped_at", "when_sent",
    )  # fmt: skip

    def __init__(
        self, method: bytes, path: bytes, query: bytes, headers: Headers, client_ip: str, request_id: bytes
    ) -> None:
        self.method = method
        self.path = path
        self.api_path = path
        self.host = b""
        self.query = query
        self.headers = headers
        self.client_ip = client_ip
        self.request_id = request_id
        self.application = ""
        self.application_name = ""
        self.principal = b""
        self.response_status = 0
        self.response_headers: Headers = []
        self.stopped_at = -1
        self.body: bytes | None = None
        self.body_length = 0
        self.response_body: bytes | None = None
        self.forward_path = path
        # Where the chain goes on after a body has been read.
        self.resume_at = 0
        # What bodies stream through on their way, in this order.
        self.request_filters: list[BodyFilter] | None = None
        self.response_filters: list[BodyFilter] | None = None
        # What is called when it is known which target the request goes to: see `before_sending`.
        self.when_sent: list[Callable[[bytes], None]] | None = None
        self.client_certificate: ClientCertificate | None = None
        # What a policy's request handler leaves for its own response handler, by binding id. What later expressions
        # know of the caller is `AUTHENTICATION` and `CLIENT_ID` (`expressions/given.py`), a refusal `REFUSAL`.
        self.notes: dict[str, Any] | None = None

    def header(self, name: bytes) -> bytes | None:
        """Return the first request header with this lower-case name."""
        for key, value in self.headers:
            if key == name:
                return value
        return None

    def only_header(self, name: bytes) -> bytes | None:
        """Return the request header with this lower-case name, or None when it is absent or sent more than once.

        For credentials: two values would let this policy and the upstream read different callers.
        """
        found: bytes | None = None
        for key, value in self.headers:
            if key == name:
                if found is not None:
                    return None
                found = value
        return found

    def remove_header(self, name: bytes) -> None:
        """Take every request header with this lower-case name out of what goes upstream."""
        self.headers = [pair for pair in self.headers if pair[0] != name]

    def filter_request(self, body_filter: BodyFilter) -> None:
        """Let the request's body stream through a filter on its way to the service. Said in a header handler."""
        if self.request_filters is None:
            self.request_filters = [body_filter]
        else:
            self.request_filters.append(body_filter)

    def filter_response(self, body_filter: BodyFilter) -> None:
        """Let the answer's body stream through a filter on its way to the caller. Said in a header handler."""
        if self.response_filters is None:
            self.response_filters = [body_filter]
        else:
            self.response_filters.append(body_filter)

    def before_sending(self, call: Callable[[bytes], None]) -> None:
        """Have something called just before the request is sent, with the Host header that the target will get.

        For what depends on the bytes that really go out, such as a signature. It may change `headers` and nothing else,
        must not raise, and is called again where the request is sent to another target.
        """
        if self.when_sent is None:
            self.when_sent = [call]
        else:
            self.when_sent.append(call)

    def note(self, binding: str, value: Any) -> None:
        """Leave something for the same binding's response handler."""
        if self.notes is None:
            self.notes = {binding: value}
        else:
            self.notes[binding] = value


class RemoteDocument(Protocol):
    """A document of somebody else, such as a key set. `value` is the last good one, None before there is one."""

    value: Any

    def current(self) -> Any:
        """Return the document if it may be used without waiting, else None."""

    async def latest(self) -> Any:
        """Wait for the document. None where there is none that may be used."""

    def fails(self) -> bool:
        """Tell whether the last attempt to fetch it has failed, so that waiting for it is of little use."""

    def may_ask_again(self) -> bool:
        """Tell whether a document that lacks something may be fetched anew already, or is being fetched."""

    async def newer(self) -> Any:
        """Fetch anew a document that lacks something, and return what is there then."""


class PolicyRuntime(Protocol):
    """What `build(config, runtime)` may use. Everything costly happens there, once per revision.

    Counters and caches survive a new revision; shared ones survive a restart, too. `name` tells several of one binding
    apart. While the shared storage is away they go on with what this worker knows: nothing is raised. Limiters that are
    to block say `UNKNOWN_QUOTA` then.
    """

    api: str
    api_name: str
    binding: str
    add_line: Callable[[bytes], None]  # writes a line with its end to the log, without ever waiting
    consumers: ConsumerIndex
    clock: Clock  # monotonic seconds
    now: Clock  # seconds since 1970, for times that others have written
    sleep: Sleep  # for a request that has to wait
    specification: str  # of the API, where the definition says that it is needed, else ""
    is_first: bool  # this is the one worker that does what need not be done by all

    def refusal(self, code: str, *, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Response:
        """Return the prebuilt answer for one of the definition's refusal codes."""

    def keep(self, name: str, make: Callable[[], Any]) -> Any:
        """Return state of this binding that survives a new revision (counters, caches), made on first use."""

    def limiter(
        self,
        name: str,
        limits: tuple[Limit, ...],
        *,
        shared: bool,
        exact: bool = False,
        blocks: bool = False,
        counters: str = "",
    ) -> Limiter:
        """Return counters, shared with all replicas where there is a shared storage: `exact` ones ask about each
        request, others lease.

        `counters` is under which name they count there, where several of a binding count for the same.
        """

    def cache(self, name: str, *, entries: int, shared: bool) -> "ByteCache":
        """Return a cache, shared with all replicas where there is a shared storage."""

    async def ask(
        self,
        url: Url,
        *,
        seconds: float,
        limit: int = ANSWER_LIMIT,
        method: str = "GET",
        headers: tuple[tuple[str, str], ...] = (),
        body: bytes = b"",
    ) -> Fetched:
        """Ask an HTTP service of somebody else, and return its whole answer whatever its status.

        `url` is made by `parse_url` when the policy is built, or when discovery tells it; its address is judged as
        those of services are, certificates are checked, redirects are not followed. Everything together takes `seconds`
        at most, and the answer's body has `limit` bytes at most. Connections are kept, and a question whose connection
        was closed just then is asked again. Raises `FetchError`, whose `code` tells nothing of the answer. Nothing is
        remembered and nobody shares the question: that is up to the policy.
        """

    def remote(self, url: str, parse: Callable[[bytes], Any], *, ttl: float, seconds: float) -> RemoteDocument:
        """Return the document at a URL, which all policies that name it share. Nothing is fetched yet.

        `parse` makes of its bytes what the policy needs, and raises `ValueError` for what is no such document. It is
        fetched anew after `ttl` seconds; one fetch takes `seconds` at most. Raises `ValueError` for a URL that may not
        be fetched.
        """

    def directory(self, settings: "LdapSettings") -> "Directory":
        """Return a directory, which all policies with the same settings share. It is not asked yet."""

    def report(self, read: "Report") -> None:
        """Let operators see what `read` says: whether all is well, and a sentence; or None. It is called every second.

        It shows on the API's page in the portal, and on the admin port as `/notices`.
        """

    def service(self, service: "Service") -> "AskedService":
        """Return a service that the policy itself asks about requests. Nothing is connected yet.

        Policies with the same service share its connections, and a new revision keeps them. Raises `ConfigFault`.
        """
