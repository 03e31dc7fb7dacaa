"""Alerts, webhooks and notices over REST."""

import json
from typing import Any
from unittest import mock

from portal.alerts.models import AlertKind, AlertNotice, AlertRule, AlertWebhook
from portal.alerts.notices import webhook_test
from portal.alerts.services import alert_create
from portal.alerts.webhook_services import webhook_create
from tests.portal.alerts.factories import NOON, judge, make_alert, make_webhook, requests
from tests.portal.base import PortalTestCase, client_of
from tests.portal.cases import ObjectApiCases


class AlertApiTests(ObjectApiCases, PortalTestCase):
    path = "/api/v1/alerts/"
    change = {"threshold": 7}
    deletes = True

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.rule = make_alert(cls.world)
        cls.create = {
            "environment": str(cls.world.production.pk),
            "kind": "statuses",
            "name": "Errors",
            "statuses": ["5xx"],
        }  # type: ignore[misc]
        cls.theirs = alert_create(
            actor=cls.world.olaf, environment=cls.world.other_environment, kind=AlertKind.REQUESTS, name="Theirs"
        )

    def get_target(self) -> AlertRule:
        return self.rule

    def post(self, path: str, body: Any, user: Any = None) -> Any:
        return client_of(user or self.world.ada).post(path, json.dumps(body), content_type="application/json")

    def test_things_of_others_are_no_part_of_an_alert(self) -> None:
        theirs = webhook_create(
            actor=self.world.olaf, environment=self.world.other_environment, name="Theirs", url="https://b.example.com/"
        ).webhook
        for name, value in (("instances", self.world.other_instance.pk), ("webhooks", theirs.pk)):
            answer = self.post(self.path, self.create | {name: [str(value)]})
            assert answer.status_code == 400
            assert [each.split("/")[1] for each in answer.json()["fields"]] == [name]

    def test_another_environment_of_ones_own_is_no_part_of_it_either(self) -> None:
        hook = make_webhook(self.world, self.world.sandbox)
        answer = self.post(self.path, self.create | {"webhooks": [str(hook.pk)]})
        assert answer.json()["fields"] == {"/webhooks": "Choose webhooks of this environment."}

    def test_what_services_set_cannot_be_sent(self) -> None:
        made = self.post(
            self.path, self.create | {"silenced_until": "2030-01-01T00:00:00Z", "evaluated_at": "2030-01-01T00:00:00Z"}
        )
        rule = AlertRule.objects.get(pk=made.json()["id"])
        assert (rule.silenced_until, rule.evaluated_at) == (None, None)
        moved = client_of(self.world.ada).patch(
            f"{self.path}{self.rule.pk}/", json.dumps({"environment": str(self.world.sandbox.pk), "kind": "statuses"}),
            content_type="application/json",
        )  # fmt: skip
        assert (moved.json()["environment"], moved.json()["kind"]) == (str(self.world.production.pk), "requests")

    def test_a_preview_makes_nothing(self) -> None:
        requests(self.world, 6, at=NOON)
        body = {"environment": str(self.world.production.pk), "kind": "requests", "name": "x", "threshold": 5}
        with mock.patch("django.utils.timezone.now", return_value=NOON.replace(hour=15)):
            said = self.post(f"{self.path}preview/", body).json()
        assert said == {"times": 1, "sentence": "Would have fired once in the last 24 h."}
        assert not AlertRule.objects.filter(name="x").exists()
        assert self.post(f"{self.path}preview/", body, self.world.ben).status_code == 403

    def test_buttons(self) -> None:
        address = f"{self.path}{self.rule.pk}"
        assert self.post(f"{address}/disable/", {}).json()["state"] == "disabled"
        assert self.post(f"{address}/enable/", {}).json()["state"] == "quiet"
        assert self.post(f"{address}/silence/", {"minutes": 5}).json()["state"] == "silenced"
        assert self.post(f"{address}/test/", {}).json() == [str(AlertNotice.objects.get().pk)]
        for button in ("disable", "enable", "silence", "test"):
            assert self.post(f"{address}/{button}/", {"minutes": 5}, self.world.ben).status_code == 403
            assert self.post(f"{address}/{button}/", {"minutes": 5}, self.world.olaf).status_code == 404

    def test_the_history(self) -> None:
        requests(self.world, 11, at=NOON)
        judge()
        asked = {"rule": str(self.rule.pk), "ended_at__isnull": "true"}
        (row,) = client_of(self.world.ben).get("/api/v1/alert-episodes/", asked).json()["results"]
        assert row["detail"] == "11 requests in 5 minutes."
        assert client_of(self.world.olaf).get("/api/v1/alert-episodes/").json()["results"] == []


class WebhookApiTests(ObjectApiCases, PortalTestCase):
    path = "/api/v1/alert-webhooks/"
    change = {"url": "https://chat.example.com/other"}
    deletes = True

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.webhook = make_webhook(cls.world)
        cls.create = {"environment": str(cls.world.production.pk), "name": "Chat", "url": "https://chat.example.com/"}  # type: ignore[misc]

    def get_target(self) -> AlertWebhook:
        return self.webhook

    def test_the_secret_is_in_the_first_answer_alone(self) -> None:
        client = client_of(self.world.ada)
        made = client.post(self.path, json.dumps(self.create), content_type="application/json")
        assert made.json()["secret"] == AlertWebhook.objects.get(name="Chat").secret
        assert made["Cache-Control"] == "no-store"
        shown = client.get(f"{self.path}{made.json()['id']}/")
        assert "secret" not in shown.json()
        assert client.get("/api/v1/audit-events/").content.count(made.json()["secret"].encode()) == 0

    def test_rotate_and_test(self) -> None:
        client, address = client_of(self.world.ada), f"{self.path}{self.webhook.pk}"
        assert client.post(f"{address}/rotate/").json()["secret"] == AlertWebhook.objects.get().secret
        assert client.post(f"{address}/test/").json()["state"] == "waiting"
        for button in ("rotate", "test"):
            assert client_of(self.world.ben).post(f"{address}/{button}/").status_code == 403
            assert client_of(self.world.olaf).post(f"{address}/{button}/").status_code == 404


class NoticeApiTests(ObjectApiCases, PortalTestCase):
    path = "/api/v1/alert-notices/"

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.notice = webhook_test(actor=cls.world.ada, webhook=make_webhook(cls.world))

    def get_target(self) -> AlertNotice:
        return self.notice

    def test_send_again(self) -> None:
        address = f"{self.path}{self.notice.pk}/send-again/"
        assert client_of(self.world.ada).post(address).status_code == 409
        AlertNotice.objects.update(state="failed")
        assert client_of(self.world.ben).post(address).status_code == 403
        assert client_of(self.world.ada).post(address).json()["state"] == "waiting"
