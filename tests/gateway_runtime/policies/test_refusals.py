"""One question asked of every answer that the gateway and its policies have ready: does it say why?

The answers are not listed. Those of the gateway are what its modules hold, those of a policy what its handlers can
reach once they are built, so a new one is asked too.
"""

import gc
import importlib
import json
import pkgutil
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

import pytest

import gateway_runtime
from gateway_runtime.http.responses import problem, problem_body
from gateway_runtime.policies.chain import Binding
from gateway_runtime.policies.context import RequestContext
from gateway_runtime.policies.registry import all_definitions
from gateway_runtime.policies.results import Response
from gateway_runtime.schema.policy import Handlers, PolicyDefinition
from gateway_runtime.testing import policy_case
from tests.gateway_runtime.fakes import FakeGateway, get

PAGE = Path("portal/docs/pages/reference/answers-of-the-gateway.md")
# These start something when they are imported.
PROGRAMS = {"gateway_runtime.__main__"}
CODE = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
every_policy = pytest.mark.parametrize("policy", all_definitions(), ids=lambda d: d.name)


@cache
def of_the_gateway() -> dict[str, Response]:
    """Return every answer that a module of the gateway holds, by its code."""
    found: dict[str, Response] = {}
    for module in pkgutil.walk_packages(gateway_runtime.__path__, "gateway_runtime."):
        if module.name not in PROGRAMS:
            for value in vars(importlib.import_module(module.name)).values():
                if isinstance(value, Response) and not value.policy:
                    found[value.code] = value
    return found


def reachable(start: Any) -> Iterator[Response]:
    """Yield every answer that can be reached from an object without going through a module or a type."""
    outside = {id(vars(module)) for module in [*sys.modules.values()] if isinstance(module, ModuleType)}
    seen: set[int] = set()
    waiting = [start]
    while waiting:
        each = waiting.pop()
        if id(each) in seen or id(each) in outside or isinstance(each, ModuleType | type | FrameType):
            continue
        seen.add(id(each))
        if isinstance(each, Response):
            yield each
            continue
        waiting += gc.get_referents(each)


@cache
def of_policies() -> dict[str, list[Response]]:
    """Return the answers of each policy with the settings of its example."""
    return {
        policy.name: [each for each in reachable(policy_case(policy.name).handlers) if each.policy == policy.name]
        for policy in all_definitions()
    }


def of_policy(policy: PolicyDefinition) -> list[Response]:
    return of_policies()[policy.name]


def everything() -> list[Response]:
    return [*of_the_gateway().values(), *(each for policy in all_definitions() for each in of_policy(policy))]


def refusals() -> list[Response]:
    return [each for each in everything() if each.code]


def test_the_search_finds_what_is_there() -> None:
    assert {"no_api_here", "upstream_timeout", "bad_request_line", "internal_error"} <= of_the_gateway().keys()
    with_refusals = [policy for policy in all_definitions() if policy.refusals]
    found = [policy.name for policy in with_refusals if of_policy(policy)]
    assert len(found) > len(with_refusals) * 0.8, sorted({p.name for p in with_refusals} - {*found})


def test_every_refusal_is_a_problem_that_says_why() -> None:
    for response in refusals():
        if response.body is not None:
            continue  # somebody has written this answer themselves
        found = problem(response)
        said = json.loads(problem_body(found, b"request-1"))
        assert b"content-type: application/problem+json" in found.lines, response
        assert said.pop("policy", "") == response.policy
        assert said == {
            "type": "about:blank", "title": response.title, "status": response.status, "detail": response.detail,
            "code": response.code, "request_id": "request-1",
        }, response  # fmt: skip
        assert CODE.fullmatch(response.code), response
        assert response.title, response
        assert response.detail.endswith("."), response
        assert 400 <= response.status <= 599, response


def test_what_callers_get_is_what_is_counted_and_kept() -> None:
    for response in refusals():

        def refuse(context: RequestContext, response: Response = response) -> Response:
            return response

        gateway = FakeGateway(Binding(response.policy, Handlers(request_headers=refuse)))
        client = gateway.client()
        client.send(get("/api/x", "X-Request-Id: request-1", "Authorization: Basic c2VjcmV0OnNlY3JldA=="))
        data = client.take()
        head, _, body = data.partition(b"\r\n\r\n")
        assert int(head.split()[1]) == response.status
        assert b"\r\nx-request-id: request-1" in head, response
        assert b"c2VjcmV0" not in data, response
        if response.body is None:
            assert json.loads(body)["code"] == response.code
        (row,) = gateway.recorded.rows
        assert (row["policy"], row["code"], row["status"]) == (response.policy, response.code, response.status)
        (kept,) = gateway.state.refusals.take(1)
        assert (kept.policy, kept.code, kept.status) == (response.policy, response.code, response.status)
        assert kept.request_id == "request-1"


def test_a_code_has_one_meaning() -> None:
    of_gateway = set(of_the_gateway())
    of_policies = {refusal.code for policy in all_definitions() for refusal in policy.refusals}
    assert not of_gateway & of_policies


def test_every_code_of_the_gateway_is_documented_with_its_status_and_sentence() -> None:
    page = PAGE.read_text(encoding="utf-8")
    missing = [
        f"| {each.status} | `{each.code}` | {each.detail} |"
        for each in of_the_gateway().values()
        if each.code and f"| {each.status} | `{each.code}` |" not in page
    ]
    assert missing == []


@every_policy
def test_a_policy_answers_only_with_what_it_declares(policy: PolicyDefinition) -> None:
    declared = {refusal.code: refusal for refusal in policy.refusals}
    for response in of_policy(policy):
        if response.code:
            assert response.code in declared, response


@every_policy
def test_no_secret_setting_is_in_an_answer(policy: PolicyDefinition) -> None:
    secrets = [policy.example.get(name) for name in policy.secret_settings()]
    for response in of_policy(policy):
        said = problem_body(problem(response), b"r") + b"".join(b"".join(field) for field in response.headers)
        for secret in secrets:
            if isinstance(secret, str) and secret:
                assert secret.encode() not in said, response.code
