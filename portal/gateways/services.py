"""Changes of gateways and replicas."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.text import slugify

from gateway_runtime.schema.envelope import new_keys
from gateway_runtime.schema.replica import ReplicaStatus
from portal.audit.services import audit_record
from portal.audit.undo import undoable
from portal.core.addresses import is_host
from portal.core.errors import ApplicationError
from portal.gateways.listener_services import listener_create
from portal.gateways.models import Gateway, Replica
from portal.gateways.registration_services import revocation_create
from portal.gateways.signals import gateway_configuration_changed
from portal.organizations.models import Environment

# Every start of a gateway is a new replica; those silent for this long are of no interest any more.
REPLICA_KEPT = timedelta(days=7)


@transaction.atomic
def gateway_create(
    *,
    actor: Any,
    environment: Environment,
    name: str,
    public_host: str = "",
    port: int | None = None,
) -> Gateway:
    """Create a gateway with its keys and one listener, on `port` or else on the installation's usual one."""
    _name_check(environment=environment, name=name)
    _host_check(public_host.strip())
    signing_key, keys = new_keys()
    gateway = Gateway(
        environment=environment,
        name=name.strip(),
        slug=_free_slug(environment, name),
        signing_key=signing_key,
        verify_key=keys.verify,
        encrypt_key=keys.encrypt,
        public_host=public_host.strip(),
    )
    gateway.save_checked()
    audit_record(actor=actor, action="gateway.create", target=gateway, after=_state(gateway))
    listener_create(actor=actor, gateway=gateway, port=port or settings.GATEWAY_PORT)
    return gateway


@undoable("gateway")
@transaction.atomic
def gateway_update(
    *,
    actor: Any,
    gateway: Gateway,
    name: str | None = None,
    public_host: str | None = None,
    sampled_percent: float | None = None,
) -> Gateway:
    """Change a gateway's name, where consumers reach it, or how many requests are traced. Its slug stays."""
    before = _state(gateway)
    if name is not None:
        _name_check(environment=gateway.environment, name=name, besides=gateway)
        gateway.name = name.strip()
    if public_host is not None:
        _host_check(public_host.strip())
        gateway.public_host = public_host.strip()
    if sampled_percent is not None:
        gateway.sampled_percent = sampled_percent
    gateway.save_checked()
    audit_record(actor=actor, action="gateway.update", target=gateway, before=before, after=_state(gateway))
    gateway_configuration_changed(gateway=gateway, actor=actor, message=f"Changed gateway {gateway.name}", waits=False)
    return gateway


@transaction.atomic
def gateway_delete(*, actor: Any, gateway: Gateway) -> None:
    """Remove a gateway that serves no API instance any more. Its replicas stop serving."""
    names = sorted(str(instance) for instance in gateway.api_instances.all()[:5])
    if names:
        raise ApplicationError(
            "gateway_in_use",
            f"{gateway.name} still serves {', '.join(names)}. Remove these API instances first.",
            status=409,
        )
    audit_record(actor=actor, action="gateway.delete", target=gateway, before=_state(gateway))
    revocation_create(gateway)
    gateway.delete()


@transaction.atomic
def replica_report(*, gateway: Gateway, statuses: Iterable[ReplicaStatus]) -> list[Replica]:
    """Store what the gateway's replicas last said about themselves. Not audited: nobody changed anything."""
    replicas = [
        Replica(
            gateway=gateway,
            replica_id=status.replica[:64],
            host=status.host[:253],
            pid=status.pid,
            version=status.version[:40],
            workers=status.workers,
            started_at=datetime.fromtimestamp(status.started_at, UTC),
            seen_at=datetime.fromtimestamp(status.heard_at, UTC),
            revision=status.revision,
            state=status.state.value,
            error_code=status.error_code[:80],
            message=f"{status.error_path}: {status.message}" if status.error_path else status.message,
            stopping=status.stopping,
            served=status.served,
            waiting=status.waiting,
            dropped=status.dropped,
            registration=status.registration,
            clock_skew_seconds=status.clock_skew_seconds,
            certificate_expires_at=(
                datetime.fromtimestamp(status.certificate_expires_at, UTC) if status.certificate_expires_at else None
            ),
        )
        for status in statuses
    ]
    identity = ["gateway", "replica_id"]
    reported = [
        field.name
        for field in Replica._meta.concrete_fields
        if field.name not in {"id", "created_at", "updated_at", *identity}
    ]
    return Replica.objects.bulk_create(
        replicas, update_conflicts=True, unique_fields=identity, update_fields=[*reported, "updated_at"]
    )


def replicas_expire(*, now: datetime) -> int:
    """Forget replicas that have been silent for so long that nobody looks for them. Return how many."""
    return Replica.objects.filter(seen_at__lt=now - REPLICA_KEPT).delete()[0]


def _name_check(*, environment: Environment, name: str, besides: Gateway | None = None) -> None:
    others = environment.gateways.filter(name__iexact=name.strip())
    if besides is not None:
        others = others.exclude(pk=besides.pk)
    if others.exists():
        sentence = f"There is already a gateway named {name.strip()} in {environment.name}. Choose another name."
        raise ApplicationError("gateway_name_taken", sentence, fields={"name": sentence}, status=409)


def _host_check(host: str) -> None:
    if host and not is_host(host):
        sentence = "Write only the host, such as api.example.com, without http://, port and path."
        raise ApplicationError("public_host_invalid", sentence, fields={"public_host": sentence})


def _free_slug(environment: Environment, name: str) -> str:
    base = slugify(name)[:40] or "gateway"
    taken = set(environment.gateways.filter(slug__startswith=base).values_list("slug", flat=True))
    number, slug = 1, base
    while slug in taken:
        number += 1
        slug = f"{base}-{number}"
    return slug


def _state(gateway: Gateway) -> dict[str, Any]:
    names = ("name", "slug", "public_host", "sampled_percent")
    return {name: getattr(gateway, name) for name in names}


def environment_gateways_publish(*, environment: Environment, actor: Any) -> None:
    """Bring an environment's own settings (private upstream addresses) to all of its gateways."""
    for gateway in environment.gateways.all():
        gateway_configuration_changed(
            gateway=gateway, actor=actor, message=f"Changed environment {environment}", waits=False
        )
