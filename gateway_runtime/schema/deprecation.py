"""What the answers of an API say once it should not be used any more."""

from typing import Annotated

import msgspec

from gateway_runtime.schema.faults import whole
from gateway_runtime.schema.part import Part

# RFC 9651 section 3.3.7: dates are whole seconds; RFC 9110 dates have four digits for the year.
Moment = Annotated[int, msgspec.Meta(ge=0, lt=253_402_300_800)]
# What may stand between the angle brackets of a Link header.
Reference = Annotated[str, msgspec.Meta(pattern=whole(r"^([!#-;=?-Z\\_a-z~%\[\]]+)?$"), max_length=500)]


class Deprecation(Part, frozen=True):
    """Since when an API is deprecated, when it ends, and what comes after it. Times are seconds since the epoch."""

    since: Moment
    sunset: Moment | None = None
    successor: Reference = ""

    def __post_init__(self) -> None:
        if self.sunset is not None and self.sunset < self.since:
            raise ValueError("An API cannot end before it is deprecated")
