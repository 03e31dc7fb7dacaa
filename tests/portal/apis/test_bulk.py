"""Actions on many API instances: chosen on the list, previewed, done, and told row by row."""

import json
from typing import Any

import pytest
from django.http import HttpResponse

from portal.apis.models import ApiInstance
from portal.audit.models import AuditEvent
from portal.core.bulk import MOST_ROWS
from portal.core.links import console_url
from portal.policies.models import PolicyBinding
from portal.policies.services import policy_apply
from portal.policies.settings import secret_settings
from portal.publishing.models import PublishRequest
from tests.portal.base import World, client_of, make_api, make_gateway, make_instance, make_role

IPS = {"ips": ["10.0.0.1"], "ipExpression": "#[attributes.remoteAddress]"}


@pytest.fixture
def stock(world: World) -> ApiInstance:
    return make_instance(world.gateway, make_api(world.organization, "Stock").versions.get(), base_path="/stock")


class Console:
    """A person who chooses rows on the list and goes on."""

    def __init__(self, world: World, user: Any) -> None:
        self.client = client_of(user)
        self.list = console_url(world.production, "apis:list")

    def choose(self, action: str, *rows: Any, query: str = "", **more: str) -> HttpResponse:
        body = {"action": action, "row": [str(row.pk) for row in rows], **more}
        return self.client.post(f"{self.list}{query}", body)

    def page(self, action: str, *rows: Any, **more: str) -> str:
        return self.choose(action, *rows, **more)["Location"]


def states(response: Any) -> list[tuple[str, str]]:
    return [(each.name, str(each.state)) for each in response.context["outcomes"]]


def test_chosen_rows_are_previewed_and_then_stopped(world: World, stock: ApiInstance) -> None:
    console = Console(world, world.ada)
    page = console.page("stop", world.instance, stock)
    preview = console.client.get(page)
    assert states(preview) == [("Orders v1", "changed"), ("Stock v1", "changed")]
    assert "callers of /stock get 404" in preview.content.decode()
    assert ApiInstance.objects.filter(status="stopped").count() == 0
    done = console.client.post(page, {"run": "1"})
    assert "2 changed" in done.content.decode()
    assert ApiInstance.objects.filter(status="stopped").count() == 2
    assert AuditEvent.objects.filter(action="instance.stop").count() == 2
    again = console.client.get(page)
    assert [state for _, state in states(again)] == ["unchanged", "unchanged"]


def test_everything_of_the_filter_means_the_filter(world: World, stock: ApiInstance) -> None:
    console = Console(world, world.ada)
    page = console.choose("stop", query="?q=stock", everything="1")["Location"]
    assert states(console.client.get(page)) == [("Stock v1", "changed")]


def test_each_gateway_gets_one_revision(
    world: World, stock: ApiInstance, django_capture_on_commit_callbacks: Any
) -> None:
    other = make_gateway(world.production, "Second", port=8081)
    third = make_instance(other, world.api_version)
    console = Console(world, world.ada)
    page = console.page("stop", world.instance, stock, third)
    with django_capture_on_commit_callbacks() as callbacks:
        console.client.post(page, {"run": "1"})
    assert set(PublishRequest.objects.values_list("gateway__name", flat=True)) == {"Edge", "Second"}
    assert len([each for each in callbacks if hasattr(each, "gateway_id")]) == 2


def test_a_form_is_asked_before_the_preview(world: World, stock: ApiInstance) -> None:
    console = Console(world, world.ada)
    page = console.page("labels-add", world.instance, stock)
    assert console.client.get(page).context["outcomes"] is None
    assert console.client.post(page, {"labels": "nonsense"}).status_code == 422
    preview = console.client.post(page, {"labels": "layer=system"})
    assert "layer=system" in preview.content.decode()
    console.client.post(page, {"labels": "layer=system", "run": "1"})
    assert set(map(str, ApiInstance.objects.filter(labels={"layer": "system"}))) == {"Orders v1", "Stock v1"}
    page = console.page("labels-remove", world.instance, stock)
    console.client.post(page, {"names": "layer", "run": "1"})
    assert ApiInstance.objects.filter(labels={}, gateway=world.gateway).count() == 2


def test_deprecating_many_and_taking_it_back(world: World, stock: ApiInstance) -> None:
    console = Console(world, world.ada)
    page = console.page("deprecate", world.instance, stock)
    console.client.post(page, {"since": "2026-06-01", "sunset": "2027-01-01", "run": "1"})
    assert ApiInstance.objects.filter(deprecated=True, sunset_on="2027-01-01").count() == 2
    console.client.post(console.page("undeprecate", stock), {"run": "1"})
    assert ApiInstance.objects.filter(deprecated=True).count() == 1


def test_removing_needs_the_words(world: World, stock: ApiInstance) -> None:
    console = Console(world, world.ada)
    page = console.page("remove", world.instance, stock)
    assert console.client.post(page, {"words": "remove", "run": "1"}).status_code == 422
    done = console.client.post(page, {"words": "remove 2", "run": "1"})
    assert "2 changed" in done.content.decode()
    assert not ApiInstance.objects.filter(gateway=world.gateway).exists()
    assert console.client.get(page)["Location"] == console.list


def test_a_policy_is_applied_with_settings(world: World, stock: ApiInstance) -> None:
    console = Console(world, world.ada)
    page = console.page("policy-apply", world.instance, stock)
    for wrong, said in (
        ({"policy": "ip-blocklist", "config": "ipz: [1]"}, "Did you mean “ips”?"),
        ({"policy": "ip-blocklist", "config": "ips: [\n"}, "Line 2"),
        ({"policy": "http-basic-authentication", "config": "{username: a, password: b}"}, "is a secret"),
        ({}, "Choose a policy"),
    ):
        answer = console.client.post(page, wrong)
        assert (answer.status_code, said in answer.content.decode()) == (422, True), said
    values = {"policy": "ip-blocklist", "config": json.dumps(IPS), "run": "1"}
    console.client.post(page, values)
    assert PolicyBinding.objects.filter(policy="ip-blocklist", config=IPS).count() == 2
    assert [state for _, state in states(console.client.post(page, values))] == ["unchanged", "unchanged"]
    console.client.post(console.page("policy-remove", world.instance, stock), {"policy": "ip-blocklist", "run": "1"})
    assert not PolicyBinding.objects.exists()


def test_a_policy_is_applied_as_another_api_has_it(world: World, stock: ApiInstance) -> None:
    binding = policy_apply(
        actor=world.ada, instance=world.instance, policy="http-basic-authentication", order=7,
        config={"username": "w", "password": "s3cret-word"}, rules=[{"path": "/a"}],
    )  # fmt: skip
    console = Console(world, world.ada)
    page = console.page("policy-apply", world.instance, stock)
    done = console.client.post(page, {"like": str(binding.pk), "run": "1"})
    assert states(done) == [("Orders v1", "unchanged"), ("Stock v1", "changed")]
    assert "s3cret-word" not in done.content.decode()
    (made,) = stock.policies.all()
    assert (secret_settings(made), made.order, made.rules) == ({"password": "s3cret-word"}, 7, [{"path": "/a"}])


def test_secrets_stay_in_their_environment(world: World) -> None:
    binding = policy_apply(
        actor=world.ada, instance=world.instance, policy="http-basic-authentication",
        config={"username": "w", "password": "s3cret-word"},
    )  # fmt: skip
    elsewhere = make_instance(make_gateway(world.sandbox, "Try", port=8090), world.api_version)
    (result,) = rest(world.ada, "policy-apply", elsewhere, values={"like": str(binding.pk)}).json()["results"]
    assert (result["state"], "Secrets stay" in result["text"]) == ("refused", True)


def test_who_may_only_look_is_offered_nothing(world: World) -> None:
    page = client_of(world.ben).get(console_url(world.production, "apis:list"))
    assert 'value="stop"' not in page.content.decode()
    assert Console(world, world.ben).choose("stop", world.instance).status_code == 403
    assert Console(world, world.olaf).choose("stop", world.instance).status_code == 404


def test_rows_of_others_are_never_chosen(world: World) -> None:
    answer = Console(world, world.ada).choose("stop", world.other_instance)
    assert answer["Location"] == console_url(world.production, "apis:list")
    other = console_url(world.production, "apis:bulk", "stop")
    assert client_of(world.ada).get(f"{other}?instance={world.other_instance.pk}").status_code == 302
    assert client_of(world.ada).get(console_url(world.production, "apis:bulk", "nothing")).status_code == 404


def rest(user: Any, action: str, *rows: Any, **more: Any) -> Any:
    body = {"action": action, "rows": [str(row.pk) for row in rows], **more}
    return client_of(user).post("/api/v1/api-instances/bulk/", json.dumps(body), content_type="application/json")


def test_rest_does_the_same(world: World, stock: ApiInstance) -> None:
    body = rest(world.ada, "labels-add", world.instance, stock, values={"labels": {"a": "b"}}, dry_run=True).json()
    assert [each["state"] for each in body["results"]] == ["changed", "changed"]
    assert not ApiInstance.objects.filter(labels={"a": "b"}).exists()
    rest(world.ada, "labels-add", world.instance, stock, values={"labels": {"a": "b"}})
    assert ApiInstance.objects.filter(labels={"a": "b"}).count() == 2


def test_rest_says_what_is_wrong(world: World) -> None:
    for answer, status, where in (
        (rest(world.ada, "nothing", world.instance), 400, "/action"),
        (rest(world.ada, "stop", world.other_instance), 400, "/rows"),
        (rest(world.ada, "labels-add", world.instance, values={"labels": "x"}), 400, "/values/labels"),
    ):
        assert (answer.status_code, list(answer.json()["fields"])) == (status, [where])
    assert rest(world.ben, "stop", world.instance).status_code == 403
    assert rest(world.ada, "stop", *[world.instance] * (MOST_ROWS + 1)).status_code == 400


def test_what_one_may_change_only_elsewhere_is_refused_row_by_row(world: World) -> None:
    make_role(world.cora, world.sandbox, "editor")
    make_role(world.cora, world.production, "viewer")
    (result,) = rest(world.cora, "stop", world.instance).json()["results"]
    assert (result["state"], result["text"]) == ("refused", "Your role does not include instance.change here.")
