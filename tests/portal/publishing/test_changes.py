"""What changed between two revisions, as people read it."""

import msgspec
import pytest

from gateway_runtime.schema import document as schema
from gateway_runtime.schema.upstream import UpstreamTls
from portal.publishing.changes import LONGEST_TEXT, Effect, SettingChange, revision_changes

TARGET = schema.Target(host="a.test", port=80)


def api(*policies: schema.PolicyBinding, base_path: str = "/orders") -> schema.ApiInstance:
    service = schema.Service(id="s", name="default", targets=[TARGET])
    return schema.ApiInstance(
        id="i",
        name="Orders v1",
        listener="l",
        base_path=base_path,
        services=[service],
        routes=[schema.Route(id="r", name="all", service="s")],
        policies=list(policies),
    )


def document(*apis: schema.ApiInstance, **parts: object) -> schema.Document:
    return schema.Document(gateway="g", name="Edge", apis=list(apis), **parts)  # type: ignore[arg-type]


def basic(**config: object) -> schema.PolicyBinding:
    return schema.PolicyBinding(id="p", policy="http-basic-authentication", order=100, config=dict(config))


def test_first_revision_adds_everything() -> None:
    found = revision_changes(None, document(api(basic(username="w", password="x"))))
    assert [(c.action, c.kind, c.name) for c in found] == [
        ("added", "API", "Orders v1"),
        ("added", "policy", "Basic authentication"),
    ]


def test_what_is_added_is_told_by_names_and_without_what_is_empty() -> None:
    listener = schema.Listener(id="l", name="public", port=8443)
    found = revision_changes(None, document(api(), listeners=[listener]))
    told = next(change for change in found if change.kind == "API").sentence
    assert "listener public (port 8443)" in told
    assert "routes.all.service default" in told
    assert "{}" not in told
    assert [change.kind for change in found] == ["listener", "API"]


def test_an_api_that_moves_to_another_listener_says_so_by_their_names() -> None:
    one, two = schema.Listener(id="l", name="public", port=80), schema.Listener(id="m", name="inside", port=81)
    moved = msgspec.structs.replace(api(), listener="m")
    (change,) = revision_changes(document(api(), listeners=[one, two]), document(moved, listeners=[one, two]))
    assert change.settings == [SettingChange("listener", "public (port 80)", "inside (port 81)")]


def test_equal_documents_have_no_changes() -> None:
    assert revision_changes(document(api()), document(api())) == []


def test_changed_setting_is_shown_old_and_new_and_a_secret_is_masked() -> None:
    old = document(api(basic(username="w", password="old-secret")))
    new = document(api(basic(username="v", password="new-secret")))
    (change,) = revision_changes(old, new)
    assert (change.action, change.name, change.where) == ("changed", "Basic authentication", "Orders v1")
    assert change.settings[0] == SettingChange("username", "w", "v")
    assert change.settings[1].path == "password"
    assert "secret" not in str(change)


def test_settings_of_a_policy_nobody_knows_are_all_masked() -> None:
    old = schema.PolicyBinding(id="p", policy="gone", order=1, config={"key": "hidden-1"})
    new = schema.PolicyBinding(id="p", policy="gone", order=1, config={"key": "hidden-2"})
    assert "hidden" not in str(revision_changes(document(api(old)), document(api(new))))


def test_row_of_a_list_is_named_by_its_place() -> None:
    def limit(requests: int) -> schema.PolicyBinding:
        config = {"rateLimits": [{"maximumRequests": requests, "timePeriodInMilliseconds": 1000}]}
        return schema.PolicyBinding(id="p", policy="rate-limiting", order=1, config=config)

    (change,) = revision_changes(document(api(limit(1))), document(api(limit(2))))
    assert change.settings == [SettingChange("rateLimits[0].maximumRequests", "1", "2")]


def test_removed_policy_and_moved_api_are_two_changes() -> None:
    found = revision_changes(document(api(basic())), document(api(base_path="/new")))
    assert [(c.action, c.kind) for c in found] == [("changed", "API"), ("removed", "policy")]
    assert found[0].settings == [SettingChange("base_path", "/orders", "/new")]


def test_contract_names_application_and_api() -> None:
    consumer = schema.Consumer(id="c", name="App", client_id="1", secrets=["d1"])
    contract = schema.Contract(api="i", consumer="c")
    found = revision_changes(document(api()), document(api(), consumers=[consumer], contracts=[contract]))
    assert [(c.action, c.kind, c.name, c.where) for c in found] == [
        ("added", "client application", "App", ""),
        ("added", "contract", "App", "Orders v1"),
    ]


def test_digests_of_client_secrets_are_counted_not_shown() -> None:
    old = schema.Consumer(id="c", name="App", client_id="1", secrets=["digest-1"])
    new = schema.Consumer(id="c", name="App", client_id="1", secrets=["digest-1", "digest-2"])
    (change,) = revision_changes(document(consumers=[old]), document(consumers=[new]))
    assert change.settings == [SettingChange("secrets", "1 valid", "2 valid")]


def test_a_specification_is_one_line_around_what_is_new_in_it() -> None:
    def specified(limit: int) -> schema.ApiInstance:
        text = f"openapi: 3.0.3\n{'# more' * 1_000}\n  maxItems: {limit}\n{'# more' * 1_000}"
        return msgspec.structs.replace(api(), specification=text)

    [change] = revision_changes(document(specified(5)), document(specified(6)))
    [setting] = change.settings
    assert setting.path == "specification"
    for text, limit in ((setting.old, 5), (setting.new, 6)):
        assert f"more maxItems: {limit} #" in text
        assert len(text) <= LONGEST_TEXT + 2
        assert (text[0], text[-1]) == ("…", "…")


def test_a_long_text_is_shown_from_its_beginning_when_it_is_added_and_a_short_one_whole() -> None:
    short, long = "a\n" * 100, "openapi: " + "3" * 1_000
    [change] = revision_changes(document(api()), document(msgspec.structs.replace(api(), specification=long)))
    assert change.settings == [SettingChange("specification", "", f"{long[:LONGEST_TEXT]}…")]
    [change] = revision_changes(document(api()), document(msgspec.structs.replace(api(), specification=short)))
    assert change.settings == [SettingChange("specification", "", short)]


def test_change_reads_as_one_sentence() -> None:
    limit = {"maximumRequests": 100, "timePeriodInMilliseconds": 1000}
    old = schema.PolicyBinding(id="p", policy="rate-limiting", order=1, config={"rateLimits": [limit]})
    new = schema.PolicyBinding(
        id="p", policy="rate-limiting", order=1, config={"rateLimits": [limit | {"maximumRequests": 50}]}
    )
    (change,) = revision_changes(document(api(old)), document(api(new)))
    assert change.sentence == "Policy “Rate limiting” on “Orders v1”: rateLimits[0].maximumRequests 100 → 50"


@pytest.mark.parametrize(
    ("applications", "calls", "text"),
    [
        (14, 2_300_000, "affects 14 applications, 2.3 M calls in the last 7 days"),
        (1, 1, "affects 1 application, 1 call in the last 7 days"),
        (0, None, "affects 0 applications"),
        (2, 12_000, "affects 2 applications, 12 k calls in the last 7 days"),
    ],
)
def test_effect_says_whom_a_change_concerns(applications: int, calls: int | None, text: str) -> None:
    assert Effect(applications, calls).text.replace("\u00a0", " ") == text


def test_the_key_of_a_client_certificate_is_masked_wherever_it_changes() -> None:
    def of(key: str) -> schema.Document:
        service = schema.Service(
            id="s", name="main", targets=[schema.Target(host="h", port=1)], tls=UpstreamTls(certificate="C", key=key)
        )
        return document(msgspec.structs.replace(api(), services=[service]))

    (changed,) = revision_changes(of("old-secret"), of("new-secret"))
    assert changed.settings == [SettingChange("services.main.tls.key", "••••••", "•••••• (new)")]
    assert "secret" not in repr(revision_changes(None, of("old-secret")))
    assert "secret" not in repr(revision_changes(of("old-secret"), document(api())))
