"""A port that something else uses is refused where that can be seen."""

import socket
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from portal.core.errors import ApplicationError
from portal.gateways.models import Gateway, Replica
from portal.gateways.ports import port_check
from tests.portal.base import make_environment, make_gateway, make_organization

pytestmark = pytest.mark.django_db


@pytest.fixture
def gateway() -> Gateway:
    return make_gateway(make_environment(make_organization()))


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which another program listens."""
    with socket.socket() as program:
        program.bind(("127.0.0.1", 0))
        program.listen()
        yield program.getsockname()[1]


def run_replica(gateway: Gateway, *, host: str, seconds_ago: float = 0) -> None:
    seen_at = timezone.now() - timedelta(seconds=seconds_ago)
    Replica.objects.create(
        gateway=gateway, replica_id="r", host=host, pid=1, version="1", workers=1, started_at=seen_at,
        seen_at=seen_at, state="applied",
    )  # fmt: skip


def test_a_port_of_another_program_is_refused_when_the_gateway_runs_here(gateway: Gateway, taken: int) -> None:
    run_replica(gateway, host=socket.gethostname())
    with pytest.raises(ApplicationError, match=f"Port {taken} is used by another program") as refused:
        port_check(taken, gateway=gateway)
    assert set(refused.value.fields) == {"port"}


def test_a_heartbeat_that_a_busy_machine_collects_late_still_says_where_the_gateway_runs(
    gateway: Gateway, taken: int
) -> None:
    run_replica(gateway, host=socket.gethostname(), seconds_ago=60)
    with pytest.raises(ApplicationError, match="is used by another program"):
        port_check(taken, gateway=gateway)


def test_a_free_port_is_taken(gateway: Gateway) -> None:
    run_replica(gateway, host=socket.gethostname())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    port_check(port, gateway=gateway)


@pytest.mark.parametrize(("host", "seconds_ago"), [("elsewhere.example", 0), (socket.gethostname(), 600)])
def test_ports_of_other_machines_and_of_gone_replicas_are_not_looked_at(
    gateway: Gateway, taken: int, host: str, seconds_ago: float
) -> None:
    run_replica(gateway, host=host, seconds_ago=seconds_ago)
    port_check(taken, gateway=gateway)
