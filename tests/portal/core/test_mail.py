"""Mail goes by a job, and without a broker at once."""

import pytest
from django.core import mail

from portal.core.mail import mail_send
from portal.core.tasks import send_mail


def told(*recipients: str) -> None:
    mail_send(
        template="contracts/email/decided", subject="Hello\nBcc: evil@example.test", recipients=recipients,
        context={"outcome": "approved", "address": "https://portal.example.test/"},
    )  # fmt: skip


def test_each_address_gets_a_mail_of_its_own() -> None:
    told("a@example.test", "b@example.test")
    assert [each.to for each in mail.outbox] == [["a@example.test"], ["b@example.test"]]
    assert {each.subject for each in mail.outbox} == {"Hello Bcc: evil@example.test"}


def test_without_a_broker_it_is_sent_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send_mail, "apply_async", lambda **options: 1 / 0)
    told("a@example.test")
    assert len(mail.outbox) == 1


def test_a_job_is_logged_without_what_the_mail_says(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: dict[str, object] = {}
    monkeypatch.setattr(send_mail, "apply_async", lambda **options: sent.update(options))
    told("a@example.test")
    assert sent["argsrepr"] == "(a mail)"
