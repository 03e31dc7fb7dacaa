"""Tags and filters of every template (built in; nothing needs `{% load %}`)."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django import template
from django.forms import BoundField, CheckboxInput, CheckboxSelectMultiple, FileInput, RadioSelect
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from portal.core import commands, panels, undo_offer
from portal.core.icons import icon_svg
from portal.core.links import console_url as console_address
from portal.core.pages import reason_not

register = template.Library()

# What a state means, for its colour: word → tone.
TONES = {
    "active": "good", "applied": "good", "approved": "good", "connected": "good", "published": "good",
    "healthy": "good", "in_sync": "good", "enabled": "good", "live": "good", "ok": "good",
    "pending": "waiting", "waiting": "waiting", "publishing": "waiting", "queued": "waiting", "building": "waiting",
    "draft": "waiting", "stopping": "waiting", "deprecated": "waiting", "out_of_sync": "waiting",
    "shadow": "waiting", "changed": "good", "created": "good", "refused": "bad",
    "rejected": "bad", "failed": "bad", "error": "bad", "disconnected": "bad", "revoked": "bad", "quarantined": "bad",
    "firing": "bad", "sent": "good",
    "valid": "good", "expiring": "waiting", "expiring_now": "bad", "expired": "bad",
    "production": "production", "sandbox": "sandbox",
}  # fmt: skip


@register.simple_tag(takes_context=True)
def console_url(context: Any, name: str, *args: Any, **kwargs: Any) -> str:
    """Return the address of a console page in the current organization and environment."""
    return console_address(context["request"], name, *args, **kwargs)


@register.simple_tag
def command_url(url: str, name: str = "", value: str = "") -> str:
    """Return where the command for a button that posts to an address is shown; "" where there is none."""
    if not commands.has_command(url):
        return ""
    return f"{url}?{urlencode({commands.PARAMETER: 1, **({name: value} if name else {})})}"


@register.inclusion_tag("components/why_not.html", takes_context=True)
def why_not(context: Any, permission: str, label: str, small: bool = False) -> dict[str, Any]:
    """Draw a button that cannot be used here with its reason; nothing for those who could never use it."""
    return {"reason": reason_not(context.get("request"), permission), "label": label, "small": small}


@register.simple_tag(takes_context=True)
def undo_url(context: Any, message: Any) -> str:
    """Return where the change that a toast tells of is taken back; "" where it cannot be."""
    tag, request = message.extra_tags or "", context.get("request")
    if not tag.startswith(undo_offer.TAG) or getattr(request, "environment", None) is None:
        return ""
    return console_address(request, "audit:undo", tag.removeprefix(undo_offer.TAG))


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """Draw an icon that screen readers skip."""
    return icon_svg(name, extra)


@register.simple_tag(takes_context=True)
def can(context: Any, permission: str) -> bool:
    """Tell whether the user holds a permission here: `{% can "gateway.change" as may_change %}`."""
    return permission in getattr(context.get("request"), "permissions", ())


@register.simple_tag(takes_context=True)
def form(context: Any, form: Any) -> SafeString:
    """Draw a form's error summary and all its fields."""
    return SafeString(render_to_string("components/form.html", {"form": form}, context.get("request")))


@register.simple_tag(takes_context=True)
def form_errors(context: Any, form: Any) -> SafeString:
    """Draw only the summary of a form's errors."""
    return SafeString(render_to_string("components/form_errors.html", {"form": form}, context.get("request")))


@register.simple_tag(takes_context=True)
def field(context: Any, field: BoundField) -> SafeString:
    """Draw one field with its label, help and errors."""
    widget = field.field.widget
    kind = "control"
    if isinstance(widget, (CheckboxSelectMultiple, RadioSelect)):
        kind = "group"
    elif isinstance(widget, CheckboxInput):
        kind = "switch"
    elif isinstance(widget, FileInput):
        kind = "file"
    # `needed`: a form asks for it where another field says so.
    optional = not field.field.required and not getattr(field.field, "needed", False) and kind in ("control", "file")
    values = {"field": field, "kind": kind, "optional": optional}
    return SafeString(render_to_string("components/field.html", values, context.get("request")))


@register.simple_tag(takes_context=True)
def panel_cards(context: Any, place: str, target: Any) -> SafeString:
    """Draw the cards that other apps registered for a place."""
    return mark_safe("".join(panels.rendered_panels(context["request"], place, target)))  # noqa: S308


@register.inclusion_tag("components/tabs.html", takes_context=True)
def tabs(context: Any, place: str, target: Any, active: str = "") -> dict[str, Any]:
    """Draw the tabs of a place; `active` is the name of the current one, "" the object's own page."""
    found = panels.tabs_of(context["request"], place, target) if target is not None else []
    return {"tabs": found, "active": active, "target": target}


@register.simple_tag
def status(value: Any, label: str = "") -> SafeString:
    """Draw a state as a dot and a word; never by colour alone."""
    word = str(value)
    text = label or str(getattr(value, "label", "")) or word.replace("_", " ").capitalize()
    return format_html('<span class="state state-{}">{}</span>', TONES.get(word.lower(), "plain"), text)


def _ago(moment: datetime, now: datetime) -> str:
    seconds = (now - moment).total_seconds()
    past = seconds >= 0
    span = abs(seconds)
    if span < 10:
        return "just now" if past else "in a moment"
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if span >= size:
            count = int(span // size)
            text = f"{count} {unit}{'' if count == 1 else 's'}"
            return f"{text} ago" if past else f"in {text}"
    return "just now"


@register.simple_tag
def time(moment: datetime | None, style: str = "relative") -> SafeString:
    """Draw a time with its zone. "relative" says how long ago and keeps counting; "full" says the whole."""
    if moment is None:
        return mark_safe('<span class="text-secondary">never</span>')
    local = timezone.localtime(moment)
    full = local.strftime("%-d %b %Y, %H:%M:%S %Z")
    now = timezone.now()
    relative = style == "relative" and abs(now - moment) < timedelta(days=30)
    text = _ago(moment, now) if relative else full
    kind = "relative" if relative else "full"
    return format_html('<time datetime="{}" title="{}" data-time="{}">{}</time>', local.isoformat(), full, kind, text)


@register.filter
def is_time(value: Any) -> bool:
    """Tell whether a table cell holds a time."""
    return isinstance(value, datetime)


@register.filter
def is_bool(value: Any) -> bool:
    """Tell whether a table cell holds yes or no."""
    return isinstance(value, bool)


@register.filter
def number(value: Any) -> str:
    """Write a number the one way we do: thousands apart by a thin space, at most two decimals."""
    if value is None or value == "":
        return "—"
    text = f"{value:,}" if isinstance(value, int) else f"{float(value):,.2f}".rstrip("0").rstrip(".")
    return text.replace(",", "\u202f")


@register.filter
def milliseconds(value: Any) -> str:
    """Write a duration given in milliseconds, in the unit that reads best."""
    if value is None or value == "":
        return "—"
    span = float(value)
    if span >= 60_000:
        return f"{span / 60_000:.1f}\u00a0min"
    if span >= 1000:
        return f"{span / 1000:.2f}\u00a0s"
    if 0 < span < 0.1:
        return f"{span * 1000:.0f}\u00a0µs"
    return f"{span:.0f}\u00a0ms" if span >= 10 else f"{span:.1f}\u00a0ms"


@register.filter
def byte_size(value: Any) -> str:
    """Write a number of bytes in the unit that reads best."""
    size = float(value or 0)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 1000 or unit == "TB":
            return f"{size:.0f}\u00a0{unit}" if unit == "B" or size >= 100 else f"{size:.1f}\u00a0{unit}"
        size /= 1000
    return ""


@register.simple_tag(takes_context=True)
def query(context: Any, **changes: Any) -> str:
    """Return the query string of this page with some parameters replaced; None takes one out."""
    values = context["request"].GET.copy()
    for name, value in changes.items():
        values.pop(name, None)
        if value not in (None, ""):
            values[name] = value
    return f"?{values.urlencode()}"
