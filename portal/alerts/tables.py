"""Tables of alerts, webhooks and notices."""

from portal.alerts.models import AlertNotice, NoticeState
from portal.alerts.selectors import rule_state
from portal.alerts.wording import condition_in_words
from portal.core.tables import Column, Table


class AlertTable(Table):
    """One alert a row."""

    caption = "Alerts of this environment"
    columns = (
        Column("name", "Alert", link=True, sort="name"),
        Column("state", "State", template="alerts/cells/state.html", render=rule_state, text=rule_state),
        Column("severity", "Severity", render=lambda rule: rule.get_severity_display(), sort="severity"),
        Column("condition", "When", render=condition_in_words),
        Column("last_met", "Last fired", sort="last_met"),
        Column("kind", "Kind", render=lambda rule: rule.get_kind_display(), extra=True),
    )


class WebhookTable(Table):
    """One webhook a row."""

    caption = "Webhooks of this environment"
    columns = (
        Column("name", "Webhook", url_name="alerts:webhook", sort="name"),
        Column("url", "Address", render=lambda webhook: webhook.url.partition("?")[0]),
        Column("used_by", "Alerts", numeric=True),
    )


def _status(notice: AlertNotice) -> str:
    last = notice.attempts[-1] if notice.attempts else {}
    return last.get("error") or (str(last["status"]) if last.get("status") else "")


def _state(notice: AlertNotice) -> str:
    return NoticeState(notice.state).label


class NoticeTable(Table):
    """One notice a row."""

    caption = "Notices, newest first"
    columns = (
        Column("title", "Notice", link=True),
        Column("created_at", "When", sort="created_at"),
        Column("receiver", "To", sort="receiver"),
        Column("state", "State", template="alerts/cells/notice_state.html", sort="state", text=_state),
        Column("attempts", "Attempts", render=lambda notice: len(notice.attempts), numeric=True),
        Column("answer", "Answer", render=_status),
        Column("ms", "Duration (ms)", render=lambda notice: notice.attempts[-1]["ms"] if notice.attempts else None,
               numeric=True, extra=True),
    )  # fmt: skip
