"""What higher apps do when an environment's own settings change; registered in their `AppConfig.ready()`."""

from typing import Any, Protocol

from portal.organizations.models import Environment


class Reaction(Protocol):
    """Called inside the transaction of the change."""

    def __call__(self, *, environment: Environment, actor: Any) -> None: ...


_reactions: list[Reaction] = []


def on_environment_change(reaction: Reaction) -> None:
    """Add a reaction."""
    if reaction not in _reactions:
        _reactions.append(reaction)


def environment_changed(*, environment: Environment, actor: Any) -> None:
    """Call every reaction."""
    for reaction in _reactions:
        reaction(environment=environment, actor=actor)
