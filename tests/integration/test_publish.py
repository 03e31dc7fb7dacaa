"""From a saved change to the gateway, with real processes, also when one of them dies on the way."""

import signal
import sqlite3
from base64 import b64encode
from pathlib import Path

import pytest

from gateway_runtime.schema import keys
from tests.integration.conftest import RedisServer
from tests.integration.gateway.conftest import GatewayProcess, backend, call
from tests.integration.portal_home import PortalHome
from tests.stack import free_ports, wait_until

pytestmark = pytest.mark.integration
__all__ = ["backend"]

QUEUE, UNACKNOWLEDGED = "portico", "unacked"
APPLY_BASIC = """
policies.policy_apply(actor=ada, instance=instance, policy="http-basic-authentication",
                      config={"username": "w", "password": "s3cret-s3cret"})
"""
CREDENTIALS = {"authorization": "Basic " + b64encode(b"w:s3cret-s3cret").decode()}


def pointer(server: RedisServer, gateway: str) -> int:
    """Return the revision that gateways are told to run."""
    with server.client() as client:
        return int(client.get(keys.pointer(gateway)) or 0)


def latest(home: PortalHome) -> int:
    """Return the newest revision in the database."""
    return home.value("select coalesce(max(number), 0) from publishing_revision")


def test_saved_policy_is_enforced_in_well_under_a_second(
    home: PortalHome, redis_server: RedisServer, backend: int, tmp_path: Path
) -> None:
    port = free_ports(1)[0]
    gateway_id = home.make_world(port=port, backend=backend)
    home.worker()
    home.beat()
    home.run("from portal.publishing.services import publish_request\npublish_request(gateway=gateway)")
    wait_until(lambda: pointer(redis_server, gateway_id) == 1, seconds=60, what=f"revision 1\n{home.log('worker')}")
    gateway = GatewayProcess(tmp_path, home.registration)
    gateway.start()
    try:
        gateway.wait_for_revision(1)
        assert call(port, "/orders/1").status == 200

        totals = []
        for change in (
            APPLY_BASIC,
            "policies.policy_disable(actor=ada, binding=PolicyBinding.objects.get())",
            "policies.policy_enable(actor=ada, binding=PolicyBinding.objects.get())",
        ):
            number = latest(home) + 1
            home.run(change)
            gateway.wait_for_revision(number)
            if len(totals) != 1:
                refused = call(port, "/orders/1")
                assert refused.status == 401
                assert "www-authenticate" in refused.headers
                assert call(port, "/orders/1", CREDENTIALS).status == 200
            else:
                assert call(port, "/orders/1").status == 200
            totals.append(
                wait_until(
                    lambda: home.run(
                        "answer([r.total_ms for r in selectors.revision_progress(Revision.objects.first())"
                        " if r.state == 'applied'])"
                    ),
                    seconds=10,
                    what="the replica's answer",
                )[0]
            )
        # Typically below 300 ms; the limit leaves room for a busy machine.
        assert min(totals) < 1000, totals
        print(f"save to applied: {totals}")

        stored = "select count(*) from publishing_acknowledgement where state = 'applied'"
        wait_until(lambda: home.value(stored) >= 3, seconds=20, what=f"stored answers\n{home.log('worker')}")
        assert home.value("select count(*) from gateways_replica") == 1
    finally:
        gateway.terminate()
        gateway.wait()


def test_worker_killed_in_the_middle_of_a_publish_is_made_up_for(home: PortalHome, redis_server: RedisServer) -> None:
    gateway_id = home.make_world(port=free_ports(1)[0], backend=1)
    worker = home.worker()
    wait_until(lambda: "ready" in home.log("worker"), seconds=60, what=f"the worker\n{home.log('worker')}")
    worker.send_signal(signal.SIGSTOP)
    home.run(APPLY_BASIC)
    lock = sqlite3.connect(home.database, isolation_level=None)
    lock.execute("begin immediate")
    worker.send_signal(signal.SIGCONT)
    with redis_server.client() as client:
        # It has taken the message and waits for the database: the publish has begun and cannot end.
        wait_until(
            lambda: client.llen(QUEUE) == 0 and client.hlen(UNACKNOWLEDGED) == 1, seconds=20, what="the task to begin"
        )
    worker.kill()
    worker.wait()
    lock.rollback()
    lock.close()
    assert (latest(home), pointer(redis_server, gateway_id)) == (0, 0)

    home.worker()
    home.beat()

    wait_until(lambda: pointer(redis_server, gateway_id) == 1, seconds=60, what=f"revision 1\n{home.log('worker')}")
    wait_until(
        lambda: home.value("select requested = published from publishing_publishrequest"), seconds=10, what="the tally"
    )


def test_redis_killed_and_back_converges(home: PortalHome, redis_server: RedisServer) -> None:
    gateway_id = home.make_world(port=free_ports(1)[0], backend=1)
    home.worker()
    home.beat()
    home.run(APPLY_BASIC)
    wait_until(lambda: pointer(redis_server, gateway_id) == 1, seconds=60, what=f"revision 1\n{home.log('worker')}")

    redis_server.kill()
    home.run("policies.policy_disable(actor=ada, binding=PolicyBinding.objects.get())")
    assert home.value("select requested - published from publishing_publishrequest") == 1
    assert home.run("answer(selectors.gateway_deployment(gateway).trouble)") == "redis_away"
    redis_server.start()

    def converged() -> bool:
        # A Celery worker that loses Redis while it holds a job ends; whoever supervises it starts it again.
        home.restart_ended()
        return pointer(redis_server, gateway_id) == 2

    wait_until(converged, seconds=60, what=f"revision 2\n{home.log('worker')}")

    with redis_server.client() as client:
        client.flushall()
    wait_until(lambda: pointer(redis_server, gateway_id) == 2, seconds=60, what=f"revision 2\n{home.log('worker')}")
    with redis_server.client() as client:
        assert client.exists(keys.revision(gateway_id, 2))
