"""Pages of alerts, webhooks and notices."""

from unittest import mock

from portal.alerts.models import AlertKind, AlertNotice, AlertRule, AlertWebhook
from portal.alerts.notices import webhook_test
from portal.alerts.services import alert_create
from portal.alerts.webhook_services import webhook_create
from portal.core.links import console_url
from tests.portal.alerts.factories import NOON, judge, make_alert, make_webhook, requests
from tests.portal.base import PortalTestCase, client_of
from tests.portal.cases import ObjectPageCases

REQUESTS = {"name": "Busy", "severity": "info", "comparison": "above", "threshold": "5", "window_minutes": "5",
            "cooldown_minutes": "15", "emails": "a@example.test, b@example.test", "notify_recovery": "on"}  # fmt: skip


class AlertPageTests(ObjectPageCases, PortalTestCase):
    list_page, detail_page, edit_page = "alerts:list", "alerts:detail", "alerts:edit"
    actions = ("alerts:test", "alerts:enable", "alerts:disable", "alerts:silence", "alerts:delete")
    form = REQUESTS

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.rule = make_alert(cls.world)
        cls.other = alert_create(
            actor=cls.world.olaf, environment=cls.world.other_environment, kind=AlertKind.REQUESTS, name="Theirs"
        )

    def get_target(self) -> AlertRule:
        return AlertRule.objects.get(pk=self.rule.pk)

    def get_other_target(self) -> AlertRule:
        return self.other

    def address(self, name: str, *arguments: object) -> str:
        return console_url(self.world.production, name, *arguments)

    def test_every_kind_has_a_form_that_asks_for_what_it_goes_by(self) -> None:
        client, kinds = client_of(self.world.ada), client_of(self.world.ada).get(self.address("alerts:create"))
        for kind in AlertKind.values:
            with self.subTest(kind=kind):
                assert f"?kind={kind}" in kinds.content.decode()
                page = client.get(f"{self.address('alerts:create')}?kind={kind}")
                names = set(page.context["form"].fields)
                assert ("statuses" in names) == (kind == AlertKind.STATUSES)
                assert ("days" in names) == (kind == AlertKind.CERTIFICATE)
        assert client.get(f"{self.address('alerts:create')}?kind=weather").status_code == 404

    def test_an_alert_is_added_with_all_that_was_typed(self) -> None:
        form = REQUESTS | {"instances": [str(self.world.instance.pk)]}
        answer = client_of(self.world.ada).post(f"{self.address('alerts:create')}?kind=requests", form)
        assert answer.status_code == 302, answer.context["form"].errors
        rule = AlertRule.objects.get(name="Busy")
        assert (rule.threshold, rule.emails) == (5, ["a@example.test", "b@example.test"])
        assert (list(rule.instances.all()), rule.narrowed) == ([self.world.instance], True)

    def test_a_viewer_neither_adds_nor_sees_buttons(self) -> None:
        client = client_of(self.world.ben)
        assert client.get(self.address("alerts:create")).status_code == 403
        assert client.get(f"{self.address('alerts:create')}?kind=requests").status_code == 403
        assert "Send a test" not in client.get(self.address("alerts:detail", self.rule.pk)).content.decode()

    def test_the_form_says_how_often_it_would_have_fired_and_saves_nothing(self) -> None:
        requests(self.world, 6, at=NOON)
        address = f"{self.address('alerts:create')}?kind=requests&_preview=1"
        with mock.patch("django.utils.timezone.now", return_value=NOON.replace(hour=15)):
            page = client_of(self.world.ada).post(address, REQUESTS)
            calm = client_of(self.world.ada).post(address, REQUESTS | {"threshold": "100"})
            wrong = client_of(self.world.ada).post(address, REQUESTS | {"threshold": "x"})
        assert "Would have fired once in the last 24 h." in page.content.decode()
        assert "Would not have fired in the last 24 h." in calm.content.decode()
        assert wrong.status_code == 422
        assert not AlertRule.objects.filter(name="Busy").exists()

    def test_what_is_wrong_is_said_beside_its_field(self) -> None:
        address = f"{self.address('alerts:create')}?kind=statuses"
        form = REQUESTS | {"statuses": "6xx", "emails": "nobody"}
        page = client_of(self.world.ada).post(address, form)
        assert page.context["form"].errors == {
            "statuses": ["Give statuses such as 429 or 5xx."], "emails": ["nobody is not an e-mail address."],
        }  # fmt: skip

    def test_the_form_shows_the_command(self) -> None:
        address = f"{self.address('alerts:create')}?kind=requests&_command=1"
        page = client_of(self.world.ada).post(address, REQUESTS)
        assert page.context["command"].path == "/api/v1/alerts/"
        assert page.context["command"].body["kind"] == "requests"

    def test_the_list_shows_what_fires(self) -> None:
        requests(self.world, 11, at=NOON)
        judge()
        page = client_of(self.world.ben).get(self.address("alerts:list")).content.decode()
        assert "Firing" in page
        assert "more than 10 requests in 5 minutes" in page
        history = client_of(self.world.ben).get(self.address("alerts:detail", self.rule.pk)).content.decode()
        assert "11 requests in 5 minutes." in history

    def test_an_alert_is_silenced_and_tells_again(self) -> None:
        client, address = client_of(self.world.ada), self.address("alerts:silence", self.rule.pk)
        client.post(address, {"minutes": "60"})
        page = client.get(self.address("alerts:detail", self.rule.pk)).content.decode()
        assert "Silenced" in page
        client.post(address, {"minutes": "0"})
        assert AlertRule.objects.get(pk=self.rule.pk).silenced_until is None


class WebhookPageTests(ObjectPageCases, PortalTestCase):
    list_page, detail_page = "alerts:webhooks", "alerts:webhook"
    create_page, edit_page = "alerts:webhook_create", "alerts:webhook_edit"
    actions = ("alerts:webhook_rotate", "alerts:webhook_test", "alerts:webhook_delete")
    form = {"name": "Chat", "url": "https://chat.example.com/hook?token=hidden"}

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.webhook = make_webhook(cls.world)
        cls.other = webhook_create(
            actor=cls.world.olaf, environment=cls.world.other_environment, name="Theirs", url="https://b.example.com/"
        ).webhook

    def get_target(self) -> AlertWebhook:
        return AlertWebhook.objects.get(pk=self.webhook.pk)

    def get_other_target(self) -> AlertWebhook:
        return self.other

    def test_owner_changes(self) -> None:
        client = client_of(self.world.ada)
        made = client.post(console_url(self.world.production, "alerts:webhook_create"), self.form)
        assert made.status_code == 200
        edited = client.post(
            console_url(self.world.production, "alerts:webhook_edit", self.webhook.pk), self.form | {"name": "Room"}
        )
        assert edited.status_code == 302, edited.context["form"].errors

    def test_the_secret_is_shown_once(self) -> None:
        client = client_of(self.world.ada)
        made = client.post(console_url(self.world.production, "alerts:webhook_create"), self.form)
        webhook = AlertWebhook.objects.get(name="Chat")
        assert webhook.secret in made.content.decode()
        assert made["Cache-Control"] == "no-store"
        page = client.get(console_url(self.world.production, "alerts:webhook", webhook.pk)).content.decode()
        assert webhook.secret not in page
        # Part of the address may be a secret, too.
        assert "token=hidden" not in page

    def test_a_new_secret_replaces_the_old_one(self) -> None:
        old = self.webhook.secret
        page = client_of(self.world.ada).post(
            console_url(self.world.production, "alerts:webhook_rotate", self.webhook.pk)
        )
        new = AlertWebhook.objects.get(pk=self.webhook.pk).secret
        assert new != old
        assert new in page.content.decode()

    def test_addresses_that_nothing_is_sent_to_are_refused(self) -> None:
        client = client_of(self.world.ada)
        for url in (
            "ftp://a.example.com",
            "http://localhost/x",
            "https://me:pw@a.example.com",
            "http://[",
            "http://2130706433/",
        ):
            with self.subTest(url=url):
                page = client.post(
                    console_url(self.world.production, "alerts:webhook_create"), {"name": "x", "url": url}
                )
                assert list(page.context["form"].errors) == ["url"]


class NoticePageTests(ObjectPageCases, PortalTestCase):
    list_page, detail_page = "alerts:notices", "alerts:notice"
    actions = ("alerts:notice_send_again",)

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.notice = webhook_test(actor=cls.world.ada, webhook=make_webhook(cls.world))
        theirs = webhook_create(
            actor=cls.world.olaf, environment=cls.world.other_environment, name="Theirs", url="https://b.example.com/"
        ).webhook
        cls.other = webhook_test(actor=cls.world.olaf, webhook=theirs)

    def get_target(self) -> AlertNotice:
        return AlertNotice.objects.get(pk=self.notice.pk)

    def get_other_target(self) -> AlertNotice:
        return self.other

    def test_each_attempt_is_shown(self) -> None:
        attempts = [{"at": NOON.isoformat(), "ms": 12, "status": 500, "error": "It answered with status 500."}]
        AlertNotice.objects.filter(pk=self.notice.pk).update(attempts=attempts, state="failed")
        page = client_of(self.world.ada).get(console_url(self.world.production, "alerts:notice", self.notice.pk))
        assert "It answered with status 500." in page.content.decode()
        assert "Send again" in page.content.decode()
