"""A replica that starts when a certificate of its revision has expired."""

import ssl

import msgspec
import pytest

from gateway_runtime.schema.document import Listener
from gateway_runtime.schema.replica import ApplyState
from tests.certificates import Authority
from tests.integration.conftest import RedisServer
from tests.integration.gateway.conftest import GatewayProcess, api, call, document
from tests.integration.gateway.test_tls import tls
from tests.integration.publisher import Publisher
from tests.stack import free_ports, wait_until

pytestmark = pytest.mark.integration


def shown(port: int) -> str:
    """Return the certificate that a listener shows, as PEM."""
    return ssl.get_server_certificate(("127.0.0.1", port), timeout=10)


def test_new_replica_serves_everything_and_tells_of_the_certificate(
    gateway: GatewayProcess, publisher: Publisher, backend: int, port: int, redis_server: RedisServer
) -> None:
    expired = Authority().issue("shop.example", days=-1)
    secure = Listener(id="secure", name="secure", port=free_ports(1)[0], host="127.0.0.1", tls=tls(expired))
    plain = document(publisher, port, api(backend), api(backend, id="shop", base_path="/shop", listener="secure"))
    made = msgspec.structs.replace(plain, listeners=[*plain.listeners, secure])
    answer = publisher.answer(publisher.publish(made))
    assert (answer.state, answer.error_path) == (
        ApplyState.APPLIED, "listeners[1].tls.certificates[0].certificate",
    )  # fmt: skip
    assert answer.message.startswith("Listener secure: The certificate expired on ")
    assert call(port, "/orders/1").status == 200
    assert shown(secure.port).strip() == expired.certificate.strip()
    (line,) = gateway.events("revision_applied")
    assert line["log.level"] == "warning"
    status = wait_until(lambda: (s := publisher.replica()) and s.error_code and s, seconds=5, what="the heartbeat")
    assert "expired" in status.message

    # It is kept for a start without Redis like any revision.
    redis_server.kill()
    gateway.terminate()
    gateway.wait()
    gateway.start()
    gateway.wait_for_revision(1)
    assert call(port, "/orders/1").status == 200
    redis_server.start()
