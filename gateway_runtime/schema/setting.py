"""What people are told about one setting: its title, its help, its limits."""

from typing import Any

import msgspec

from gateway_runtime.schema.faults import whole


def setting(
    title: str,
    help: str,
    *,
    secret: bool = False,
    placeholder: str = "",
    only_with: str = "",
    unit: str = "",
    switch: str = "",
    verbatim: bool = False,
    **limits: Any,
) -> msgspec.Meta:
    """Describe one setting: `Annotated[int, setting("Maximum requests", "How many …", ge=1)]`.

    `limits` are those of `msgspec.Meta` (ge, gt, le, lt, pattern, min_length, max_length). A secret is encrypted at
    rest, masked in every answer and kept when a form leaves it empty. `only_with` names a choice beside it without
    which it says nothing (`algorithm=fixed-window`): the form hides it then. What may be absent as a whole has a
    `switch` in the form, and this is its label; `unit` is said with the default. Choices that are `verbatim` are shown
    as they are written.
    """
    if "pattern" in limits:
        limits["pattern"] = whole(limits["pattern"])
    extra = {"secret": secret, "placeholder": placeholder, "only_with": only_with, "unit": unit, "switch": switch}
    extra["verbatim"] = verbatim
    return msgspec.Meta(title=title, description=help, extra=extra, **limits)
