"""# Health check

Asks the service behind an API once a minute whether it is well, and says so where you look. It never touches a request.

## When to use it

To hear that a backend is ill before its callers tell you, also while there is no traffic. To keep traffic away from ill
targets of a service, give that service a health check of its own.

## Example

```yaml
policyRef:
  name: health-check
config:
  upstreamUrl: https://orders.example
  basePath: /health
  expectedStatus: 200
```

## What it does

The gateway sends `GET` to `upstreamUrl` with the path `basePath`, on a connection of its own, at most a second after
the policy is applied and then every `intervalSeconds`, a tenth sooner or later. One of its workers does it, in each
replica of the gateway. The service is well when the status of the answer is `expectedStatus`; the body is not looked at
and redirects are not followed. With `https://` the certificate has to be one that the machine trusts. The address is
judged like that of a service.

What came of it is shown on the API's page in the console with the time since when it is so, on the admin port of the
gateway (`/upstreams`, `/notices`) and in the metric `portico_upstream_healthy`. The log has `target_unhealthy` when the
service falls ill, with the reason, and `target_healthy` when it is well again. Requests are sent to it all the same.

## What callers see

Nothing: no request is refused or changed.
"""

import re
from typing import Annotated

from gateway_runtime.policies.context import PolicyRuntime
from gateway_runtime.schema.document import Service, Target
from gateway_runtime.schema.policy import Category, Handlers, PolicyConfig, PolicyDefinition, setting
from gateway_runtime.schema.upstream import HealthCheck

_url = re.compile(
    r"(https?)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9._-]{0,253}[A-Za-z0-9])?)(?::([0-9]{1,5}))?/?"
).fullmatch
_PORTS = {"http": 80, "https": 443}


class Config(PolicyConfig, frozen=True):
    """What is asked, and which answer is a good one."""

    upstream_url: Annotated[
        str,
        setting(
            "Upstream URL", "The service to ask: http:// or https://, a host, perhaps a port.",
            placeholder="https://orders.example", max_length=300,
        ),
    ]  # fmt: skip
    base_path: Annotated[
        str,
        setting("Base path", "The path to ask for, perhaps with a query.", pattern=r"^/[!-~]*$", max_length=2000),
    ] = "/"
    expected_status: Annotated[
        int, setting("Expected status", "The status of an answer that means that all is well.", ge=200, le=599)
    ] = 200
    interval_seconds: Annotated[
        int, setting("Interval (seconds)", "How often the service is asked.", ge=1, le=3600)
    ] = 60
    timeout_seconds: Annotated[
        int, setting("Timeout (seconds)", "A service that takes longer to answer is not well.", ge=1, le=60)
    ] = 10

    def __post_init__(self) -> None:
        found = _url(self.upstream_url)
        if found is None or not 1 <= int(found[3] or 1) <= 65_535:
            raise ValueError("An upstream URL is http:// or https://, a host, perhaps a port; the path is a setting")

    def service(self, binding: str, name: str) -> Service:
        """Return what is asked as a service that nobody sends requests to."""
        found = _url(self.upstream_url)
        assert found is not None
        return Service(
            id=f"health-check {binding}",
            name=name,
            targets=[Target(host=found[2].strip("[]").lower(), port=int(found[3] or _PORTS[found[1]]))],
            scheme=found[1],
            health_check=HealthCheck(
                path=self.base_path,
                interval_seconds=self.interval_seconds,
                timeout_seconds=self.timeout_seconds,
                statuses=(self.expected_status,),
                unhealthy_after=1,
                healthy_after=1,
            ),
        )


def build(config: Config, runtime: PolicyRuntime) -> Handlers:
    """Let the first worker check a service; what it checks begins and ends with the revision, as with all services."""
    if not runtime.is_first:
        return Handlers()
    service = runtime.service(config.service(runtime.binding, f"health check of {runtime.api_name}"))
    asked = config.upstream_url.rstrip("/") + config.base_path

    def report() -> tuple[bool, str] | None:
        finding = service.finding()
        if finding is None:
            return None
        if not finding:
            return True, f"{asked} answers {config.expected_status}."
        if finding.startswith("status_"):
            status = finding.removeprefix("status_")
            return False, f"{asked} answers {status} instead of {config.expected_status}."
        return False, f"{asked} does not answer ({finding.removeprefix('upstream_')})."

    runtime.report(report)
    return Handlers()


DEFINITION = PolicyDefinition(
    name="health-check",
    title="Health check",
    summary="Asks the service behind an API once a minute whether it is well.",
    category=Category.QUALITY_OF_SERVICE,
    icon="heartbeat",
    config=Config,
    build=build,
    default_order=900,
    phases=(),
    judges=False,
    example={
        "upstreamUrl": "https://orders.example",
        "basePath": "/health",
        "expectedStatus": 200,
        "intervalSeconds": 60,
        "timeoutSeconds": 10,
    },
    documentation=__doc__ or "",
)
