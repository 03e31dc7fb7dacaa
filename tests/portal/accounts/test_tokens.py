"""What an API token looks like."""

import re

from hypothesis import given
from hypothesis import strategies as st

from portal.accounts.tokens import ALPHABET, LENGTH, digest_of, hint_of, is_well_formed, new_token


def test_token_has_prefix_secret_and_checksum() -> None:
    assert re.fullmatch(r"portico_pat_[0-9A-Za-z]{49}", new_token())
    assert len(new_token()) == LENGTH


def test_tokens_differ() -> None:
    assert len({new_token() for _ in range(100)}) == 100


def test_new_token_is_well_formed() -> None:
    assert all(is_well_formed(new_token()) for _ in range(100))


@given(position=st.integers(12, LENGTH - 1), character=st.sampled_from(ALPHABET))
def test_one_wrong_character_is_noticed(position: int, character: str) -> None:
    token = new_token()
    changed = token[:position] + character + token[position + 1 :]
    assert is_well_formed(changed) is (changed == token)


@given(st.text(max_size=80))
def test_any_other_text_is_refused(text: str) -> None:
    assert not is_well_formed(text)


def test_neighbours_of_a_token_are_refused() -> None:
    token = new_token()
    for text in (
        "",
        token[:-1],
        token + " ",
        token + "\0",
        token.upper(),
        "é" + token[1:],
        token.replace("_pat_", "-"),
    ):
        assert not is_well_formed(text)


def test_hint_tells_only_four_characters() -> None:
    token = new_token()
    assert hint_of(token) == token[:16]
    assert digest_of(token) != digest_of(new_token())
