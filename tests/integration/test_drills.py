"""What breaks must not take the rest along: drills that end real processes of one running copy.

Each drill ends something that no other drill needs; the last ones take away what the earlier ones use.
"""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import httpx2 as httpx
import pytest

from tests.stack import ROOT, Stack, wait_until


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running copy that the drills may damage."""
    running = Stack(tmp_path_factory.mktemp("drills") / "home")
    try:
        yield running.start()
    finally:
        running.stop()


def end(stack: Stack, name: str, how: signal.Signals) -> None:
    """End one of the launcher's processes and wait until it is gone."""
    pid = stack.pid_of(name)
    os.kill(pid, how)
    wait_until(lambda: not alive(pid), seconds=20, what=f"{name} to end")


def alive(pid: int) -> bool:
    """Tell whether there is a process with this id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def stop_between_transactions(stack: Stack) -> None:
    """Stop the job worker for good, at a moment when it does not hold the database's write lock."""

    def stopped() -> bool:
        os.kill(stack.pid_of("worker"), signal.SIGSTOP)
        try:
            with closing(sqlite3.connect(stack.database, timeout=1, isolation_level=None)) as database:
                database.execute("BEGIN IMMEDIATE")
                database.execute("ROLLBACK")
            return True
        except sqlite3.OperationalError:
            os.kill(stack.pid_of("worker"), signal.SIGCONT)
            return False

    wait_until(stopped, seconds=30, what="a moment without a transaction")


def get(stack: Stack, path: str) -> httpx.Response:
    """Call an API through the gateway."""
    return httpx.get(f"{stack.gateway}{path}", timeout=20)


def instance_at(stack: Stack, base_path: str) -> dict[str, str]:
    """Return the API instance that answers under a base path."""
    found = stack.rest().get("/api-instances/").json()["results"]
    return next(each for each in found if each["base_path"] == base_path)


def test_upstream_down_is_a_problem_with_reason_and_request_id(broken: Stack) -> None:
    assert get(broken, "/customers").status_code == 200
    end(broken, "customers", signal.SIGTERM)
    answer = get(broken, "/customers")
    assert answer.status_code == 502
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == "upstream_refused"
    assert problem["request_id"] == answer.headers["x-request-id"]


def test_a_worker_killed_in_the_middle_of_a_publish_still_publishes_when_it_is_back(broken: Stack) -> None:
    catalog = instance_at(broken, "/catalog")
    rest = broken.rest()
    stop_between_transactions(broken)  # it holds the next job and does nothing with it
    try:
        applied = rest.post(
            "/policy-bindings/",
            json={
                "instance": catalog["id"],
                "policy": "header-injection",
                "config": {"outboundHeaders": [{"key": "x-drill", "value": "arrived"}]},
            },
        )
        assert applied.status_code == 201, applied.text
        assert "x-drill" not in get(broken, "/catalog").headers
    finally:
        os.kill(broken.pid_of("worker"), signal.SIGKILL)
    wait_until(
        lambda: get(broken, "/catalog").headers.get("x-drill") == "arrived",
        seconds=40,
        what="the change to be enforced after the worker came back",
    )


def test_redis_killed_and_started_again_brings_changes_on_as_before(broken: Stack) -> None:
    orders = instance_at(broken, "/orders")
    end(broken, "redis", signal.SIGKILL)
    assert get(broken, "/orders").status_code == 200
    rest = broken.rest("after-redis")
    wait_until(lambda: rest.get("/policies/").status_code == 200, seconds=30, what="the portal to answer")
    applied = rest.post(
        "/policy-bindings/",
        json={
            "instance": orders["id"],
            "policy": "header-injection",
            "config": {"outboundHeaders": [{"key": "x-after", "value": "redis"}]},
        },
    )
    assert applied.status_code == 201, applied.text
    wait_until(
        lambda: get(broken, "/orders").headers.get("x-after") == "redis", seconds=60, what="the change to be enforced"
    )


def test_traffic_goes_on_while_the_portal_is_down(broken: Stack) -> None:
    end(broken, "portal", signal.SIGTERM)
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{broken.portal}/livez", timeout=5)
    assert get(broken, "/catalog").status_code == 200


def test_the_gateway_serves_without_redis_also_after_its_own_restart(broken: Stack) -> None:
    end(broken, "redis", signal.SIGTERM)
    assert get(broken, "/catalog").status_code == 200

    end(broken, "gateway", signal.SIGTERM)
    with pytest.raises(httpx.TransportError):
        get(broken, "/catalog")
    log = (broken.home.parent / "gateway-alone.log").open("wb")
    alone = subprocess.Popen(
        [sys.executable, "-m", "portal.cli", "gateway", "start"], cwd=ROOT, env=broken.env(), stdout=log, stderr=log
    )
    try:
        wait_until(lambda: serves(broken), seconds=20, what="the gateway to serve its last good revision")
        assert get(broken, "/catalog").headers["x-drill"] == "arrived"
    finally:
        alone.send_signal(signal.SIGINT)
        alone.wait(timeout=30)
        log.close()


def serves(stack: Stack) -> bool:
    """Tell whether the gateway answers the catalog."""
    try:
        return get(stack, "/catalog").status_code == 200
    except httpx.TransportError:
        return False
