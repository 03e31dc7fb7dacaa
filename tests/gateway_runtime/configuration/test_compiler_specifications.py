"""An API is compiled with the specification of its version."""

import msgspec

from gateway_runtime.schema.document import PolicyBinding
from tests.gateway_runtime.specification.documents import document as specification

from .test_compiler import Worker, api, document

VALIDATION = PolicyBinding(id="v", policy="spec-validation", order=1)
ITEMS = specification({"/items": {"get": {"responses": {}}}})


def test_a_policy_judges_by_the_specification_in_the_document() -> None:
    worker = Worker()
    worker.take(document(msgspec.structs.replace(api("a", VALIDATION), specification=ITEMS)))
    assert (worker.status("/a/items"), worker.status("/a/others")) == (0, 400)


def test_without_one_the_api_is_fenced_off() -> None:
    worker = Worker()
    (fault,) = worker.take(document(api("a", VALIDATION))).faults
    assert (fault.api, fault.code) == ("a", "api_not_compiled")
    assert worker.status("/a/items") == 503
