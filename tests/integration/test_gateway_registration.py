"""A registered gateway and its user of Redis, with real processes."""

import http.client
import subprocess
import time
from pathlib import Path

import pytest

from gateway_runtime.schema import keys
from gateway_runtime.schema.revocation import EXIT_STATUS
from tests.integration.conftest import RedisServer
from tests.integration.gateway.conftest import GatewayProcess, backend, call
from tests.integration.portal_home import PortalHome
from tests.stack import ROOT, free_ports, wait_until

pytestmark = pytest.mark.integration
__all__ = ["backend"]

PUBLISH = "from portal.publishing.services import publish_request\npublish_request(gateway=gateway)"
RENAME = "from portal.gateways.services import gateway_update\ngateway_update(actor=ada, gateway=gateway, name='Two')"


def published(home: PortalHome, server: RedisServer, gateway: str, number: int) -> None:
    """Wait until gateways are told to run a revision."""
    with server.client() as client:
        wait_until(
            lambda: int(client.get(keys.pointer(gateway)) or 0) == number,
            seconds=60,
            what=f"revision {number}\n{home.log('worker')}",
        )


def serves(gateway: GatewayProcess, number: int) -> None:
    """Wait, also on a machine that has much to do, until a gateway serves a revision."""
    try:
        wait_until(lambda: gateway.revision()["revision"] == number, seconds=60, what=f"revision {number}")
    except AssertionError as error:
        raise AssertionError(gateway.log) from error


def start(home: PortalHome, server: RedisServer, backend: int, folder: Path) -> tuple[GatewayProcess, str, int]:
    """Start a portal's jobs and a registered gateway that serves revision 1. Return it, its id and its port."""
    port = free_ports(1)[0]
    gateway_id = home.make_world(port=port, backend=backend)
    home.worker()
    home.beat()
    home.run(PUBLISH)
    published(home, server, gateway_id, 1)
    gateway = GatewayProcess(folder, home.registration, workers=1).start()
    serves(gateway, 1)
    assert call(port, "/orders/1").status == 200
    return gateway, gateway_id, port


def test_a_gateway_comes_back_after_redis_has_forgotten_all_users(
    home: PortalHome, redis_server: RedisServer, backend: int, tmp_path: Path
) -> None:
    gateway, gateway_id, port = start(home, redis_server, backend, tmp_path)
    try:
        redis_server.kill()
        (redis_server.folder / "users.acl").unlink()
        redis_server.start()
        assert call(port, "/orders/1").status == 200

        def converged() -> bool:
            home.restart_ended()
            with redis_server.client() as client:
                return f"gateway-{gateway_id}-1".encode() in client.execute_command("ACL", "USERS")

        wait_until(converged, seconds=60, what=f"the gateway's user\n{home.log('worker')}")
        home.run(RENAME)
        published(home, redis_server, gateway_id, 2)
        serves(gateway, 2)
        with redis_server.client() as client:
            assert client.hlen(keys.replicas(gateway_id)) == 1
    finally:
        gateway.terminate()
        gateway.wait()


REVOKE = """
from portal.gateways.registration_services import registration_revoke
registration_revoke(actor=ada, gateway=gateway)
"""
RENEW = """
from portal.gateways.registration_services import registration_renew
from portal.gateways.registration_tokens import gateway_register
import msgspec
from pathlib import Path
made = registration_renew(actor=ada, gateway=gateway, at_once={at_once})
registration = gateway_register(name=gateway.slug, token=made.secret)
Path({path!r}).touch(mode=0o600)
Path({path!r}).write_bytes(msgspec.yaml.encode(registration))
"""


def stop(gateway: GatewayProcess) -> None:
    """End a gateway in order. Two of one gateway listen on the same ports, so one machine has one at a time."""
    gateway.terminate()
    assert gateway.wait() == 0


def refuses(port: int) -> bool:
    """Tell whether nobody listens on a port any more."""
    try:
        return call(port, "/orders/1").status == 0
    except OSError:
        return True


def is_closed(kept: http.client.HTTPConnection) -> bool:
    """Tell whether a connection that was used before gets no answer any more."""
    try:
        kept.request("GET", "/orders/1")
        kept.getresponse()
    except (OSError, http.client.HTTPException):
        return True
    return False


def test_a_revoked_gateway_is_out_within_seconds_and_stays_out(
    home: PortalHome, redis_server: RedisServer, backend: int, tmp_path: Path
) -> None:
    gateway, gateway_id, port = start(home, redis_server, backend, tmp_path)
    kept = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        kept.request("GET", "/orders/1")
        kept.getresponse().read()

        home.run(REVOKE)
        began = time.monotonic()
        assert gateway.wait() == EXIT_STATUS
        assert time.monotonic() - began < 6
        assert refuses(port)
        assert is_closed(kept)
        assert len(gateway.events("gateway_revoked")) == 1
        assert not (gateway.state / "last_good.bin").exists()

        # It comes back with what it had: Redis lets it learn that it is revoked, and nothing else.
        process = subprocess.run(gateway.command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
        assert process.returncode == EXIT_STATUS, process.stderr
        assert "revision_applied" not in process.stderr

        # Only a new registration brings it back, with the same state folder.
        token = home.run(
            "from portal.gateways.registration_tokens import registration_token_create, gateway_register\n"
            "answer(registration_token_create(actor=ada, gateway=gateway).secret)"
        )
        home.run(
            "from portal.gateways.registration_tokens import gateway_register\nimport msgspec\n"
            "from pathlib import Path\n"
            f"registration = gateway_register(name=gateway.slug, token={token!r})\n"
            f"Path({str(home.registration)!r}).write_bytes(msgspec.yaml.encode(registration))"
        )
        gateway.start()
        published(home, redis_server, gateway_id, 2)
        serves(gateway, 2)
        assert call(port, "/orders/1").status == 200
    finally:
        kept.close()
        gateway.kill()


def test_renewing_leaves_old_replicas_serving_until_they_are_registered_again(
    home: PortalHome, redis_server: RedisServer, backend: int, tmp_path: Path
) -> None:
    gateway, gateway_id, port = start(home, redis_server, backend, tmp_path)
    second = tmp_path / "second"
    second.mkdir()
    registration = tmp_path / "renewed.yaml"
    renewed = GatewayProcess(second, registration, workers=1)
    try:
        home.run(RENEW.format(at_once=False, path=str(registration)))
        home.run(RENAME)
        published(home, redis_server, gateway_id, 2)
        serves(gateway, 2)
        stop(gateway)
        # Revisions are still sealed with the key from before, which the new registration has, too.
        serves(renewed.start(), 2)
        stop(renewed)
        serves(gateway.start(), 2)

        home.run(RENEW.format(at_once=True, path=str(registration)))
        wait_until(lambda: gateway.events("registration_not_accepted"), seconds=20, what="a line in the log")
        published(home, redis_server, gateway_id, 3)
        assert call(port, "/orders/1").status == 200
        assert gateway.revision()["revision"] == 2
        stop(gateway)
        serves(renewed.start(), 3)
    finally:
        gateway.kill()
        renewed.kill()
