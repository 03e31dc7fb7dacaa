"""Modes and conditions of bindings: service, form and REST say the same."""

import json
from typing import Any

import pytest

from gateway_runtime.schema import document as schema
from portal.audit.models import AuditEvent
from portal.core.errors import ApplicationError
from portal.core.links import console_url
from portal.policies import services
from portal.policies.models import PolicyBinding
from portal.publishing.builder import build
from portal.publishing.changes import revision_changes
from tests.portal.base import World, client_of

LIMIT = {"rateLimits": [{"maximumRequests": 1, "timePeriodInMilliseconds": 1000}]}
FORM = {
    "rateLimits.0.maximumRequests": "1",
    "rateLimits.0.timePeriodInMilliseconds": "1000",
    "algorithm": "fixed-window",
    "timeZone": "UTC",
    "key": "api",
}


def apply(world: World, policy: str = "rate-limiting", **fields: Any) -> PolicyBinding:
    return services.policy_apply(
        actor=world.ada, instance=world.instance, policy=policy, **{"config": dict(LIMIT), **fields}
    )


def published(world: World) -> list[schema.PolicyBinding]:
    (api,) = build(world.gateway).document.apis
    return api.policies


def test_a_policy_is_enforced_unless_something_else_is_said(world: World) -> None:
    assert apply(world).mode == "enforce"
    assert published(world)[0].mode == "enforce"


def test_shadow_is_published_and_off_is_left_out(world: World) -> None:
    binding = apply(world, mode="shadow")
    assert published(world)[0].mode == "shadow"
    services.policy_update(actor=world.ada, binding=binding, mode="off")
    assert published(world) == []


def test_what_is_enabled_again_is_in_the_mode_it_had(world: World) -> None:
    binding = services.policy_disable(actor=world.ada, binding=apply(world, mode="shadow"))
    assert binding.mode == "off"
    assert services.policy_enable(actor=world.ada, binding=binding).mode == "shadow"


def test_the_audit_trail_has_the_modes(world: World) -> None:
    services.policy_update(actor=world.ada, binding=apply(world, mode="shadow"), mode="enforce")
    event = AuditEvent.objects.get(action="policy.update")
    assert (event.before["mode"], event.after["mode"]) == ("shadow", "enforce")


def test_a_change_of_mode_is_readable_between_revisions(world: World) -> None:
    binding = apply(world, mode="shadow")
    old = build(world.gateway).document
    services.policy_update(actor=world.ada, binding=binding, mode="enforce", rules=[{"methods": "POST"}])
    (change,) = revision_changes(old, build(world.gateway).document)
    assert [(s.path, s.old, s.new) for s in change.settings if s.path == "mode"] == [("mode", "shadow", "enforce")]
    assert any(s.path.startswith("conditions") and "POST" in s.new for s in change.settings)


@pytest.mark.parametrize(
    ("policy", "config", "mode"),
    [
        ("header-injection", {"inboundHeaders": [{"key": "x-a", "value": "b"}]}, "shadow"),
        ("rate-limiting", LIMIT, "sometimes"),
    ],
)
def test_a_mode_that_cannot_be_is_refused(world: World, policy: str, config: Any, mode: str) -> None:
    with pytest.raises(ApplicationError) as caught:
        apply(world, policy, config=config, mode=mode)
    assert list(caught.value.fields) == ["mode"]


@pytest.mark.parametrize(("mode", "enabled"), [("off", True), ("enforce", False), ("shadow", False)])
def test_mode_and_enabled_must_not_contradict_each_other(world: World, mode: str, enabled: bool) -> None:
    with pytest.raises(ApplicationError):
        apply(world, mode=mode, enabled=enabled)


def test_conditions_are_kept_without_what_says_nothing_and_published(world: World) -> None:
    rules = [{"path": "/a.*", "methods": ".*", "host": "", "headers": {"X-Kind": "a|b"}}]
    binding = apply(world, rules=rules)
    assert binding.rules == [{"path": "/a.*", "headers": {"x-kind": "a|b"}}]
    assert published(world)[0].rules == [schema.Rule(path="/a.*", headers={"x-kind": "a|b"})]


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        ([{"path": "("}], "rules.0.path"),
        ([{}, {"host": "a)"}], "rules.1.host"),
        ([{"methods": "*"}], "rules.0.methods"),
        ([{"headers": {"x-a": "["}}], "rules.0.headers"),
        ([{"headers": {"not a name": "a"}}], "rules.0.headers"),
        ([{"headers": {"X-A": "a", "x-a": "b"}}], "rules.0.headers"),
        ([{"query": "a"}], "rules.0.query"),
        ([{"path": 1}], "rules.0.path"),
        ([{"headers": []}], ""),
        (["/a"], "rules"),
        ({"path": "/a"}, "rules"),
        ([{}] * 51, "rules"),
        ([{"path": "a" * 2001}], "rules.0.path"),
    ],
)
def test_a_wrong_condition_is_named_by_its_place(world: World, rules: Any, field: str) -> None:
    if not field:
        assert apply(world, rules=rules).rules == [{}]
        return
    with pytest.raises(ApplicationError) as caught:
        apply(world, rules=rules)
    assert list(caught.value.fields) == [field]


def test_cors_is_for_a_whole_api(world: World) -> None:
    with pytest.raises(ApplicationError) as caught:
        apply(world, "cors", config={}, rules=[{"path": "/a"}])
    assert caught.value.fields["rules"].startswith("CORS is for a whole API")


def post(world: World, body: dict[str, str]) -> Any:
    address = console_url(world.production, "policies:apply", world.instance.pk, "rate-limiting")
    return client_of(world.ada).post(address, {**FORM, **body})


def test_the_form_takes_mode_and_conditions(world: World) -> None:
    body = {
        "_when.mode": "shadow",
        "_when.rules.0.methods": "POST|PUT",
        "_when.rules.0.path": "",
        "_when.rules.0.host": "",
        "_when.rules.0.headers": "X-Kind: a:b\nX-There",
        "_when.rules.1.methods": "",
        "_when.rules.1.path": "",
        "_when.rules.1.host": "",
        "_when.rules.1.headers": "",
    }
    assert post(world, body).status_code == 302
    binding = PolicyBinding.objects.get()
    assert (binding.mode, binding.config["rateLimits"]) == ("shadow", LIMIT["rateLimits"])
    assert binding.rules == [{"methods": "POST|PUT", "headers": {"x-kind": "a:b", "x-there": ".*"}}]


def test_the_form_shows_the_present_conditions_and_gives_them_back_unchanged(world: World) -> None:
    binding = apply(world, mode="shadow", rules=[{"path": "/a", "headers": {"x-kind": "a|b"}}])
    address = console_url(world.production, "policies:edit", world.instance.pk, binding.pk)
    form = client_of(world.ada).get(address).context["form"]
    sent = {name: form[name].value() for name in form.fields if form[name].value() not in (None, False)}
    assert client_of(world.ada).post(address, sent).status_code == 302
    before = (binding.mode, binding.rules)
    binding.refresh_from_db()
    assert (binding.mode, binding.rules) == before


def test_a_wrong_condition_stands_beside_its_field(world: World) -> None:
    response = post(world, {"_when.rules.0.path": "(", "_when.rules.0.methods": ""})
    assert response.status_code == 422
    assert "RE2" in response.context["form"].errors["_when.rules.0.path"][0]
    assert not PolicyBinding.objects.exists()


def test_a_row_of_conditions_is_added_without_javascript(world: World) -> None:
    response = post(world, {"_when.rules.0.path": "/a", "_when.rules.0.methods": "", "_add_row": "_when.rules"})
    assert b'name="_when.rules.1.path"' in response.content
    assert b'value="/a"' in response.content


def test_a_policy_without_refusals_has_no_shadow_in_its_form(world: World) -> None:
    page = client_of(world.ada).get(console_url(world.production, "policies:apply", world.instance.pk, "cors"))
    form = page.context["form"]
    assert [value for value, _ in form.fields["_when.mode"].choices] == ["enforce", "off"]
    assert not [name for name in form.fields if name.startswith("_when.rules")]
    assert "_when.rules" not in page.content.decode()


def test_the_button_of_the_list_enforces_what_was_tried_out(world: World) -> None:
    binding = apply(world, mode="shadow")
    address = console_url(world.production, "policies:enforce", world.instance.pk, binding.pk)
    assert client_of(world.ben).post(address).status_code == 403
    assert client_of(world.ada).post(address).status_code == 302
    binding.refresh_from_db()
    assert binding.mode == "enforce"


def test_the_interface_reads_and_changes_modes_and_conditions(world: World) -> None:
    ada = client_of(world.ada)

    def send(method: str, path: str, body: dict[str, Any]) -> Any:
        return ada.generic(method, path, json.dumps(body, default=str), content_type="application/json")

    body = {"instance": world.instance.pk, "policy": "rate-limiting", "config": LIMIT, "mode": "shadow"}
    created = send("POST", "/api/v1/policy-bindings/", {**body, "rules": [{"methods": "POST"}]})
    assert created.status_code == 201, created.content
    shown = created.json()
    assert (shown["mode"], shown["enabled"], shown["rules"]) == ("shadow", True, [{"methods": "POST"}])
    path = f"/api/v1/policy-bindings/{shown['id']}/"
    assert send("PATCH", path, {"mode": "off"}).json()["enabled"] is False
    assert send("PATCH", path, {"enabled": True}).json()["mode"] == "shadow"
    assert send("PATCH", path, {"rules": []}).json()["rules"] == []
    wrong = send("PATCH", path, {"rules": [{"path": "("}]})
    assert wrong.status_code == 400
    assert list(wrong.json()["fields"]) == ["/rules/0/path"]
    assert list(send("PATCH", path, {"mode": "maybe"}).json()["fields"]) == ["/mode"]
