"""The built-in roles: what each may do, and how it is explained."""

from portal.core.permission_areas import ALL, SEEING, completed
from portal.organizations.models import Role, RoleBinding, TeamRole

CHANGE = frozenset({
    "api.change", "api.deprecate", "instance.change", "policy.change", "contract.approve", "tier.change",
    "gateway.publish", "traffic.trace", "alert.change",
})  # fmt: skip
SEES_INSTANCES = frozenset({"instance.view", "revision.view"})

PERMISSIONS: dict[str, frozenset[str]] = {
    Role.OWNER: ALL,
    Role.EDITOR: SEEING | CHANGE,
    Role.VIEWER: SEEING,
    Role.ENVIRONMENT_ADMINISTRATOR: SEEING | CHANGE | {"environment.change", "gateway.change"},
    Role.API_CREATOR: completed(SEES_INSTANCES | {"instance.change", "api.change"}),
    Role.API_MANAGER: completed(SEES_INSTANCES | {"instance.change"}),
    Role.API_VIEWER: completed(SEES_INSTANCES),
    Role.DEPLOYER: completed(SEES_INSTANCES | {"gateway.publish"}),
    Role.POLICY_MANAGER: completed({"policy.change"}),
    Role.POLICY_VIEWER: completed({"policy.view"}),
    Role.CONTRACT_MANAGER: completed({"instance.view", "contract.approve", "tier.change"}),
    Role.CONTRACT_VIEWER: completed({"instance.view", "contract.view"}),
    Role.ALERT_MANAGER: completed({"instance.view", "traffic.view", "alert.change"}),
    Role.ALERT_VIEWER: completed({"instance.view", "traffic.view", "alert.view"}),
    Role.CATALOG_ADMINISTRATOR: completed({"api.change", "api.deprecate"}),
    Role.CATALOG_CONTRIBUTOR: completed({"api.change"}),
    Role.CATALOG_VIEWER: completed({"api.view"}),
}

EXPLAINED: dict[str, str] = {
    Role.OWNER: "Everything, and who may do what.",
    Role.EDITOR: "APIs, policies, contracts, alerts and publishing.",
    Role.VIEWER: "Sees everything and changes nothing.",
    Role.ENVIRONMENT_ADMINISTRATOR: "Everything of an environment with its gateways, but not people.",
    Role.API_CREATOR: "Adds APIs to the catalog and manages them on gateways.",
    Role.API_MANAGER: "Changes the configuration of APIs: addresses, routes, services.",
    Role.API_VIEWER: "Sees the configuration of APIs.",
    Role.DEPLOYER: "Publishes, stages and restores what others have changed.",
    Role.POLICY_MANAGER: "Applies, changes and removes policies.",
    Role.POLICY_VIEWER: "Sees policies and their settings.",
    Role.CONTRACT_MANAGER: "Decides on contracts and changes SLA tiers.",
    Role.CONTRACT_VIEWER: "Sees client applications, contracts and SLA tiers.",
    Role.ALERT_MANAGER: "Sets alerts and who is told.",
    Role.ALERT_VIEWER: "Sees alerts and what set them off.",
    Role.CATALOG_ADMINISTRATOR: "Changes the catalog and deprecates versions.",
    Role.CATALOG_CONTRIBUTOR: "Adds APIs to the catalog and changes them.",
    Role.CATALOG_VIEWER: "Sees the catalog.",
}


def permissions_named(role: str, granted: str | None) -> frozenset[str]:
    """Return what a built-in role lets people do, or a custom one by what it grants."""
    return PERMISSIONS[role] if granted is None else frozenset(granted.split())


def permissions_of(binding: RoleBinding | TeamRole) -> frozenset[str]:
    """Return what a binding lets its person, or a team's role its members do."""
    return permissions_named(binding.role, binding.custom_role.granted if binding.custom_role is not None else None)
