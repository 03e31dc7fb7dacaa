"""Revisions on their way into a running gateway, and what happens when they or Redis are not as they should be."""

import os
import socket
import time
from base64 import b64encode
from hashlib import sha256

import pytest

from gateway_runtime.schema import keys
from gateway_runtime.schema.document import Consumer, Contract, Listener, PolicyBinding
from gateway_runtime.schema.envelope import new_keys
from gateway_runtime.schema.replica import ApplyState
from tests.integration.conftest import RedisServer
from tests.integration.gateway.conftest import GatewayProcess, api, call, document, password
from tests.integration.publisher import Publisher
from tests.stack import free_ports, wait_until

pytestmark = pytest.mark.integration

ADA = {"authorization": "Basic " + b64encode(b"ada:sesame").decode()}


def test_a_published_revision_is_served_and_acknowledged(
    gateway: GatewayProcess, publisher: Publisher, backend: int, port: int
) -> None:
    assert gateway.page("/livez").status == 200
    assert gateway.page("/readyz").status == 503
    number = publisher.publish(document(publisher, port, api(backend)))
    answer = publisher.answer(number)
    assert (answer.state, answer.error_code) == (ApplyState.APPLIED, "")
    assert 0 < answer.took_ms < 5000
    assert 0 < publisher.redis.ttl(keys.acknowledgements(publisher.gateway, number)) <= 24 * 3600
    served = call(port, "/orders/7?x=1")
    assert served.status == 200
    assert b'"path": "/7?x=1"' in served.body
    assert gateway.page("/readyz").status == 200
    shown = gateway.revision()
    assert (shown["revision"], shown["digest"], shown["state"]) == (number, answer.digest, "applied")
    status = wait_until(
        lambda: (s := publisher.replica()) and s.revision == number and s, seconds=5, what="the heartbeat"
    )
    assert (status.replica, status.workers, status.stopping) == (answer.replica, 2, False)


def test_a_policy_is_enforced_as_soon_as_it_is_acknowledged(
    gateway: GatewayProcess, publisher: Publisher, backend: int, port: int
) -> None:
    publisher.answer(publisher.publish(document(publisher, port, api(backend))))
    assert call(port, "/orders").status == 200
    began = time.monotonic()
    answer = publisher.answer(publisher.publish(document(publisher, port, api(backend, policies=[password()]))))
    assert time.monotonic() - began < 1
    assert answer.state == ApplyState.APPLIED
    refused = call(port, "/orders")
    assert refused.status == 401
    assert refused.headers["www-authenticate"].startswith("Basic realm=")
    assert b"basic_credentials_missing" in refused.body
    assert call(port, "/orders", ADA).status == 200
    publisher.answer(publisher.publish(document(publisher, port, api(backend))))
    assert call(port, "/orders").status == 200


def test_applications_with_a_contract_are_let_in(
    gateway: GatewayProcess, publisher: Publisher, backend: int, port: int
) -> None:
    shop = Consumer(id="shop", name="Shop", client_id="shop-id", secrets=[sha256(b"s3cret").hexdigest()])
    binding = PolicyBinding(id="b", policy="client-id-enforcement", order=1)
    guarded = document(publisher, port, api(backend, policies=[binding]), consumers=[shop])
    publisher.answer(publisher.publish(guarded))
    credentials = {"client_id": "shop-id", "client_secret": "s3cret"}
    assert call(port, "/orders").status == 401
    assert call(port, "/orders", credentials).status == 403
    allowed = document(
        publisher,
        port,
        api(backend, policies=[binding]),
        consumers=[shop],
        contracts=[Contract(api="orders", consumer="shop")],
    )
    publisher.answer(publisher.publish(allowed))
    served = call(port, "/orders", credentials)
    assert served.status == 200
    assert b"s3cret" not in served.body
    publisher.answer(publisher.publish(guarded))
    assert call(port, "/orders", credentials).status == 403


def test_without_an_announcement_the_pointer_is_enough(
    gateway: GatewayProcess, publisher: Publisher, backend: int, port: int
) -> None:
    publisher.put(1, publisher.sealed(document(publisher, port, api(backend)), 1), announce=False)
    assert publisher.answer(1, seconds=3).state == ApplyState.APPLIED


def test_listeners_come_and_go(gateway: GatewayProcess, publisher: Publisher, backend: int, port: int) -> None:
    publisher.answer(publisher.publish(document(publisher, port, api(backend))))
    other = free_ports(1)[0]
    publisher.answer(publisher.publish(document(publisher, other, api(backend))))
    assert call(other, "/orders").status == 200
    with pytest.raises(ConnectionRefusedError):
        call(port, "/orders")


def test_a_port_in_use_refuses_the_revision_and_is_tried_again(
    gateway: GatewayProcess, publisher: Publisher, backend: int, port: int
) -> None:
    publisher.answer(publisher.publish(document(publisher, port, api(backend))))
    with socket.socket() as squatter:
        # With this option a gateway that does not look twice would share the port and get half of its connections.
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        taken = squatter.getsockname()[1]
        number = publisher.publish(document(publisher, taken, api(backend)))
        answer = publisher.answer(number)
        assert (answer.state, answer.error_code) == (ApplyState.REJECTED, "listener_port_in_use")
        assert answer.error_path == "listeners[0].port"
        assert answer.message.startswith(f"Port {taken} of listener “public” is already in use.")
        assert call(port, "/orders").status == 200
        assert gateway.revision()["state"] == "rejected"
    gateway.wait_for_revision(number)
    assert call(taken, "/orders").status == 200
    wait_until(lambda: publisher.answer(number).state == ApplyState.APPLIED, seconds=3, what="the new answer")


def test_a_broken_api_is_fenced_off_and_the_others_are_served(
    gateway: GatewayProcess, publisher: Publisher, backend: int, port: int
) -> None:
    unknown = PolicyBinding(id="b2", policy="rate-limitting", order=1)
    broken = api(backend, id="broken", base_path="/broken", policies=[unknown])
    number = publisher.publish(document(publisher, port, api(backend), broken))
    answer = publisher.answer(number)
    assert (answer.state, answer.error_code, answer.error_path) == (
        ApplyState.APPLIED,
        "api_quarantined",
        "apis[1].policies[0].policy",
    )
    assert "Did you mean “rate-limiting”?" in answer.message
    assert call(port, "/orders").status == 200
    assert call(port, "/broken").status == 503


def test_an_api_that_breaks_keeps_its_last_good_form_also_in_a_new_worker(
    gateway: GatewayProcess, publisher: Publisher, backend: int, port: int
) -> None:
    publisher.answer(publisher.publish(document(publisher, port, api(backend, policies=[password()]))))
    misconfigured = PolicyBinding(id="binding-password", policy="basic-authentication", order=1, config={"user": "ada"})
    number = publisher.publish(document(publisher, port, api(backend, policies=[misconfigured])))
    assert publisher.answer(number).error_code == "api_quarantined"
    for pid in gateway.worker_pids():
        assert call(port, "/orders").status == 401
        assert call(port, "/orders", ADA).status == 200
        os.kill(pid, 9)
        wait_until(lambda pid=pid: pid not in gateway.worker_pids(), seconds=5, what="the worker's end")
        gateway.wait_for_revision(number)
    assert call(port, "/orders").status == 401
    assert call(port, "/orders", ADA).status == 200


@pytest.mark.parametrize("fault", ["unknown listener", "same base path", "format"])
def test_a_broken_document_is_refused_whole(
    gateway: GatewayProcess, publisher: Publisher, backend: int, port: int, fault: str
) -> None:
    publisher.answer(publisher.publish(document(publisher, port, api(backend))))
    if fault == "unknown listener":
        wrong, code = document(publisher, port, api(backend, listener="nowhere")), "unknown_listener"
    elif fault == "same base path":
        wrong, code = document(publisher, port, api(backend), api(backend, id="copy")), "base_path_in_use"
    else:
        wrong, code = document(publisher, port, format=2), "unsupported_format"
    answer = publisher.answer(publisher.publish(wrong))
    assert (answer.state, answer.error_code) == (ApplyState.REJECTED, code)
    assert call(port, "/orders").status == 200
    assert gateway.revision()["revision"] == 1


def test_tampered_revisions_are_refused_and_reported(
    gateway: GatewayProcess, publisher: Publisher, backend: int, port: int
) -> None:
    publisher.answer(publisher.publish(document(publisher, port, api(backend, policies=[password()]))))
    stranger, _ = new_keys()
    bare = document(publisher, port, api(backend))
    replayed = publisher.redis.get(keys.revision(publisher.gateway, 1))
    envelopes = {
        50: ("envelope_bad_signature", publisher.sealed(bare, 50, signing_key=stranger)),
        51: ("envelope_bad_signature", publisher.sealed(bare, 51)[:-1] + b"\xff"),
        52: ("envelope_unreadable", b"no envelope"),
        53: ("envelope_wrong_number", replayed),
    }
    for number, (code, envelope) in envelopes.items():
        publisher.put(number, envelope)
        answer = publisher.answer(number)
        assert (answer.state, answer.error_code) == (ApplyState.REJECTED, code)
        assert call(port, "/orders").status == 401
    assert (
        wait_until(
            lambda: (s := publisher.replica()) and s.state == ApplyState.REJECTED and s, seconds=5, what="the heartbeat"
        ).revision
        == 1
    )
    # A forged number does not keep the genuine next revision out.
    number = publisher.publish(bare)
    assert publisher.answer(number).state == ApplyState.APPLIED
    assert call(port, "/orders").status == 200


def test_an_empty_or_older_pointer_changes_nothing(
    gateway: GatewayProcess, publisher: Publisher, backend: int, port: int
) -> None:
    publisher.publish(document(publisher, port, api(backend)))
    publisher.publish(document(publisher, port, api(backend, policies=[password()])))
    gateway.wait_for_revision(2)
    publisher.redis.set(keys.pointer(publisher.gateway), 1)
    publisher.redis.publish(keys.announcements(publisher.gateway), 1)
    wait_until(lambda: gateway.events("older_revision_ignored"), seconds=5, what="the warning")
    assert call(port, "/orders").status == 401
    publisher.redis.flushall()
    publisher.redis.publish(keys.announcements(publisher.gateway), 0)
    # The heartbeat comes back by itself, so Redis has been asked since it was emptied.
    wait_until(publisher.replica, seconds=5, what="the heartbeat")
    assert call(port, "/orders").status == 401
    assert gateway.revision()["revision"] == 2


def test_redis_away_changes_nothing_also_after_a_restart(
    gateway: GatewayProcess, publisher: Publisher, redis_server: RedisServer, backend: int, port: int
) -> None:
    publisher.publish(document(publisher, port, api(backend, policies=[password()])))
    gateway.wait_for_revision(1)
    redis_server.kill()
    assert call(port, "/orders", ADA).status == 200
    gateway.terminate()
    assert gateway.wait() == 0
    gateway.start()
    gateway.wait_for_revision(1)
    assert gateway.page("/readyz").status == 200
    assert call(port, "/orders").status == 401
    assert call(port, "/orders", ADA).status == 200
    redis_server.start()
    number = publisher.publish(document(publisher, port, api(backend)))
    assert publisher.answer(number, seconds=15).state == ApplyState.APPLIED
    assert call(port, "/orders").status == 200


def test_the_last_good_revision_is_sealed_and_private(
    gateway: GatewayProcess, publisher: Publisher, backend: int, port: int
) -> None:
    publisher.publish(document(publisher, port, api(backend, policies=[password("open-sesame")])))
    gateway.wait_for_revision(1)
    kept = gateway.state / "last_good.bin"
    wait_until(kept.exists, seconds=3, what="the last good revision")
    assert kept.stat().st_mode & 0o777 == 0o600
    assert b"open-sesame" not in kept.read_bytes()
    assert "open-sesame" not in gateway.log


def test_a_changed_last_good_file_is_not_used(
    gateway: GatewayProcess, publisher: Publisher, redis_server: RedisServer, backend: int, port: int
) -> None:
    publisher.publish(document(publisher, port, api(backend)))
    gateway.wait_for_revision(1)
    redis_server.kill()
    gateway.terminate()
    gateway.wait()
    kept = gateway.state / "last_good.bin"
    kept.write_bytes(kept.read_bytes()[:-1] + b"\xff")
    gateway.start()
    wait_until(lambda: gateway.events("last_good_refused"), seconds=10, what="the refusal")
    assert gateway.page("/readyz").status == 503
    assert gateway.revision()["revision"] == 0


def test_two_listeners_on_one_port_are_refused(
    gateway: GatewayProcess, publisher: Publisher, backend: int, port: int
) -> None:
    twice = document(publisher, port, api(backend))
    twice.listeners.append(Listener(id="second", name="second", port=port, host="127.0.0.1"))
    answer = publisher.answer(publisher.publish(twice))
    assert (answer.state, answer.error_code) == (ApplyState.REJECTED, "duplicate_port")
