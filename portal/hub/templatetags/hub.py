"""How the hub's pages write limits, Markdown and addresses."""

from typing import Any

from django import template
from django.utils.safestring import SafeString

from portal.contracts.limits import limit_in_words
from portal.core.markdown import markdown_html

register = template.Library()


@register.filter
def markdown(text: Any, level: int = 3) -> SafeString:
    """Render a description, cleaned; its highest headings get `level`."""
    return markdown_html(str(text or ""), top_heading=level, fit=True)


@register.filter
def limit(value: Any) -> str:
    """Write a limit of a tier in words."""
    return limit_in_words(value)
