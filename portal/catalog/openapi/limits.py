"""How large a specification may be, and what is said when it is larger."""

from portal.catalog.openapi.faults import SpecificationRefused, refuse

MAX_BYTES = 5 * 1024 * 1024
MAX_DEPTH = 100
MAX_VALUES = 500_000
# Longer numbers are no numbers anybody meant, and reading them is slow.
LONGEST_NUMBER = 100


def too_deep(line: int | None) -> SpecificationRefused:
    return refuse(
        "nested_too_deep", f"It is nested deeper than {MAX_DEPTH} levels. Move parts to components.", line=line
    )


def too_many() -> SpecificationRefused:
    return refuse(
        "too_many_values",
        f"With its aliases written out it has more than {MAX_VALUES} values. Remove aliases or split the API.",
    )
