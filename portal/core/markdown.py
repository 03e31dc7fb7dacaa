"""Markdown that people wrote, as HTML that is safe to show."""

import nh3
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify
from markdown_it import MarkdownIt

TAGS = {
    "a", "blockquote", "br", "code", "dd", "del", "dl", "dt", "em", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p",
    "pre", "s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
ATTRIBUTES = {"a": {"href", "title"}, "th": {"scope"}, "ol": {"start"}, "code": {"class"}}
OWN_ATTRIBUTES = ATTRIBUTES | {f"h{level}": {"id"} for level in range(2, 7)} | {"img": {"src", "alt"}}
SCHEMES = {"http", "https", "mailto"}

_parser = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"])


def markdown_html(text: str, *, top_heading: int = 2, fit: bool = False, own: bool = False) -> SafeString:
    """Render Markdown and clean it: no raw HTML, no pictures, no script, links only to http, https and mail.

    Its headings begin at `top_heading`, so that they fit below the heading of the page; with `fit` that is where its
    highest ones end up, whatever level the author began with. With `own` the text is ours: headings get ids to link
    to, which could hide one of the page's if somebody else chose them, and pictures are shown.
    """
    tokens = _parser.parse(text)
    levels = [int(token.tag[1]) for token in tokens if token.type == "heading_open"]
    down = top_heading - (min(levels, default=1) if fit else 1)
    for token, following in zip(tokens, [*tokens, None][1:], strict=True):
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + down)}"
        if own and token.type == "heading_open" and following is not None:
            token.attrSet("id", slugify(following.content))
    rendered = _parser.renderer.render(tokens, _parser.options, {})
    cleaned = nh3.clean(
        rendered,
        tags=TAGS | {"img"} if own else TAGS,
        attributes=OWN_ATTRIBUTES if own else ATTRIBUTES,
        url_schemes=SCHEMES,
        link_rel="noopener noreferrer nofollow",
    )
    # What can be wider than a phone scrolls by itself, so it must be reachable by keyboard.
    for plain, reachable in (
        ("<pre>", '<pre tabindex="0">'),
        ("<table>", '<div class="table-scroll" tabindex="0"><table>'),
        ("</table>", "</table></div>"),
    ):
        cleaned = cleaned.replace(plain, reachable)
    return mark_safe(cleaned)  # noqa: S308 - cleaned above; only our own attributes were added
