"""Enforce, shadow and off, decided when an API is compiled."""

import msgspec

from gateway_runtime.configuration.compiler import Compiler
from gateway_runtime.decide import Call, decide
from gateway_runtime.policies.shadow import Shadow
from gateway_runtime.schema.document import PolicyBinding
from gateway_runtime.schema.limits import Limits
from gateway_runtime.schema.mode import Mode
from gateway_runtime.testing import request

from .test_compiler import LIMIT, LOCK, PORT, Worker, api, document


def test_a_policy_in_shadow_is_counted_by_its_api_and_the_others_are_compiled_as_ever() -> None:
    worker, counted = Worker(), []
    worker.compiler = Compiler(worker.pools, count_shadow=lambda *verdict: counted.append(verdict))
    worker.take(document(api("a", msgspec.structs.replace(LOCK, mode=Mode.SHADOW), LIMIT), api("b", LOCK, LIMIT)))
    assert worker.snapshot is not None
    chain = worker.snapshot.apis["a"].chain
    assert [type(step.handler) is Shadow for step in chain.request] == [True, False]
    assert not [step for step in worker.snapshot.apis["b"].chain.request if type(step.handler) is Shadow]
    assert chain.run_request(request()) is None
    assert counted == [("a", "", "http-basic-authentication", "basic_credentials_missing", 401)]


def test_a_policy_that_is_off_is_not_compiled_and_keeps_its_state() -> None:
    worker = Worker()
    worker.take(document(api("a", LIMIT)))
    assert (worker.status("/a"), worker.status("/a")) == (0, 429)
    worker.take(document(api("a", msgspec.structs.replace(LIMIT, mode=Mode.OFF))))
    assert worker.status("/a") == 0
    worker.take(document(api("a", LIMIT)))
    assert worker.status("/a") == 429


def test_a_policy_without_refusals_cannot_be_in_shadow() -> None:
    added = PolicyBinding(
        id="h",
        policy="header-injection",
        order=1,
        config={"inboundHeaders": [{"key": "x", "value": "y"}]},
        mode=Mode.SHADOW,
    )
    (fault,) = Worker().take(document(api("a", added))).faults
    assert (fault.path, fault.code) == ("apis[0].policies[0].mode", "shadow_not_possible")


def test_cors_that_is_off_answers_no_preflight() -> None:
    worker = Worker()
    worker.take(document(api("a", LOCK, PolicyBinding(id="cors", policy="cors", order=99, mode=Mode.OFF))))
    assert worker.snapshot is not None
    assert decide(worker.snapshot, Call(port=PORT, method="OPTIONS", target="/a/x")).status == 401


def test_how_much_may_be_read_for_a_policy_in_shadow_is_what_the_gateway_says_now() -> None:
    worker = Worker()
    before = worker.take(document(api("a", LOCK))).snapshot.apis["a"]
    assert worker.take(document(api("a", LOCK), api("b"))).snapshot.apis["a"] is before
    smaller = Limits(buffered_body_bytes=2048)
    assert worker.take(document(api("a", LOCK), limits=smaller)).snapshot.apis["a"] is not before
