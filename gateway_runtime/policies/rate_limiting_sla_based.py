"""# Rate limiting: SLA-based

Lets a request pass only from a client application with a contract, and at most as many as the tier of its contract
allows.

## When to use it

When applications choose a plan when they ask for access, and each is to get what its plan promises. The limits are
those of the [SLA tiers](/docs/guides/give-access/) of the API instance, or of the gateway's
[files](/docs/reference/declarative-files/#client-applications-and-tiers); nothing about them stands in the policy. For
one limit that holds for everybody use [rate limiting](/docs/policies/rate-limiting/).

## Example

```yaml
policyRef:
  name: rate-limiting-sla-based
config:
  clientIdExpression: "#[attributes.headers['client_id']]"
  clientSecretExpression: "#[attributes.headers['client_secret']]"
  clusterizable: true
  exposeHeaders: true
```

## What it does

The expressions say where a request carries its client ID and, if it is to be checked, its secret. Without
`clientSecretExpression` the client ID alone counts: put client ID enforcement before it then, or leave that out and
let this policy check the secret. A secret in a header is taken out of the request before it goes to the service.

Each contract has counters of its own, one for each limit of its tier, and a request needs quota of all of them. A
refused request uses none. Limits of a tier are counted in fixed windows that are opened by the first request, or in
sliding ones (`algorithm`); those by the calendar begin at midnight in `timeZone`. How they are shared between
replicas, and what happens without the shared storage, is as with [rate limiting](/docs/policies/rate-limiting/).

A changed tier acts at once on all contracts that have it. What has been used stays used, also where a contract gets
another tier with a limit of the same period; where nothing is shared, with limits of just the same periods.

A contract without a tier, or with a tier without limits, has no limit: its requests pass, and are not counted here.

## What callers see

| Status | Code | When |
| --- | --- | --- |
| 401 | `sla_client_id_missing` | no client ID was sent, or more than one |
| 401 | `sla_credentials_invalid` | the application is unknown, or its secret is wrong |
| 401 | `sla_no_contract` | the application has no active contract for this API |
| 429 | `sla_limit_exceeded` | a limit of the tier is used up; `Retry-After` says in seconds when to come back |
| 503 | `sla_limit_unknown` | with `blockOnUnknownQuota`: the shared storage is away, so nobody can tell |

The 401 answers carry `WWW-Authenticate: Client-ID-Enforcement`. With `exposeHeaders` and `exposeRateLimitHeaders`
answers tell of the limit that is nearest to its end, as those of rate limiting do. Without a contract nobody gets in,
whatever happens.
"""

from collections.abc import Awaitable
from typing import Annotated

from gateway_runtime.policies.client_credentials import (
    CHALLENGE,
    CLIENT_ID,
    CLIENT_SECRET,
    CREDENTIAL,
    check_sources,
    kept_back,
    reader,
    reads_body,
    secret_fits,
)
from gateway_runtime.policies.context import PolicyRuntime, RequestContext
from gateway_runtime.policies.payloads import request_handlers
from gateway_runtime.policies.rate_limiting_headers import Teller, Writers, writers_of
from gateway_runtime.policies.rate_limiting_settings import (
    ALGORITHM,
    BLOCK_ON_UNKNOWN_QUOTA,
    CLUSTERIZABLE,
    EXACT,
    EXPOSE_HEADERS,
    EXPOSE_STANDARD_HEADERS,
    TIME_ZONE,
    Algorithm,
    counted,
    limit_of,
)
from gateway_runtime.policies.results import Response
from gateway_runtime.schema.calendar_period import CalendarPeriod
from gateway_runtime.schema.document import Tier
from gateway_runtime.schema.expression import expression
from gateway_runtime.schema.policy import (
    Category,
    Handlers,
    Phase,
    PolicyConfig,
    PolicyDefinition,
    Refusal,
)
from gateway_runtime.state.calendar import zone_of
from gateway_runtime.state.limits import UNKNOWN_QUOTA, Limiter, Verdict

# Where contracts count in the shared storage, whatever their tier.
CONTRACTS = "contracts"


class Config(PolicyConfig, frozen=True):
    """Where the credentials are, and how the limits of tiers are counted."""

    client_id_expression: Annotated[
        str, expression("Client ID", "Where a request carries the client ID.", CREDENTIAL)
    ] = CLIENT_ID
    client_secret_expression: Annotated[
        str | None,
        expression(
            "Client secret",
            "Where a request carries the secret. Left empty, the client ID alone counts.",
            CREDENTIAL,
            placeholder=CLIENT_SECRET,
        ),
    ] = None
    clusterizable: Annotated[bool, CLUSTERIZABLE] = True
    expose_headers: Annotated[bool, EXPOSE_HEADERS] = False
    expose_rate_limit_headers: Annotated[bool, EXPOSE_STANDARD_HEADERS] = False
    algorithm: Annotated[Algorithm, ALGORITHM] = Algorithm.FIXED_WINDOW
    time_zone: Annotated[str, TIME_ZONE] = "UTC"
    exact: Annotated[bool, EXACT] = False
    block_on_unknown_quota: Annotated[bool, BLOCK_ON_UNKNOWN_QUOTA] = False

    def __post_init__(self) -> None:
        check_sources(self.client_id_expression, self.client_secret_expression)
        zone_of(self.time_zone)


def _counting(config: Config, runtime: PolicyRuntime, tier: Tier) -> tuple[Limiter, Writers]:
    """Return what counts the contracts of a tier, and what writes the verdicts on them."""
    written = [
        limit_of(
            each.maximum_requests,
            each.period_ms or None,
            CalendarPeriod(each.calendar_period) if each.calendar_period else None,
            config.algorithm,
            config.time_zone,
        )
        for each in tier.limits
    ]
    limits, exact = counted(written, exact=config.exact)
    limiter = runtime.limiter(
        f"tier {tier.id}",
        limits,
        shared=config.clusterizable,
        exact=exact,
        blocks=config.block_on_unknown_quota,
        counters=CONTRACTS,
    )
    return limiter, writers_of(limits, old=config.expose_headers, new=config.expose_rate_limit_headers)


def build(config: Config, runtime: PolicyRuntime) -> Handlers:
    """Make one limiter for each tier that a contract has: contracts are its keys."""
    consumers = runtime.consumers
    tiers = {tier.id: tier for tier in consumers.tiers.values() if tier.limits}
    by_tier = {id: _counting(config, runtime, tier) for id, tier in tiers.items()}
    by_consumer = {id: by_tier[tier.id] for id, tier in consumers.tiers.items() if tier.limits}
    teller = Teller(runtime.binding, old=config.expose_headers, new=config.expose_rate_limit_headers)
    id_source, secret_source = config.client_id_expression, config.client_secret_expression
    read_id = reader(id_source)
    read_secret = reader(secret_source) if secret_source is not None else None
    stripped = kept_back(id_source, secret_source)
    missing = runtime.refusal("sla_client_id_missing", headers=CHALLENGE)
    invalid = runtime.refusal("sla_credentials_invalid", headers=CHALLENGE)
    no_contract = runtime.refusal("sla_no_contract", headers=CHALLENGE)
    exceeded = runtime.refusal("sla_limit_exceeded")
    unknown = runtime.refusal("sla_limit_unknown", headers=((b"retry-after", b"1"),))
    clock, tells = runtime.clock, teller.tells

    def check(context: RequestContext) -> Response | Awaitable[Response | None] | None:
        client_id = read_id(context)
        if client_id is None:
            return missing
        consumer = consumers.by_client_id(client_id)
        known = consumer if consumer is not None else consumers.known(client_id)
        if known is None or (read_secret is not None and not secret_fits(known, read_secret(context) or b"")):
            return invalid
        if consumer is None:
            return no_contract
        context.application = consumer.id
        context.application_name = consumer.name
        context.principal = client_id
        if stripped:
            context.headers = [pair for pair in context.headers if pair[0] not in stripped]
        counting = by_consumer.get(consumer.id)
        if counting is None:
            return None
        limiter, writers = counting
        verdict = limiter.ask(consumer.id, clock())
        if type(verdict) is not Verdict:
            return later(context, verdict, writers)  # type: ignore[arg-type]
        if verdict[3] or tells:
            return judge(context, verdict, writers)
        return None

    def judge(context: RequestContext, verdict: Verdict, writers: Writers) -> Response | None:
        if verdict is UNKNOWN_QUOTA:
            return unknown
        if verdict[3]:
            return teller.refused(context, exceeded, verdict, writers)
        if tells:
            teller.passed(context, verdict, writers)
        return None

    async def later(context: RequestContext, verdict: Awaitable[Verdict], writers: Writers) -> Response | None:
        return judge(context, await verdict, writers)

    handlers = request_handlers(check, reads_body=reads_body(id_source, secret_source))
    return Handlers(**handlers, response_headers=teller.on_response if tells else None)


DEFINITION = PolicyDefinition(
    name="rate-limiting-sla-based",
    title="Rate limiting: SLA-based",
    summary="Lets each client application make as many requests as the tier of its contract allows.",
    category=Category.QUALITY_OF_SERVICE,
    icon="stairs-up",
    config=Config,
    build=build,
    default_order=310,
    phases=(Phase.REQUEST_HEADERS, Phase.RESPONSE_HEADERS),
    example={
        "clientIdExpression": CLIENT_ID,
        "clientSecretExpression": CLIENT_SECRET,
        "clusterizable": True,
        "exposeHeaders": True,
    },
    refusals=(
        Refusal(
            code="sla_client_id_missing",
            status=401,
            title="Client ID required",
            detail="This API is open to registered applications. Send your application's client ID once.",
        ),
        Refusal(
            code="sla_credentials_invalid",
            status=401,
            title="Client credentials not accepted",
            detail="The client ID is unknown or its secret is wrong. Check both where the application is registered.",
        ),
        Refusal(
            code="sla_no_contract",
            status=401,
            title="No active contract",
            detail="This application has no active contract for this API. Request access to it.",
        ),
        Refusal(
            code="sla_limit_exceeded",
            status=429,
            title="Limit of the tier used up",
            detail="Your application has used up what its tier allows. Try again after the Retry-After seconds.",
        ),
        Refusal(
            code="sla_limit_unknown",
            status=503,
            title="Limit of the tier not known",
            detail="Whether this request is within the limit cannot be told now. Try again later.",
        ),
    ),
    needs_contracts=lambda config: True,
    documentation=__doc__ or "",
)
