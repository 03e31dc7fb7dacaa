"""Every page of the console and the hub that is read, with an address: for counting queries and measuring time."""

from django.urls import reverse

from portal.core.links import console_url
from tests.benchmarks.large_portal import LargePortal

# Console pages that need nothing but the environment.
PLAIN = (
    "console_home", "find", "gateways:list", "gateways:create", "apis:list", "apis:create", "apis:add_gateway",
    "automated_policies:list", "automated_policies:add", "catalog:list", "catalog:create", "catalog:import",
    "contracts:list", "analytics:dashboard", "traces:list", "traces:why", "organizations:people",
    "certificates:list", "certificates:create", "fleet:drift", "landscape:map", "transfers:import",
    "organizations:invite", "organizations:environments", "organizations:environment_create", "audit:list",
    "organizations:roles", "organizations:custom_role_create",
    "organizations:groups", "organizations:group_create",
    "organizations:teams", "organizations:team_create",
    "alerts:list", "alerts:create", "alerts:webhooks", "alerts:webhook_create", "alerts:notices",
)  # fmt: skip
# What `console_url` is given besides the name, by attribute of the portal.
WITH_OBJECT = {
    "gateways:detail": "gateway", "gateways:live": "gateway", "gateways:edit": "gateway",
    "gateways:listener_create": "gateway", "gateways:settings": "gateway", "gateways:listener_edit": "listener",
    "certificates:detail": "certificate", "certificates:edit": "certificate", "publishing:list": "gateway",
    "publishing:drift": "gateway", "publishing:staging": "gateway",
    "landscape:calls": "instance", "landscape:callers": "instance", "publishing:deployment": "gateway",
    "apis:detail": "instance", "apis:settings": "instance", "apis:deprecate": "instance", "apis:delete": "instance",
    "apis:route_create": "instance", "apis:service_create": "instance", "policies:list": "instance",
    "policies:add": "instance", "analytics:instance": "instance", "traces:instance": "instance",
    "traces:rehearsal": "instance",
    "traces:start": "instance", "contracts:tier_create": "instance",
    "apis:route_edit": "route", "apis:service_edit": "service",
    "automated_policies:detail": "automated", "automated_policies:edit": "automated",
    "catalog:detail": "api", "catalog:edit": "api", "catalog:version_create": "api", "apis:deprecate_version": "api",
    "catalog:version_edit": "api_version", "catalog:specification": "api_version",
    "catalog:specification_source": "api_version", "catalog:specification_edit": "api_version",
    "contracts:detail": "contract", "contracts:tier_edit": "tier", "organizations:role_change": "role",
    "organizations:custom_role_edit": "custom_role",
    "organizations:team": "team", "organizations:team_edit": "team", "organizations:team_member_add": "team",
    "organizations:team_role_add": "team",
    "alerts:detail": "alert", "alerts:edit": "alert", "alerts:webhook": "webhook", "alerts:webhook_edit": "webhook",
    "alerts:notice": "notice",
    "organizations:environment_edit": "environment", "audit:detail": "audit_event", "traces:detail": "trace",
}  # fmt: skip
# Pages whose address has more, or that only lead on; each with the reason why it is not walked.
NOT_WALKED = {
    "apis:add_api": "leads back to the first step until that is done",
    "apis:add_endpoint": "leads back to the first step until that is done",
    "apis:add_review": "leads back to the first step until that is done",
    "apis:bulk": "needs a selection",
    "transfers:export": "needs a selection",
    "transfers:promote": "needs a selection",
    "publishing:compare": "needs two revisions, which are made by publishing",
    "publishing:rollout": "needs a rollout, which is begun by publishing",
    "publishing:rollout_edit": "needs a rollout, which is begun by publishing",
    "publishing:stage": "needs a rollout, which is begun by publishing",
    "organizations:create": "belongs to operators, and lists nothing",
    "publishing:detail": "needs a revision, which is made by publishing",
}


def console_pages(portal: LargePortal) -> dict[str, str]:
    """Return the address of every page of the console by its name."""
    here = portal.environment
    pages = {name: console_url(here, name) for name in PLAIN}
    pages |= {name: console_url(here, name, getattr(portal, of).pk) for name, of in WITH_OBJECT.items()}
    pages["policies:edit"] = console_url(here, "policies:edit", portal.instance.pk, portal.binding.pk)
    pages["policies:apply"] = console_url(here, "policies:apply", portal.instance.pk, "cors")
    pages["automated_policies:apply"] = console_url(here, "automated_policies:apply", "cors")
    return pages


def hub_pages(portal: LargePortal) -> dict[str, str]:
    """Return the address of the pages of the developer hub by their names."""
    api = [portal.organization.slug, portal.api.slug]
    return {
        "hub:home": reverse("hub:home"),
        "hub:home?q": f"{reverse('hub:home')}?q=service+0000",
        "hub:api": reverse("hub:api", args=api),
        "hub:operations": reverse("hub:operations", args=[*api, portal.api_version.version]),
        "hub:access": reverse("hub:access", args=[*api, portal.instance.pk]),
        "hub:applications": reverse("hub:applications"),
        "hub:application": reverse("hub:application", args=[portal.application.pk]),
    }


def searched_pages(portal: LargePortal) -> dict[str, str]:
    """Return lists as people leave them: searched, sorted, filtered, and far back."""
    here = portal.environment
    return {
        "apis:list?q": f"{console_url(here, 'apis:list')}?q=service+0000",
        "apis:list?sort": f"{console_url(here, 'apis:list')}?sort=-policies_count",
        "apis:list?page": f"{console_url(here, 'apis:list')}?page=19",
        "catalog:list?q": f"{console_url(here, 'catalog:list')}?q=subject+77",
        "contracts:list?page": f"{console_url(here, 'contracts:list')}?page=190",
        "contracts:list?q": f"{console_url(here, 'contracts:list')}?q=application+0100",
        "contracts:list?status": f"{console_url(here, 'contracts:list')}?status=pending",
        "audit:list?page": f"{console_url(here, 'audit:list')}?page=300",
        "analytics:dashboard?24h": f"{console_url(here, 'analytics:dashboard')}?range=24h",
        "find?q": f"{console_url(here, 'find')}?q=service+0000",
    }
