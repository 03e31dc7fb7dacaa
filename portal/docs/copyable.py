"""Copy buttons on the code blocks of a page."""

import re

from django.utils.safestring import SafeString, mark_safe

from portal.core.icons import icon_svg

_BLOCK = re.compile(r"<pre tabindex=\"0\"><code([^>]*)>(.*?)</code></pre>", re.DOTALL)


def with_copy_buttons(html: SafeString) -> SafeString:
    """Return a rendered page in which every block of code can be copied with a click."""
    button = (
        '<button class="btn btn-icon btn-quiet" type="button" data-copy aria-label="Copy">'
        f"{icon_svg('copy', 'copy-idle')}{icon_svg('check', 'copy-done')}</button>"
    )
    block = rf'<div class="code-block"><pre tabindex="0"><code\1 data-copy-source>\2</code></pre>{button}</div>'
    # Only tags around cleaned HTML.
    return mark_safe(_BLOCK.sub(block, html))  # noqa: S308
