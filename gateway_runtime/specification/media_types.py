"""Media types, and the ranges that stand for several of them."""


def bare(media_type: str) -> str:
    """Return a media type in lower case and without parameters."""
    return media_type.partition(";")[0].strip(" \t").lower()


def is_json(media_type: str) -> bool:
    """Tell whether what has this bare type is JSON."""
    return media_type.endswith("+json") or media_type in ("application/json", "text/json")


def fits(media_type: str, range_: str) -> bool:
    """Tell whether a bare type is in a bare range such as `text/*`."""
    return range_ in ("*/*", "*", media_type) or (range_.endswith("/*") and media_type.startswith(range_[:-1]))


def accepted(accept: str, offered: list[str]) -> int | None:
    """Return which of the bare types that are offered suits an `Accept` best, None where none does.

    Where several suit as well, it is the first of them.
    """
    if not accept.strip(" \t,"):
        return 0 if offered else None
    ranges = [_weighed(each) for each in accept.split(",") if each.strip(" \t")]
    best, chosen = 0.0, None
    for index, media_type in enumerate(offered):
        # The most specific range counts, whatever the others say.
        matching = [(_precision(range_), weight) for range_, weight in ranges if fits(media_type, range_)]
        weight = max(matching)[1] if matching else 0.0
        if weight > best:
            best, chosen = weight, index
    return chosen


def _precision(range_: str) -> int:
    return 0 if range_ in ("*/*", "*") else 1 if range_.endswith("/*") else 2


def _weighed(text: str) -> tuple[str, float]:
    range_, *parameters = text.split(";")
    weight = 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip(" \t").lower() == "q":
            digits = value.strip(" \t")
            plain = digits.replace(".", "", 1)
            weight = min(1.0, float(digits)) if plain.isascii() and plain.isdigit() and len(digits) < 8 else 0.0
    return range_.strip(" \t").lower(), weight
