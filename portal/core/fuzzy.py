"""Finding text by letters in their order: a lookup for the database, and how close a text is for putting in order."""

from typing import Any

from django.db.models import CharField, TextField
from django.db.models.lookups import BuiltinLookup, IContains

MOST_LETTERS = 60
MOST_WORDS = 8


def words_of(text: str) -> list[str]:
    """Return the words that are looked for, in lower case; what is longer than any name is cut off."""
    # No name holds a NUL, and PostgreSQL takes none.
    return text[:MOST_LETTERS].replace("\x00", " ").lower().split()[:MOST_WORDS]


class Fuzzy(IContains):
    """`name__fuzzy="ords"`: the letters occur in this order, with anything between them, in any case."""

    def __init__(self, lhs: Any, rhs: Any) -> None:
        super().__init__(lhs, rhs)
        # In the database it is an `icontains` with more wildcards.
        self.lookup_name = "icontains"

    def process_rhs(self, compiler: Any, connection: Any) -> Any:
        """Put a wildcard around every letter."""
        sql, parameters = BuiltinLookup.process_rhs(self, compiler, connection)
        letters = "%".join(connection.ops.prep_for_like_query(letter) for letter in str(parameters[0]))
        return sql, [f"%{letters}%"]


# The name by which it is registered; an instance goes by that of the operator it uses.
for _field in (CharField, TextField):
    _field.register_lookup(Fuzzy, "fuzzy")


def closeness(text: str, words: list[str]) -> float | None:
    """Return how far a text is from the words, 0 for its very beginning; None where a word is not in it at all."""
    text = text.lower()
    total = 0.0
    for word in words:
        distance = _distance(text, word)
        if distance is None:
            return None
        total += distance
    return total


def _distance(text: str, word: str) -> float | None:
    if text.startswith(word):
        return 0.0 if text == word else 0.1
    if any(part.startswith(word) for part in text.replace("-", " ").replace("/", " ").replace("_", " ").split()):
        return 0.5
    if word in text:
        return 1.0
    span = _span(text, word)
    # Letters strewn over a long text are no match to anybody's eye.
    return None if span is None or span > 3 * len(word) + 2 else 1.0 + span / len(word)


def _span(text: str, word: str) -> int | None:
    """Return over how many letters of the text the word's are spread, from the best place to begin; None for not."""
    best: int | None = None
    start = text.find(word[0])
    while start >= 0:
        end = start
        for letter in word[1:]:
            end = text.find(letter, end + 1)
            if end < 0:
                return best
        best = end - start + 1 if best is None else min(best, end - start + 1)
        start = text.find(word[0], start + 1)
    return best
