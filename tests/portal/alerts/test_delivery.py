"""Sending notices: what a receiver gets, when it is tried again, and what is never sent to."""

import datetime
import hashlib
import hmac
import ipaddress
import json
import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.conf import settings as django_settings
from django.core import mail

from portal.alerts import delivery
from portal.alerts.delivery import CLAIM, PAUSES_SECONDS, notices_deliver, signature
from portal.alerts.models import AlertNotice, AlertWebhook, NoticeState
from portal.alerts.notices import notice_send_again, webhook_test
from portal.alerts.webhook_services import webhook_delete
from portal.core.errors import ApplicationError
from tests.portal.alerts.factories import NOON, after, judge, make_alert, make_webhook, requests
from tests.portal.base import World

pytestmark = pytest.mark.django_db
GUIDE = Path(django_settings.BASE_DIR) / "portal" / "docs" / "pages" / "guides" / "get-alerts.md"


class Receiver:
    """A web server that keeps what is posted to it."""

    def __init__(self) -> None:
        self.status = 204
        self.location = ""
        self.slow = 0.0
        self.got: list[tuple[dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
                time.sleep(outer.slow)
                self.send_response(outer.status)
                if outer.location:
                    self.send_header("Location", outer.location)
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/notices"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    found = Receiver()
    yield found
    found.close()


def fire(world: World, **settings: Any) -> AlertNotice:
    """Make an alert, let it fire, and return its one notice."""
    make_alert(world, **settings)
    requests(world, 11, at=NOON)
    judge()
    return AlertNotice.objects.get()


def fire_at(world: World, receiver: Receiver) -> AlertNotice:
    return fire(world, emails=[], webhooks=[make_webhook(world, url=receiver.url)])


def again(notice: AlertNotice) -> AlertNotice:
    return AlertNotice.objects.get(pk=notice.pk)


def test_a_webhook_gets_what_happened(world: World, receiver: Receiver) -> None:
    notice = fire_at(world, receiver)
    assert notices_deliver(now=NOON) == 1
    ((headers, body),) = receiver.got
    assert headers["content-type"] == "application/json"
    said = json.loads(body)
    assert said["id"] == headers["portico-notice"] == str(notice.pk)
    assert (said["event"], said["detail"]) == ("alert.fired", "11 requests in 5 minutes.")
    assert said["alert"]["name"] == "Too much"
    sent = again(notice)
    assert sent.state == NoticeState.SENT
    assert (sent.attempts[0]["status"], sent.attempts[0]["error"]) == (204, "")
    assert notices_deliver(now=after(60)) == 0


def test_the_documented_snippet_verifies_a_notice_and_nothing_else(world: World, receiver: Receiver) -> None:
    notice = fire_at(world, receiver)
    notices_deliver(now=NOON)
    ((headers, body),) = receiver.got
    (snippet,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(snippet, names)
    verify, secret = names["is_from_portico"], AlertWebhook.objects.get(pk=notice.webhook_id).secret
    given = headers["portico-signature"]
    assert verify(secret, given, body)
    assert not verify(secret, given, body + b" ")
    assert not verify("whsec_another", given, body)
    assert not verify(secret, "", body)
    assert not verify(secret, signature(secret, int(time.time()) - 3600, body), body)


def test_the_signature_covers_the_time(world: World) -> None:
    code = hmac.new(b"s", b"100.{}", hashlib.sha256).hexdigest()
    assert signature("s", 100, b"{}") == f"t=100,v1={code}"
    assert signature("s", 101, b"{}").split("v1=")[1] != code


def test_a_mail_has_text_and_html_and_one_line_of_subject(world: World) -> None:
    fire(world, name="Too <b>much</b>\u2028now")
    notices_deliver(now=NOON)
    (message,) = mail.outbox
    assert message.to == ["ops@example.test"]
    assert message.subject == "Too <b>much</b> now (warning)"
    assert "11 requests in 5 minutes." in message.body
    (html, kind) = message.alternatives[0]
    assert kind == "text/html"
    assert "Too &lt;b&gt;much" in html
    assert "<b>much" not in html


def test_a_refused_notice_is_tried_again_with_growing_pauses_and_then_failed(world: World, receiver: Receiver) -> None:
    notice, receiver.status = fire_at(world, receiver), 500
    now, pauses = NOON, []
    while again(notice).state == NoticeState.WAITING:
        assert notices_deliver(now=now) == 1
        due = again(notice).next_attempt_at
        pauses.append((due - now).total_seconds())
        assert notices_deliver(now=due - datetime.timedelta(seconds=1)) == 0 or again(notice).state != "waiting"
        now = due
    assert tuple(pauses[:-1]) == PAUSES_SECONDS
    failed = again(notice)
    assert (failed.state, len(failed.attempts)) == (NoticeState.FAILED, len(PAUSES_SECONDS) + 1)
    assert failed.attempts[-1]["error"] == "It answered with status 500."


def test_a_mail_that_cannot_be_sent_is_tried_again(world: World, settings: Any) -> None:
    notice = fire(world)
    with mock.patch("django.core.mail.EmailMultiAlternatives.send", side_effect=OSError("no route")):
        notices_deliver(now=NOON)
    assert again(notice).attempts[0]["error"] == "OSError: no route"
    assert notices_deliver(now=after(1)) == 1
    assert again(notice).state == NoticeState.SENT
    assert len(mail.outbox) == 1


def test_a_redirect_is_not_followed(world: World, receiver: Receiver) -> None:
    notice, receiver.status, receiver.location = fire_at(world, receiver), 302, receiver.url
    notices_deliver(now=NOON)
    assert len(receiver.got) == 1
    assert again(notice).attempts[0]["error"] == "Redirects are not followed."


def test_a_slow_receiver_is_given_up_and_others_are_served_meanwhile(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "WEBHOOK_SECONDS", 0.4)
    hooks = [make_webhook(world, name=f"Pager {number}", url=receiver.url) for number in range(3)]
    make_alert(world, emails=[], webhooks=hooks)
    requests(world, 11, at=NOON)
    judge()
    receiver.slow = 1.0
    start = time.monotonic()
    assert notices_deliver(now=NOON) == 3
    assert time.monotonic() - start < 1.0
    assert {notice.attempts[0]["status"] for notice in AlertNotice.objects.all()} == {0}


def test_a_private_address_is_not_sent_to(world: World, receiver: Receiver, settings: Any) -> None:
    notice = fire_at(world, receiver)
    settings.ALLOW_PRIVATE_WEBHOOKS = False
    notices_deliver(now=NOON)
    assert receiver.got == []
    assert again(notice).attempts[0]["error"] == "127.0.0.1 is on a private network, to which nothing is sent."


def test_a_name_that_turns_private_after_it_was_saved_is_not_sent_to(world: World) -> None:
    notice = fire(world, emails=[], webhooks=[make_webhook(world)])
    asked = []

    def resolve(host: str, port: int) -> list[Any]:
        asked.append(host)
        return [ipaddress.ip_address("10.0.0.7")]

    notices_deliver(now=NOON, resolve=resolve)
    assert asked == ["pager.example.com"]
    assert "private network" in again(notice).attempts[0]["error"]


def test_what_is_connected_to_is_the_address_that_was_checked(world: World, receiver: Receiver) -> None:
    hook = make_webhook(world, url=f"http://pager.example.com:{receiver.port}/notices")
    fire(world, emails=[], webhooks=[hook])
    answers = iter([[ipaddress.ip_address("127.0.0.1")]])
    notices_deliver(now=NOON, resolve=lambda host, port: next(answers))
    ((headers, _),) = receiver.got
    assert headers["host"] == f"pager.example.com:{receiver.port}"


def test_whoever_is_killed_while_sending_neither_loses_nor_doubles_it(world: World, receiver: Receiver) -> None:
    notice = fire_at(world, receiver)
    with mock.patch.object(delivery, "_posted", side_effect=SystemExit), pytest.raises(SystemExit):
        notices_deliver(now=NOON)
    # Others leave it alone while it may still be on its way.
    assert notices_deliver(now=NOON + CLAIM / 2) == 0
    assert notices_deliver(now=NOON + CLAIM) == 1
    assert len(receiver.got) == 1
    assert again(notice).state == NoticeState.SENT


def test_a_notice_is_sent_again_when_asked(world: World, receiver: Receiver) -> None:
    notice = fire_at(world, receiver)
    with pytest.raises(ApplicationError, match="being sent"):
        notice_send_again(actor=world.ada, notice=notice)
    notices_deliver(now=NOON)
    notice_send_again(actor=world.ada, notice=again(notice))
    notices_deliver()
    assert [headers["portico-notice"] for headers, _ in receiver.got] == [str(notice.pk)] * 2
    assert len(again(notice).attempts) == 2


def test_what_waits_for_a_deleted_webhook_is_not_sent(world: World, receiver: Receiver) -> None:
    notice = fire_at(world, receiver)
    webhook_delete(actor=world.ada, webhook=AlertWebhook.objects.get())
    assert notices_deliver(now=NOON) == 0
    with pytest.raises(ApplicationError, match="deleted"):
        notice_send_again(actor=world.ada, notice=again(notice))


def test_a_test_of_a_webhook_arrives(world: World, receiver: Receiver) -> None:
    webhook_test(actor=world.ada, webhook=make_webhook(world, url=receiver.url))
    notices_deliver()
    ((_, body),) = receiver.got
    assert json.loads(body)["event"] == "alert.test"
