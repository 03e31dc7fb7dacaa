import time
from hashlib import sha256
from typing import Any

import msgspec
import pytest

from gateway_runtime.configuration import compiler
from gateway_runtime.configuration.compiler import Compiled, Compiler
from gateway_runtime.configuration.snapshot import Snapshot
from gateway_runtime.decide import Call, Outcome, Verdict, decide
from gateway_runtime.policies import rate_limiting
from gateway_runtime.schema import document as documents
from gateway_runtime.schema.document import (
    ApiInstance,
    Consumer,
    Contract,
    Document,
    Listener,
    PolicyBinding,
    Route,
    Rule,
    Service,
    Target,
)
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.platform import PlatformAddress
from gateway_runtime.schema.storage import SharedStorage
from gateway_runtime.upstream.registry import PoolRegistry

PORT = 8080
LIMIT = PolicyBinding(
    id="limit",
    policy="rate-limiting",
    order=2,
    config={"rateLimits": [{"maximumRequests": 1, "timePeriodInMilliseconds": 60_000}]},
)
LOCK = PolicyBinding(
    id="lock", policy="http-basic-authentication", order=1, config={"username": "ada", "password": "sesame"}
)
INJECT = PolicyBinding(
    id="inject", policy="header-injection", order=9, config={"inboundHeaders": [{"key": "x-a", "value": "1"}]}
)
CLIENT = PolicyBinding(id="client", policy="client-id-enforcement", order=1)
SHOP = Consumer(id="shop", name="Shop", client_id="shop", secrets=[sha256(b"s").hexdigest()])


def api(id: str = "a", *policies: PolicyBinding, **more: Any) -> ApiInstance:
    values: dict[str, Any] = {
        "listener": "public",
        "base_path": f"/{id}",
        "services": [Service(id=f"{id}-s", name="s", targets=[Target(host="127.0.0.1", port=1)])],
        "routes": [Route(id=f"{id}-r", name="r", service=f"{id}-s")],
        **more,
    }
    return ApiInstance(id=id, name=id.upper(), policies=list(policies), **values)


def document(*apis: ApiInstance, **more: Any) -> Document:
    listeners = more.pop("listeners", [Listener(id="public", name="public", port=PORT)])
    return Document(gateway="g", name="edge", listeners=listeners, apis=list(apis), **more)


class Worker:
    """Compiles one revision after another, as a worker does."""

    def __init__(self) -> None:
        self.pools = PoolRegistry()
        self.compiler = Compiler(self.pools, clock=lambda: 1000.0)
        self.snapshot: Snapshot | None = None
        self.number = 0

    def compile(self, new: Document, **more: Any) -> Compiled:
        self.number += 1
        return self.compiler.compile(self.number, "digest", documents.encode(new), self.snapshot, **more)

    def take(self, new: Document, **more: Any) -> Compiled:
        compiled = self.compile(new, **more)
        self.snapshot = compiled.snapshot
        self.compiler.commit(compiled.snapshot)
        return compiled

    def status(self, path: str, headers: tuple[tuple[str, str], ...] = ()) -> int:
        assert self.snapshot is not None
        return decide(self.snapshot, Call(port=PORT, target=path, headers=headers)).status


def test_policies_run_in_their_order_whatever_the_list_says() -> None:
    worker = Worker()
    worker.take(document(api("a", LIMIT, LOCK)))
    assert worker.snapshot is not None
    assert [step.policy for step in worker.snapshot.apis["a"].chain.request] == [
        "http-basic-authentication",
        "rate-limiting",
    ]


def test_cors_runs_first_whatever_its_order_and_needs_no_route_for_a_preflight() -> None:
    worker = Worker()
    only_get = [Route(id="r", name="r", service="a-s", rules=[Rule(methods="GET")])]
    cors = PolicyBinding(id="cors", policy="cors-flex", order=99)
    worker.take(
        document(
            api("a", LOCK, cors, routes=only_get),
            api("b", LOCK, routes=[msgspec.structs.replace(only_get[0], service="b-s")]),
        )
    )
    assert worker.snapshot is not None
    preflight = decide(worker.snapshot, Call(port=PORT, method="OPTIONS", target="/a/x"))
    assert (preflight.status, preflight.code, preflight.policy) == (200, "", "")
    assert preflight.verdicts == (Verdict(policy="cors", outcome=Outcome.ANSWERED),)
    assert worker.status("/a/x") == 401
    assert decide(worker.snapshot, Call(port=PORT, method="OPTIONS", target="/b/x")).code == "no_route"
    assert decide(worker.snapshot, Call(port=PORT, method="PUT", target="/a/x")).code == "no_route"


def test_inner_addresses_are_asked_for_keys_only_where_services_may_have_them_too() -> None:
    worker = Worker()
    for allowed in (True, False):
        worker.take(document(api("a"), allow_private_targets=allowed))
        assert worker.compiler._bindings.remotes.surroundings.allow_private is allowed


def test_the_platform_of_a_document_and_of_the_registration_is_never_connected_to() -> None:
    worker = Worker()
    worker.compiler.registered = SharedStorage(url="redis://10.0.0.1")
    worker.take(document(api("a"), platform_addresses=[PlatformAddress(host="portal", port=8000)]))
    assert worker.compiler._bindings.remotes.surroundings.platform.addresses == {
        PlatformAddress(host="portal", port=8000),
        PlatformAddress(host="10.0.0.1", port=6379),
    }


def test_cors_for_a_part_of_an_api_is_a_fault() -> None:
    cors = PolicyBinding(id="cors", policy="cors", order=1, rules=[Rule(path="/x")])
    (fault,) = Worker().take(document(api("a", cors))).faults
    assert fault.path == "apis[0].policies[0].rules"
    assert fault.message == "The policy “cors” is for a whole API and cannot have rules."


def test_an_unchanged_api_keeps_its_compiled_form() -> None:
    worker = Worker()
    first = worker.take(document(api("a"), api("b"))).snapshot
    second = worker.take(document(api("a"), api("b", LOCK))).snapshot
    assert second.apis["a"] is first.apis["a"]
    assert second.apis["b"] is not first.apis["b"]


def test_an_unchanged_api_is_not_even_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker()
    worker.take(document(api("a"), api("b")))
    read: list[bytes] = []
    decode = compiler._decode_api
    monkeypatch.setattr(compiler, "_decode_api", lambda raw: read.append(bytes(raw)) or decode(raw))
    changed = api("b", LOCK)
    worker.take(document(api("a"), changed))
    assert read == [msgspec.json.encode(changed, order="deterministic")]


def test_an_api_that_changes_back_is_compiled_from_what_is_there_now() -> None:
    worker = Worker()
    for policies, status in (((), 0), ((LOCK,), 401), ((), 0)):
        worker.take(document(api("a", *policies)))
        assert worker.status("/a") == status


def test_counters_of_an_api_that_stays_unchanged_survive_revision_after_revision() -> None:
    worker = Worker()
    worker.take(document(api("a", LIMIT)))
    assert [worker.status("/a"), worker.status("/a")] == [0, 429]
    worker.take(document(api("a", LIMIT), api("b")))
    worker.take(document(api("a", LIMIT, INJECT)))
    assert worker.status("/a") == 429


def test_counters_and_pools_survive_a_change_beside_them() -> None:
    worker = Worker()
    worker.take(document(api("a", LIMIT)))
    assert [worker.status("/a"), worker.status("/a")] == [0, 429]
    pool = worker.snapshot and worker.snapshot.apis["a"].routes[0].pool
    worker.take(document(api("a", LIMIT, INJECT)))
    assert worker.status("/a") == 429
    assert worker.snapshot
    assert worker.snapshot.apis["a"].routes[0].pool is pool


def test_state_of_bindings_that_are_gone_is_let_go() -> None:
    worker = Worker()
    worker.take(document(api("a", LIMIT)))
    assert [worker.status("/a"), worker.status("/a")] == [0, 429]
    worker.take(document(api("a")))
    worker.take(document(api("a", LIMIT)))
    assert worker.status("/a") == 0


def test_pools_of_services_that_are_gone_are_closed() -> None:
    worker = Worker()
    worker.take(document(api("a"), api("b")))
    assert len(worker.pools) == 2
    worker.take(document(api("a")))
    assert len(worker.pools) == 1


@pytest.mark.parametrize(
    ("broken", "code", "path"),
    [
        (api("b", PolicyBinding(id="x", policy="nothing", order=1)), "unknown_policy", "apis[1].policies[0].policy"),
        (
            api("b", PolicyBinding(id="x", policy="basic-authentication", order=1, config={"username": "a"})),
            "required",
            "apis[1].policies[0].password",
        ),
        (
            api("b", msgspec.structs.replace(LOCK, rules=[Rule(path="(")])),
            "invalid_pattern",
            "apis[1].policies[0].rules.path",
        ),
        (api("b", routes=[Route(id="r", name="r", service="nowhere")]), "unknown_service", "apis[1].routes"),
        (
            api("b", routes=[Route(id="r", name="r", service="b-s", rules=[Rule(host="[")])]),
            "invalid_pattern",
            "apis[1].routes.rules.host",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_broken_new_api_answers_503_and_the_others_are_served(broken: ApiInstance, code: str, path: str) -> None:
    worker = Worker()
    compiled = worker.take(document(api("a"), broken))
    (fault,) = compiled.faults
    assert (fault.api, fault.code, fault.path, fault.kept) == ("b", code, path, False)
    assert worker.status("/a") == 0
    assert worker.status("/b") == 503


def test_a_policy_that_fails_to_build_fences_its_api_without_telling_its_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def explode(*arguments: Any) -> None:
        raise RuntimeError("sesame")

    monkeypatch.setattr(rate_limiting, "Limit", explode)
    worker = Worker()
    (fault,) = worker.take(document(api("a", LIMIT))).faults
    assert fault.code == "api_not_compiled"
    assert "sesame" not in fault.message
    assert worker.status("/a") == 503


def test_an_api_that_breaks_keeps_its_last_good_definition() -> None:
    worker = Worker()
    worker.take(document(api("a", LOCK)))
    bad = PolicyBinding(id="lock", policy="nothing", order=1)
    compiled = worker.take(document(api("a", bad, base_path="/moved")))
    assert [fault.kept for fault in compiled.faults] == [True]
    assert worker.status("/moved") == 401
    assert worker.status("/a") == 404
    compiled = worker.take(document(api("a", bad, base_path="/moved")))
    assert [fault.kept for fault in compiled.faults] == [True]
    assert worker.status("/moved") == 401
    assert worker.take(document(api("a"))).faults == []
    assert worker.status("/a") == 0


def test_a_worker_that_starts_late_is_told_the_last_good_definition() -> None:
    worker = Worker()
    bad = PolicyBinding(id="lock", policy="nothing", order=1)
    compiled = worker.take(document(api("a", bad)), definitions={"a": api("a", LOCK)})
    assert [fault.kept for fault in compiled.faults] == [True]
    assert worker.status("/a") == 401


CREDENTIALS = (("client_id", "shop"), ("client_secret", "s"))


def test_a_contract_revoked_together_with_a_breaking_change_is_revoked() -> None:
    worker = Worker()
    contract = Contract(api="a", consumer="shop")
    worker.take(document(api("a", CLIENT), consumers=[SHOP], contracts=[contract]))
    assert worker.status("/a", CREDENTIALS) == 0
    bad = PolicyBinding(id="x", policy="nothing", order=2)
    worker.take(document(api("a", CLIENT, bad), consumers=[SHOP]))
    assert worker.status("/a", CREDENTIALS) == 403


def test_contracts_and_secrets_take_effect_without_any_change_to_the_api() -> None:
    worker = Worker()
    contract = Contract(api="a", consumer="shop")
    worker.take(document(api("a", CLIENT)))
    assert worker.status("/a", CREDENTIALS) == 401
    worker.take(document(api("a", CLIENT), consumers=[SHOP]))
    assert worker.status("/a", CREDENTIALS) == 403
    worker.take(document(api("a", CLIENT), consumers=[SHOP], contracts=[contract]))
    assert worker.status("/a", CREDENTIALS) == 0
    rotated = msgspec.structs.replace(SHOP, secrets=[sha256(b"t").hexdigest()])
    worker.take(document(api("a", CLIENT), consumers=[rotated], contracts=[contract]))
    assert worker.status("/a", CREDENTIALS) == 401


def test_an_api_that_the_portal_quarantined_answers_503() -> None:
    worker = Worker()
    compiled = worker.take(document(api("a", quarantine="Its specification is gone.")))
    assert compiled.faults == []
    assert worker.status("/a") == 503


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (document(api("a", listener="nowhere")), "unknown_listener"),
        (document(api("a"), api("b", base_path="/a")), "base_path_in_use"),
        (document(api("a"), api("a", base_path="/b")), "duplicate_api"),
        (
            document(listeners=[Listener(id="1", name="1", port=80), Listener(id="2", name="2", port=80)]),
            "duplicate_port",
        ),
        (document(format=2), "unsupported_format"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_document_that_does_not_fit_together_is_refused_whole(wrong: Document, code: str) -> None:
    worker = Worker()
    worker.take(document(api("a", LOCK)))
    with pytest.raises(ConfigFault) as caught:
        worker.compile(wrong)
    assert caught.value.code == code
    assert worker.status("/a") == 401


def test_what_is_no_document_is_refused() -> None:
    with pytest.raises(ConfigFault) as caught:
        Worker().compiler.compile(1, "", b'{"gateway": 3}')
    assert caught.value.code == "document_unreadable"


def test_an_api_that_cannot_be_read_is_named_by_its_place() -> None:
    sent = b'{"gateway": "g", "name": "n", "apis": [{"id": "a", "name": "A", "listener": "l", "base_path": ""}, %s]}'
    listeners = b', "listeners": [{"id": "l", "name": "l", "port": 80}]}'
    for wrong, where in ((b'{"id": 3}', "`$.apis[1].id`"), (b"7", "`$.apis[1]`")):
        with pytest.raises(ConfigFault) as caught:
            Worker().compiler.compile(1, "", (sent % wrong)[:-1] + listeners)
        assert caught.value.code == "document_unreadable"
        assert caught.value.message.endswith(f"at {where}.")


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (document(api("a"), api("a")), "duplicate_api"),
        (document(api("a"), listeners=[Listener(id="other", name="other", port=PORT)]), "unknown_listener"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_api_that_has_not_changed_must_fit_all_the_same(wrong: Document, code: str) -> None:
    worker = Worker()
    worker.take(document(api("a")))
    with pytest.raises(ConfigFault) as caught:
        worker.compile(wrong)
    assert caught.value.code == code


def test_one_base_path_may_be_on_two_listeners() -> None:
    worker = Worker()
    two = [Listener(id="public", name="p", port=PORT), Listener(id="inner", name="i", port=PORT + 1)]
    compiled = worker.take(document(api("a"), api("b", base_path="/a", listener="inner"), listeners=two))
    assert decide(compiled.snapshot, Call(port=PORT, target="/a")).api == "a"
    assert decide(compiled.snapshot, Call(port=PORT + 1, target="/a")).api == "b"


def test_compiling_changes_nothing_of_what_is_served() -> None:
    worker = Worker()
    worker.take(document(api("a", CLIENT), consumers=[SHOP]))
    worker.compile(document(api("a")))
    assert worker.status("/a", CREDENTIALS) == 403


def test_steps_pause_after_reading_and_after_each_api() -> None:
    worker = Worker()
    many = document(*[api(f"a{number}") for number in range(20)])
    began = time.monotonic()
    pauses = list(worker.compiler.steps(1, "", documents.encode(many)))
    assert len(pauses) == 2 + 20
    assert time.monotonic() - began < 5
