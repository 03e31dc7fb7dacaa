from gateway_runtime.consumers.index import ApiConsumers, Directory
from gateway_runtime.policies.registry import definition
from gateway_runtime.policies.runtime import BindingRuntime


def runtime(binding: str, kept: dict) -> BindingRuntime:
    return BindingRuntime(
        api="a",
        binding=binding,
        definition=definition("rate-limiting"),
        consumers=ApiConsumers(Directory(), ()),
        clock=lambda: 0.0,
        kept=kept,
    )


def test_kept_state_belongs_to_one_binding_and_one_name() -> None:
    kept: dict = {}
    first = runtime("b1", kept).keep("counters", list)
    assert runtime("b1", kept).keep("counters", list) is first
    assert runtime("b2", kept).keep("counters", list) is not first
    assert runtime("b1", kept).keep("others", list) is not first


def test_refusal_is_the_declared_one_with_its_policy() -> None:
    refusal = runtime("b1", {}).refusal("rate_limit_exceeded", headers=((b"a", b"b"),))
    assert (refusal.status, refusal.policy, refusal.headers) == (429, "rate-limiting", ((b"a", b"b"),))
