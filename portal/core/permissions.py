"""Who may see what, as a queryset method. Every list, page and endpoint starts from `visible_to(user, permission)`."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.utils.module_loading import import_string


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Where a user holds one permission: whole organizations, and single environments.

    `around` are the organizations of those environments: what belongs to a whole organization can be viewed, but not
    changed, from any of its environments.
    """

    organizations: frozenset[uuid.UUID] = frozenset()
    environments: frozenset[uuid.UUID] = frozenset()
    around: frozenset[uuid.UUID] = frozenset()

    def covers(self, organization: uuid.UUID, environment: uuid.UUID | None = None) -> bool:
        """Tell whether the permission holds for an object of this organization and environment."""
        return organization in self.organizations or (environment is not None and environment in self.environments)


@cache
def _resolver() -> Callable[[Any, str], Scope]:
    return import_string(settings.ROLE_RESOLVER)


def scope_of(user: Any, permission: str) -> Scope:
    """Return where `user` holds `permission` (a name like `api.view`). Anonymous users hold nothing."""
    return _resolver()(user, permission) if user.is_authenticated else Scope()


class ScopedQuerySet(models.QuerySet[Any]):
    """A queryset that knows where its rows belong.

    A model says so with `scope_organization` and `scope_environment`: lookups to an organization's and an
    environment's id (the latter "" for what belongs to the whole organization).
    """

    def visible_to(self, user: Any, permission: str) -> Self:
        """Return the rows on which `user` holds `permission`."""
        scope = scope_of(user, permission)
        model: Any = self.model
        allowed = models.Q(**{f"{model.scope_organization}__in": scope.organizations})
        if model.scope_environment:
            allowed |= models.Q(**{f"{model.scope_environment}__in": scope.environments})
        elif permission.endswith(".view"):
            allowed |= models.Q(**{f"{model.scope_organization}__in": scope.around})
        return self.filter(allowed)


def rows_here(rows: Any, user: Any, environment: Any, permission: str, lookup: str | None = None) -> Any:
    """Return the rows that the user holds `permission` on, inside an environment (None: wherever they hold it).

    `lookup` leads to the environment's id; None is the model's own, "" means its whole organization.
    """
    rows = rows.visible_to(user, permission)
    if environment is None:
        return rows
    if lookup is None:
        lookup = rows.model.scope_environment
    if lookup:
        return rows.filter(**{lookup: environment.pk})
    return rows.filter(**{rows.model.scope_organization: environment.organization_id})


ScopedManager = models.Manager.from_queryset(ScopedQuerySet)
