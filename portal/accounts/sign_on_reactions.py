"""What higher apps do when a person has signed on with a provider; registered in their `AppConfig.ready()`."""

from typing import Protocol

from portal.accounts.models import User


class Reaction(Protocol):
    """Called before the session begins; `groups` are those that the provider tells of this time."""

    def __call__(self, *, user: User, issuer: str, groups: frozenset[str]) -> None: ...


_reactions: list[Reaction] = []


def on_sign_on(reaction: Reaction) -> None:
    """Add a reaction."""
    if reaction not in _reactions:
        _reactions.append(reaction)


def signed_on(*, user: User, issuer: str, groups: frozenset[str]) -> None:
    """Call every reaction."""
    for reaction in _reactions:
        reaction(user=user, issuer=issuer, groups=groups)
