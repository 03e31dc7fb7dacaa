"""Reading applications, contracts and tiers, and who may ask for what."""

from typing import Any

from django.db.models import Q, QuerySet

from portal.accounts.models import User
from portal.apis.models import ApiInstance, InstanceStatus
from portal.catalog.models import Visibility
from portal.contracts.models import ClientApplication, Contract, SlaTier
from portal.core.permissions import scope_of
from portal.gateways.models import Gateway
from portal.organizations.models import Environment
from portal.organizations.selectors import people_with


def applications_of(user: Any) -> QuerySet[ClientApplication]:
    """Return the applications that belong to `user`; nobody else's, whatever their role."""
    return ClientApplication.objects.owned_by(user)


def api_offered(user: Any, lookup: str = "") -> Q:
    """Return the condition for the APIs that `user` (or a stranger) may find: public ones, and those of an own
    organization where they hold `api.view`. `lookup` leads from the filtered model to the API (`api_version__api__`).
    """
    scope = scope_of(user, "api.view")
    return Q(**{f"{lookup}visibility": Visibility.PUBLIC}) | Q(
        **{f"{lookup}organization__in": scope.organizations | scope.around}
    )


def instances_offered_to(user: Any) -> QuerySet[ApiInstance]:
    """Return the running instances that `user` may find and ask access to."""
    return ApiInstance.objects.filter(api_offered(user, "api_version__api__"), status=InstanceStatus.ACTIVE)


def contracts_of(user: Any) -> QuerySet[Contract]:
    """Return the contracts of the applications of `user`."""
    return Contract.objects.filter(application__in=applications_of(user))


def contracts_readable_by(user: Any) -> QuerySet[Contract]:
    """Return the contracts `user` may read: as provider by role, and as owner of the application."""
    provided = Contract.objects.visible_to(user, "contract.view")
    return Contract.objects.filter(Q(pk__in=provided.values("pk")) | Q(pk__in=contracts_of(user).values("pk")))


def tiers_readable_by(user: Any) -> QuerySet[SlaTier]:
    """Return the tiers `user` may read: as provider by role, and those of every instance offered to them."""
    provided = SlaTier.objects.visible_to(user, "contract.view")
    return SlaTier.objects.filter(
        Q(pk__in=provided.values("pk")) | Q(instance__in=instances_offered_to(user).values("pk"))
    )


def gateways_serving(application: ClientApplication) -> list[Gateway]:
    """Return the gateways that let this application call something."""
    return list(Gateway.objects.filter(api_instances__contracts__application=application).distinct())


def approvers_of(environment: Environment) -> QuerySet[User]:
    """Return the people who decide on contracts in an environment."""
    return people_with(environment=environment, permission="contract.approve")
