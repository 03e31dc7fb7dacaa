"""A candidate on running gateways: who gets it, what is told of it, and that an older one never comes back."""

import contextlib
import os
import signal
import socket
import time

import pytest

from gateway_runtime.schema import keys
from gateway_runtime.schema.document import Candidate, Listener, PolicyBinding, Surroundings
from gateway_runtime.schema.replica import CANDIDATE_REFUSED, ApplyState
from tests.integration.conftest import RedisServer
from tests.integration.gateway.conftest import GatewayProcess, api, call, document, password
from tests.integration.publisher import Publisher
from tests.stack import free_ports, wait_until

pytestmark = pytest.mark.integration

CALLS = 40


def statuses(port: int, calls: int = CALLS) -> set[int]:
    return {call(port, "/orders/1").status for _ in range(calls)}


def candidate(backend: int, number: int, **more: object) -> Candidate:
    values = {"revision": number, "stable": 1, "percent": 50, "apis": [api(backend, policies=[password()])], **more}
    return Candidate(**values)  # type: ignore[arg-type]


def test_candidate_answers_its_share_and_telemetry_tells_which_answered(
    gateway: GatewayProcess, publisher: Publisher, backend: int, port: int
) -> None:
    publisher.answer(publisher.publish(document(publisher, port, api(backend))))
    publisher.answer(publisher.publish(document(publisher, port, api(backend), candidate=candidate(backend, 2))))
    answered = [call(port, "/orders/1").status for _ in range(CALLS)]
    assert set(answered) == {200, 401}
    status = wait_until(lambda: (s := publisher.replica()) and s.candidate and s, seconds=5, what="the heartbeat")
    assert (status.revision, status.candidate, status.candidate_share) == (2, 2, 0.5)

    def counted() -> dict[tuple[int, int], int]:
        found: dict[tuple[int, int], int] = {}
        for batch in publisher.batches():
            for row in batch.rows:
                key = (row.revision, row.status)
                found[key] = found.get(key, 0) + row.requests
        return found

    wait_until(lambda: sum(counted().values()) == CALLS, seconds=10, what="the telemetry")
    assert counted() == {(0, 200): answered.count(200), (2, 401): answered.count(401)}

    publisher.answer(publisher.publish(document(publisher, port, api(backend))))
    assert statuses(port) == {200}


def test_only_the_named_replica_takes_a_candidate(
    gateway: GatewayProcess, publisher: Publisher, backend: int, port: int
) -> None:
    replica = publisher.answer(publisher.publish(document(publisher, port, api(backend)))).replica
    named = candidate(backend, 2, percent=0, replica=replica)
    publisher.answer(publisher.publish(document(publisher, port, api(backend), candidate=named)))
    assert statuses(port) == {401}
    other = candidate(backend, 3, percent=0, replica="somebody else")
    publisher.answer(publisher.publish(document(publisher, port, api(backend), candidate=other)))
    assert statuses(port) == {200}


def test_older_revision_put_into_redis_is_refused_also_after_a_restart_and_with_a_candidate(
    gateway: GatewayProcess, publisher: Publisher, backend: int, port: int
) -> None:
    locked = document(publisher, port, api(backend, policies=[password()]))
    publisher.answer(publisher.publish(document(publisher, port, api(backend))))
    tried = candidate(backend, 2, percent=100, apis=[api(backend)])
    publisher.answer(publisher.publish(document(publisher, port, api(backend, policies=[password()]), candidate=tried)))
    publisher.answer(publisher.publish(locked))
    assert statuses(port) == {401}
    open_, staged = (publisher.redis.get(keys.revision(publisher.gateway, number)) for number in (1, 2))

    def replay() -> None:
        for old, number in ((open_, 1), (staged, 2), (open_, 3), (staged, 3), (open_, 4), (staged, 5)):
            publisher.put(number, old)  # type: ignore[arg-type]
            if number > 3:
                answer = publisher.answer(number)
                assert (answer.state, answer.error_code) == (ApplyState.REJECTED, "envelope_wrong_number")
            else:
                time.sleep(0.1)  # nothing is answered to a number that was passed
            assert statuses(port, 4) == {401}

    replay()
    gateway.terminate()
    gateway.wait()
    for number in (4, 5):
        publisher.redis.delete(keys.acknowledgements(publisher.gateway, number))
    publisher.put(1, open_)  # type: ignore[arg-type]
    gateway.start()
    gateway.wait_for_revision(3)
    assert statuses(port, 4) == {401}
    replay()


def test_restarted_replica_serves_what_all_others_get_until_redis_is_back(
    gateway: GatewayProcess, publisher: Publisher, backend: int, port: int, redis_server: RedisServer
) -> None:
    publisher.answer(publisher.publish(document(publisher, port, api(backend))))
    publisher.answer(
        publisher.publish(document(publisher, port, api(backend), candidate=candidate(backend, 2, percent=100)))
    )
    assert statuses(port, 4) == {401}
    redis_server.kill()
    gateway.terminate()
    gateway.wait()
    gateway.start()
    gateway.wait_for_revision(2)
    assert statuses(port, 4) == {200}
    redis_server.start()
    wait_until(lambda: statuses(port, 4) == {401}, seconds=20, what=f"the candidate\n{gateway.log[-2000:]}")


def test_candidate_that_cannot_be_compiled_is_told_and_harms_nobody(
    gateway: GatewayProcess, publisher: Publisher, backend: int, port: int
) -> None:
    publisher.answer(publisher.publish(document(publisher, port, api(backend))))
    broken = PolicyBinding(id="b", policy="nobody-knows-it", order=1)
    tried = candidate(backend, 2, apis=[api(backend, policies=[broken])])
    answer = publisher.answer(publisher.publish(document(publisher, port, api(backend), candidate=tried)))
    assert (answer.state, answer.error_code) == (ApplyState.APPLIED, "candidate_refused")
    assert "orders API" in answer.message
    assert statuses(port) == {200}


def test_candidate_whose_workers_are_killed_again_and_again_is_given_up(
    gateway: GatewayProcess, publisher: Publisher, backend: int, port: int
) -> None:
    publisher.answer(publisher.publish(document(publisher, port, api(backend))))
    tried = candidate(backend, 2, percent=100)
    publisher.answer(publisher.publish(document(publisher, port, api(backend), candidate=tried)))
    assert statuses(port, 4) == {401}

    killed: set[int] = set()

    def refused() -> bool:
        if publisher.answer(2).error_code == CANDIDATE_REFUSED:
            return True
        for pid in gateway.worker_pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            killed.add(pid)
        return False

    wait_until(refused, seconds=20, what=f"the refusal\n{gateway.log[-2000:]}")
    # The last blow may have met workers that serve without the candidate.
    wait_until(lambda: not killed & set(gateway.worker_pids()), seconds=10, what="workers that live")
    answer = publisher.answer(2)
    assert answer.state == ApplyState.APPLIED
    assert "workers of this replica ended while they served it, the last one with signal 9" in answer.message
    gateway.wait_for_revision(2)
    assert statuses(port) == {200}
    status = wait_until(
        lambda: (s := publisher.replica()) and s.error_code and s, seconds=5, what="the heartbeat that tells"
    )
    assert (status.error_code, status.candidate) == (CANDIDATE_REFUSED, 0)

    # Another candidate is another try.
    other = candidate(backend, 3, percent=100)
    assert not publisher.answer(publisher.publish(document(publisher, port, api(backend), candidate=other))).error_code
    assert statuses(port, 4) == {401}


def closed(port: int) -> bool:
    """Tell whether nobody listens on a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def moved(publisher: Publisher, port: int) -> Surroundings:
    """Return the listener on another port."""
    listener = Listener(id="public", name="public", port=port, host="127.0.0.1")
    return Surroundings(gateway=publisher.gateway, name="edge", listeners=[listener])


def test_listener_of_a_candidate_moves_on_its_replica_and_back(
    gateway: GatewayProcess, publisher: Publisher, backend: int, port: int
) -> None:
    plain = document(publisher, port, api(backend))
    replica = publisher.answer(publisher.publish(plain)).replica
    other = free_ports(1)[0]
    around = {"apis": [], "percent": 0, "surroundings": moved(publisher, other)}
    there = candidate(backend, 2, replica=replica, **around)
    publisher.answer(publisher.publish(document(publisher, port, api(backend), candidate=there)))
    assert statuses(other, 4) == {200}
    wait_until(lambda: closed(port), seconds=5, what="the port to be left")

    # A worker that starts later serves the same.
    lost = gateway.worker_pids()[0]
    os.kill(lost, signal.SIGKILL)
    wait_until(lambda: lost not in gateway.worker_pids(), seconds=5, what="the supervisor to notice")
    gateway.wait_for_revision(2)
    assert statuses(other, 8) == {200}

    def counted() -> set[int]:
        return {row.revision for batch in publisher.batches() for row in batch.rows if row.requests}

    wait_until(lambda: counted() == {2}, seconds=10, what="the telemetry that tells which answered")

    elsewhere = candidate(backend, 2, replica="somebody else", **around)
    publisher.answer(publisher.publish(document(publisher, port, api(backend), candidate=elsewhere)))
    assert statuses(port, 4) == {200}
    wait_until(lambda: closed(other), seconds=5, what="the candidate's port to be closed")


def test_candidate_whose_port_is_in_use_is_told_and_nothing_moves(
    gateway: GatewayProcess, publisher: Publisher, backend: int, port: int
) -> None:
    replica = publisher.answer(publisher.publish(document(publisher, port, api(backend)))).replica
    around = {"apis": [], "percent": 0, "replica": replica, "surroundings": moved(publisher, backend)}
    tried = candidate(backend, 2, **around)
    locked = document(publisher, port, api(backend, policies=[password()]), candidate=tried)
    answer = publisher.answer(publisher.publish(locked))
    assert (answer.state, answer.error_code) == (ApplyState.APPLIED, CANDIDATE_REFUSED)
    assert f"Port {backend} of listener “public” is already in use" in answer.message
    # The rest of the revision holds.
    assert statuses(port, 4) == {401}
