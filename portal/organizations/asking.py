"""Why somebody may not do something here, and whom they can ask.

A role that never includes a thing says nothing about it: what it is for is not shown. Somebody whose role includes it
in another environment of the organization is told that it does not here, and who can change that.
"""

from typing import Any

from portal.accounts.models import User
from portal.organizations.holding import held_by
from portal.organizations.models import Environment
from portal.organizations.selectors import people_with

NAMED = 3


def people_to_ask(environment: Environment) -> list[User]:
    """Return some of the people who give roles in an environment, by name."""
    people = people_with(environment=environment, permission="people.change")
    return list(people.order_by("name", "pk")[:NAMED])


def names_of(people: list[User]) -> str:
    """Return people's names as a sentence has them: “Ada, Ben or Cora”."""
    names = [str(person) for person in people]
    return " or ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


class Reasons:
    """The reasons for one person in one environment; what is asked twice is looked up once."""

    def __init__(self, user: Any, environment: Environment) -> None:
        self.user, self.environment = user, environment
        self._elsewhere: frozenset[str] | None = None
        self._ask = ""

    def of(self, permission: str) -> str:
        """Return why `permission` is not held here; "" where the person holds it nowhere in the organization."""
        if self._elsewhere is None:
            place = self.environment.organization_id
            held = [each.permissions for each in held_by(self.user) if each.organization == place]
            self._elsewhere = frozenset().union(*held)
            self._ask = names_of(people_to_ask(self.environment))
        if permission not in self._elsewhere:
            return ""
        asked = f" {self._ask} can give you one that does." if self._ask else ""
        return f"Your role in {self.environment.name} does not include this.{asked}"
