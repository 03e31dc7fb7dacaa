"""A portal with as much in it as asked for, written in bulk: what pages are measured on, and their queries counted.

Everything is in one organization and environment, as its services would have made it. Needs Django.
"""

from __future__ import annotations

import datetime
import hashlib
import itertools
import json
import random
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from gateway_runtime.schema.envelope import new_keys
from portal.accounts.models import User
from portal.alerts.models import AlertEpisode, AlertKind, AlertNotice, AlertRule, AlertWebhook
from portal.analytics.models import TrafficMinute
from portal.analytics.summaries import summaries_add
from portal.apis.models import ApiInstance, Destination, Route, Service
from portal.audit.models import AuditEvent
from portal.catalog.models import Api, ApiVersion, Layer, Specification, Visibility
from portal.catalog.openapi.checks import OpenApi, openapi_from
from portal.contracts.models import ClientApplication, Contract, ContractStatus, Credential, SlaTier
from portal.demo.company import SPECIFICATIONS
from portal.gateways.models import Certificate, Gateway, Listener, Replica
from portal.landscape.models import Caller
from portal.organizations.models import CustomRole, Environment, EnvironmentKind, Organization, Role, RoleBinding, Team
from portal.policies.models import AutomatedPolicy, PolicyBinding
from portal.traces.models import Trace

BATCH = 1000
LIMIT = [{"maximumRequests": 100, "timePeriodInMilliseconds": 60_000}]
STATUSES = ((200, "", ""), (429, "rate-limiting", "rate_limit_exceeded"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How many of each. Of the last day, `busy` APIs have rows by minute; `days` days have rows by hour."""

    apis: int = 1000
    applications: int = 5000
    contracts: int = 10_000
    developers: int = 200
    gateways: int = 3
    audit_events: int = 20_000
    traces: int = 5000
    days: int = 90
    busy: int = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class LargePortal:
    """One of each thing, for the addresses of pages."""

    owner: User
    developer: User
    organization: Organization
    environment: Environment
    gateway: Gateway
    listener: Listener
    certificate: Certificate
    instance: ApiInstance
    api: Api
    api_version: ApiVersion
    route: Route
    service: Service
    binding: PolicyBinding
    automated: AutomatedPolicy
    tier: SlaTier
    contract: Contract
    application: ClientApplication
    role: RoleBinding
    custom_role: CustomRole
    team: Team
    audit_event: AuditEvent
    trace: Trace
    alert: AlertRule
    webhook: AlertWebhook
    notice: AlertNotice


def fill(sizes: Sizes, progress: Callable[[str], None] = lambda what: None) -> LargePortal:
    """Write everything and return one of each."""
    chance = random.Random(5)
    owner = User.objects.create_user("owner@large.example", None, name="Olga Owner", is_operator=True)
    organization = Organization.objects.create(name="Large", slug="large")
    role = RoleBinding.objects.create(user=owner, organization=organization, role=Role.OWNER)
    custom_role = CustomRole.objects.create(organization=organization, name="Support", granted=" traffic.view ")
    environment = Environment.objects.create(
        organization=organization, name="Production", slug="production", kind=EnvironmentKind.PRODUCTION
    )
    progress("APIs and gateways")
    gateways = [_gateway(environment, number) for number in range(sizes.gateways)]
    versions = _apis(organization, sizes)
    instances = _instances(environment, gateways, versions)
    services, routes = _routes(instances)
    bindings, automated = _policies(environment, instances)
    progress("applications and contracts")
    developers = _developers(organization, sizes)
    applications = _applications(developers, sizes)
    tiers, contracts = _contracts(instances, applications, sizes)
    # Every twentieth API calls others as an application.
    _made(
        Caller(instance=instance, application=application)
        for instance, application in zip(instances[::20], applications, strict=False)
    )
    progress("audit events and traces")
    events = _audit(organization, environment, owner, instances, sizes)
    alerts, webhook, notices = _alerts(environment, sizes)
    traces = _traces(environment, gateways[0], instances, sizes)
    _traffic(environment, gateways[0], instances, applications, sizes, chance, progress)
    connection.cursor().execute("ANALYZE")
    return LargePortal(
        owner=owner,
        developer=developers[0],
        organization=organization,
        environment=environment,
        gateway=gateways[0],
        listener=gateways[0].listeners.get(),
        certificate=Certificate.objects.all()[0],
        instance=instances[0],
        api=versions[0].api,
        api_version=versions[0],
        route=routes[0],
        service=services[0],
        binding=bindings[0],
        automated=automated[0],
        tier=tiers[0],
        contract=contracts[0],
        application=applications[0],
        role=role,
        custom_role=custom_role,
        team=Team.objects.create(organization=organization, name="Payments"),
        audit_event=events[0],
        trace=traces[0],
        alert=alerts[0],
        webhook=webhook,
        notice=notices[0],
    )


def _made(rows: Iterable[Any]) -> list[Any]:
    made = list(rows)
    if made:
        type(made[0])._base_manager.bulk_create(made, batch_size=BATCH)
    return made


def _gateway(environment: Environment, number: int) -> Gateway:
    signing_key, keys = new_keys()
    gateway = Gateway.objects.create(
        environment=environment,
        name=f"Edge {number}",
        slug=f"edge-{number}",
        signing_key=signing_key,
        verify_key=keys.verify,
        encrypt_key=keys.encrypt,
    )
    Listener.objects.create(gateway=gateway, name="public", port=8080 + number)
    now = timezone.now()
    Certificate.objects.create(
        environment=environment, name=f"Certificate {number}", chain="", private_key="", subject="CN=large.example",
        issuer="CN=Large", names=["large.example"], not_before=now, not_after=now + datetime.timedelta(days=90),
        fingerprint=f"{number:064x}", key_type="EC P-256",
    )  # fmt: skip
    _made(
        Replica(
            gateway=gateway, replica_id=f"{number}-{each}", host=f"host-{each}", pid=each + 1, version="1", workers=2,
            started_at=now, seen_at=now, state="applied", revision=1,
        )
        for each in range(2)
    )  # fmt: skip
    return gateway


def _apis(organization: Organization, sizes: Sizes) -> list[ApiVersion]:
    layers = list(Layer)
    apis = _made(
        Api(
            organization=organization, name=f"Service {number:04}", slug=f"service-{number:04}",
            summary=f"What the company knows about subject {number}.", layer=layers[number % len(layers)],
            visibility=Visibility.PUBLIC if number % 5 == 0 else Visibility.PRIVATE,
        )
        for number in range(sizes.apis)
    )  # fmt: skip
    versions = _made(ApiVersion(api=api) for api in apis)
    found: list[OpenApi] = [openapi_from(path.read_bytes()) for path in sorted(SPECIFICATIONS.glob("*.yaml"))]
    _made(
        Specification(
            api_version=version, source=openapi.source, document=openapi.document, openapi=openapi.openapi,
            digest=hashlib.sha256(openapi.source.encode()).hexdigest(),
        )
        for version, openapi in zip(versions, itertools.cycle(found), strict=False)
    )  # fmt: skip
    return versions


def _instances(environment: Environment, gateways: list[Gateway], versions: list[ApiVersion]) -> list[ApiInstance]:
    listeners = [gateway.listeners.get() for gateway in gateways]
    return _made(
        ApiInstance(
            environment=environment, api_version=version, gateway=gateways[number % len(gateways)],
            listener=listeners[number % len(gateways)], base_path=f"/service-{number:04}",
            labels={"team": f"team-{number % 20}", "layer": version.api.layer},
        )
        for number, version in enumerate(versions)
    )  # fmt: skip


def _routes(instances: list[ApiInstance]) -> tuple[list[Service], list[Route]]:
    services = _made(Service(instance=each, url=_url(number, instances)) for number, each in enumerate(instances))
    routes = _made(Route(instance=each) for each in instances)
    _made(Destination(route=route, service=service) for route, service in zip(routes, services, strict=True))
    return services, routes


def _url(number: int, instances: list[ApiInstance]) -> str:
    """Return where an API leads: every tenth to the next one, the others out of the landscape."""
    if number % 10 or number + 1 == len(instances):
        return "http://backend.example.test:9001"
    called = instances[number + 1]
    return f"http://localhost:{called.listener.port}{called.base_path}"


def _policies(
    environment: Environment, instances: list[ApiInstance]
) -> tuple[list[PolicyBinding], list[AutomatedPolicy]]:
    bindings = _made(
        PolicyBinding(instance=instance, policy=policy, order=order, config=config)
        for instance in instances
        for order, (policy, config) in enumerate(
            (
                ("rate-limiting", {"rateLimits": LIMIT}),
                ("header-injection", {"outboundHeaders": [{"key": "x-served-by", "value": "edge"}]}),
            )
        )
    )
    automated = _made(
        AutomatedPolicy(
            environment=environment, policy="header-removal", order=number, config={"inboundHeaders": [f"x-{number}"]},
            selector={"team": f"team-{number}"},
        )
        for number in range(min(10, len(instances)))
    )  # fmt: skip
    return bindings, automated


def _developers(organization: Organization, sizes: Sizes) -> list[User]:
    users = _made(
        User(email=f"developer-{number}@large.example", name=f"Developer {number}", password="!")
        for number in range(sizes.developers)
    )
    _made(RoleBinding(user=user, organization=organization, role=Role.VIEWER) for user in users)
    return users


def _applications(developers: list[User], sizes: Sizes) -> list[ClientApplication]:
    applications = _made(
        ClientApplication(
            owner=developers[number % len(developers)], name=f"Application {number:04}", client_id=secrets.token_hex(16)
        )
        for number in range(sizes.applications)
    )
    _made(Credential(application=each, digest=secrets.token_hex(32), hint="abcd") for each in applications)
    return applications


def _contracts(
    instances: list[ApiInstance], applications: list[ClientApplication], sizes: Sizes
) -> tuple[list[SlaTier], list[Contract]]:
    tiers = _made(SlaTier(instance=each, name="Gold", limits=LIMIT) for each in instances)
    states = (*[ContractStatus.ACTIVE] * 8, ContractStatus.PENDING, ContractStatus.REVOKED)
    pairs: Iterator[tuple[int, int]] = itertools.islice(
        ((a, (a + step * 7) % len(instances)) for step in itertools.count() for a in range(len(applications))),
        sizes.contracts,
    )
    contracts = _made(
        Contract(application=applications[a], instance=instances[i], tier=tiers[i], status=states[n % len(states)])
        for n, (a, i) in enumerate(pairs)
    )
    return tiers, contracts


def _audit(
    organization: Organization, environment: Environment, owner: User, instances: list[ApiInstance], sizes: Sizes
) -> list[AuditEvent]:
    return _made(
        AuditEvent(
            organization_id=organization.pk, environment_id=environment.pk, actor_id=owner.pk, actor_name=owner.name,
            action="instance.update", target_type="apiinstance", target_id=str(instance.pk),
            target_name=instance.base_path, before={"label": ""}, after={"label": f"change {number}"},
        )
        for number, instance in zip(range(sizes.audit_events), itertools.cycle(instances))
    )  # fmt: skip


def _alerts(environment: Environment, sizes: Sizes) -> tuple[list[AlertRule], AlertWebhook, list[AlertNotice]]:
    """Return as many alerts as gateways, each with an episode and a notice."""
    webhook = AlertWebhook.objects.create(
        environment=environment, name="Pager", url="https://pager.example", secret="s"
    )
    numbers = range(sizes.gateways)
    rules = _made(
        AlertRule(environment=environment, name=f"Alert {number}", kind=AlertKind.GATEWAY) for number in numbers
    )
    now = timezone.now()
    episodes = _made(AlertEpisode(rule=rule, detail="Gone.", latest="Gone.", started_at=now) for rule in rules)
    notices = _made(
        AlertNotice(
            environment=environment, rule=episode.rule, episode=episode, webhook=webhook, by_mail=False,
            receiver="Pager", reason="alert.fired", title="Gone", body={"detail": "Gone."},
        )
        for episode in episodes
    )  # fmt: skip
    return rules, webhook, notices


def _traces(environment: Environment, gateway: Gateway, instances: list[ApiInstance], sizes: Sizes) -> list[Trace]:
    now = timezone.now()
    return _made(
        Trace(
            id=f"{number:032x}", organization_id=environment.organization_id, environment=environment,
            gateway_id=gateway.pk, replica_id="0-0", kind="refusal", request_id=f"request-{number}",
            at=now - datetime.timedelta(seconds=number), revision=1, instance=str(instance.pk), method="GET",
            path=instance.base_path, status=429, policy="rate-limiting", code="rate_limit_exceeded", duration_us=900,
        )
        for number, instance in zip(range(sizes.traces), itertools.cycle(instances))
    )  # fmt: skip


def _traffic(
    environment: Environment,
    gateway: Gateway,
    instances: list[ApiInstance],
    applications: list[ClientApplication],
    sizes: Sizes,
    chance: random.Random,
    progress: Callable[[str], None],
) -> None:
    """Write rows by minute for the last day of the busy ones, and by hour before it for a tenth of all."""
    now = timezone.now().replace(second=0, microsecond=0)
    busy = instances[: sizes.busy]
    minutes = [now - datetime.timedelta(minutes=number) for number in range(min(sizes.days, 1) * 1440)]
    hours = [now - datetime.timedelta(hours=number) for number in range(24, sizes.days * 24)]
    chances = [
        json.dumps({str(chance.randrange(40, 90)): chance.randrange(1, 60) for _ in range(5)}) for _ in range(50)
    ]
    columns = [field.column for field in TrafficMinute._meta.concrete_fields if not field.primary_key]
    places = ", ".join("%s" for _ in columns)
    quoted = ", ".join(connection.ops.quote_name(column) for column in columns)
    sql = f"INSERT INTO {TrafficMinute._meta.db_table} ({quoted}) VALUES ({places})"
    plain = connection.ops.adapt_datetimefield_value
    gateway_id, environment_id, organization_id = (
        pk.hex if connection.vendor == "sqlite" else pk
        for pk in (gateway.pk, environment.pk, environment.organization_id)
    )

    def rows(times: list[datetime.datetime], some: list[ApiInstance]) -> Iterator[dict[str, Any]]:
        for at, instance, (status, policy, code) in itertools.product(times, some, STATUSES):
            yield {
                "minute": plain(at), "organization_id": organization_id, "environment_id": environment_id,
                "gateway_id": gateway_id, "instance": str(instance.pk), "route": "all requests",
                "application": str(applications[chance.randrange(min(50, len(applications)))].pk), "status": status,
                "policy": policy, "code": code, "requests": chance.randrange(1, 300), "bytes_in": 0,
                "bytes_out": 20_000, "shadowed": 0, "latency": chance.choice(chances),
                "upstream_latency": chance.choice(chances), "at": at,
            }  # fmt: skip

    def summed_up(row: dict[str, Any]) -> TrafficMinute:
        own = {name: row[name] for name in ("instance", "application", "status", "policy", "code", "requests")}
        return TrafficMinute(
            minute=row["at"], environment_id=environment.pk, organization_id=environment.organization_id,
            bytes_out=row["bytes_out"], latency=json.loads(row["latency"]),
            upstream_latency=json.loads(row["upstream_latency"]), **own,
        )  # fmt: skip

    every = itertools.chain(rows(minutes, busy), rows(hours, instances[: max(1, len(instances) // 10)]))
    written = 0
    # One transaction: without, each row would be one.
    with transaction.atomic(), connection.cursor() as cursor:
        while batch := list(itertools.islice(every, 50_000)):
            cursor.executemany(sql, [[row[column] for column in columns] for row in batch])
            summaries_add(summed_up(row) for row in batch)
            written += len(batch)
            progress(f"{written} rows of traffic")
