"""Fills an empty installation with the demo company, through the same services that people use.

Running it again only follows what has moved: the ports of the company's services and of the gateway. What somebody
has changed or removed meanwhile stays as it is.
"""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction

from portal.accounts.models import User
from portal.accounts.services import user_create
from portal.apis.models import ApiInstance
from portal.apis.selectors import instance_implementation_url
from portal.apis.services import instance_deploy, instance_update
from portal.catalog.models import Visibility
from portal.catalog.services import api_create, api_import
from portal.contracts.models import Approval
from portal.contracts.services.applications import application_create
from portal.contracts.services.contracts import contract_request
from portal.contracts.services.tiers import tier_create
from portal.demo import company
from portal.gateways.listener_services import listener_delete
from portal.gateways.models import Gateway
from portal.gateways.services import gateway_create
from portal.organizations.models import Environment, EnvironmentKind, Organization, Role
from portal.organizations.services import environment_create, organization_create, role_grant

MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SeededCompany:
    """What the launcher tells about the company."""

    owner_email: str
    owner_created: bool


@transaction.atomic
def demo_company_seed(*, email: str, password: str, home: Path, demo_password: str = "") -> SeededCompany:
    """Make the demo company with its first owner, or bring the addresses of an existing one up to date."""
    urls = company.service_urls(home)
    organization = Organization.objects.filter(slug=company.ORGANIZATION_SLUG).first()
    if organization is not None:
        demo_addresses_follow(organization=organization, urls=urls)
        return SeededCompany(owner_email=_first_owner(organization, email), owner_created=False)

    owner = User.objects.filter(email=email.strip().lower()).first()
    created = owner is None
    if owner is None:
        owner = user_create(
            email=email, name=_name_from(email), password=password, email_confirmed=True, is_operator=True
        )
    organization = organization_create(
        actor=owner, name=company.ORGANIZATION, slug=company.ORGANIZATION_SLUG, environments=()
    )
    # The company's services run beside the gateway, on loopback.
    production = environment_create(
        actor=owner,
        organization=organization,
        name="Production",
        kind=EnvironmentKind.PRODUCTION,
        allow_private_targets=True,
    )
    environment_create(actor=owner, organization=organization, name="Sandbox", allow_private_targets=True)
    _people(owner, organization, demo_password)
    gateway = gateway_create(actor=owner, environment=production, name=company.GATEWAY)
    instances = _apis(owner, production, gateway, urls)
    _partner(owner, instances, demo_password)
    return SeededCompany(owner_email=owner.email, owner_created=created)


def _name_from(email: str) -> str:
    return email.partition("@")[0].replace(".", " ").replace("-", " ").title()


def _first_owner(organization: Organization, email: str) -> str:
    owners = organization.role_bindings.filter(role=Role.OWNER).order_by("created_at").select_related("user")
    addresses = [binding.user.email for binding in owners]
    return email.strip().lower() if email.strip().lower() in addresses or not addresses else addresses[0]


def _person(owner: User, email: str, name: str, demo_password: str) -> User:
    known = User.objects.filter(email=email).first()
    return known or user_create(
        actor=owner, email=email, name=name, password=demo_password or None, email_confirmed=True
    )


def _people(owner: User, organization: Organization, demo_password: str) -> None:
    for address, name, role in (
        ("ada@harbourgoods.example", "Ada Lindqvist", Role.EDITOR),
        ("ben@harbourgoods.example", "Ben Okafor", Role.VIEWER),
    ):
        person = _person(owner, address, name, demo_password)
        if person != owner:
            role_grant(actor=owner, user=person, organization=organization, role=role)


def _apis(owner: User, environment: Environment, gateway: Gateway, urls: dict[str, str]) -> dict[str, ApiInstance]:
    instances = {}
    for api in company.APIS:
        version = api_import(
            actor=owner,
            organization=environment.organization,
            source=(company.SPECIFICATIONS / f"{api.service}.yaml").read_bytes(),
            layer=api.layer,
            visibility=api.visibility,
        )
        instance = instance_deploy(
            actor=owner,
            environment=environment,
            gateway=gateway,
            api=version,
            port=settings.GATEWAY_PORT,
            base_path=api.base_path,
            implementation_url=urls[api.service],
        )
        if api.visibility == Visibility.PUBLIC:
            _tiers(owner, instance)
        instances[api.service] = instance
    return instances


def _tiers(owner: User, instance: ApiInstance) -> None:
    for name, description, requests, approval in (
        ("Free", "For trying things out.", 60, Approval.AUTOMATIC),
        ("Gold", "For partners; we look at each request.", 6000, Approval.MANUAL),
    ):
        tier_create(
            actor=owner,
            instance=instance,
            name=name,
            description=description,
            limits=[{"maximumRequests": requests, "timePeriodInMilliseconds": MINUTE_MS}],
            approval=approval,
        )


def _partner(owner: User, instances: dict[str, ApiInstance], demo_password: str) -> None:
    """A second organization, whose developer waits for access to the first one's catalog."""
    organization = organization_create(
        actor=owner,
        name=company.PARTNER,
        slug=company.PARTNER_SLUG,
        environments=[("Production", EnvironmentKind.PRODUCTION)],
    )
    api_create(
        actor=owner,
        organization=organization,
        name="Sailings",
        summary="Departures, arrivals and free places on our ferries.",
        visibility=Visibility.PUBLIC,
    )
    cora = _person(owner, "cora@northwindferries.example", "Cora Silva", demo_password)
    if cora != owner:
        role_grant(actor=owner, user=cora, organization=organization, role=Role.EDITOR)
    kiosk = application_create(
        actor=cora, name="On-board kiosk", description="Sells Harbour Goods in the ferries' lounges."
    ).application
    catalog = instances["catalog"]
    contract_request(actor=cora, application=kiosk, instance=catalog, tier=catalog.tiers.get(name="Gold"))


def demo_addresses_follow(*, organization: Organization, urls: dict[str, str]) -> None:
    """Point the demo's instances to where their services and the demo listener are in this run."""
    gateway = (
        Gateway.objects.filter(environment__organization=organization, slug=company.GATEWAY_SLUG)
        .order_by("created_at")
        .first()
    )
    if gateway is None:
        return
    _listener_follow(gateway)
    for instance in gateway.api_instances.select_related("api_version__api"):
        url = urls.get(instance.api_version.api.slug)
        now = instance_implementation_url(instance)
        # Only a service of ours moves; whoever has pointed an instance elsewhere meant it.
        if url is not None and now != url and urlsplit(now).hostname == "127.0.0.1":
            instance_update(actor=None, instance=instance, implementation_url=url)


def _listener_follow(gateway: Gateway) -> None:
    """Move everything on the demo listener, the gateway's first, to the port of this run."""
    listener = gateway.listeners.order_by("created_at").first()
    if listener is None or gateway.listeners.filter(port=settings.GATEWAY_PORT).exists():
        return
    for instance in list(listener.api_instances.all()):
        instance_update(actor=None, instance=instance, port=settings.GATEWAY_PORT)
    if not listener.api_instances.exists():
        listener_delete(actor=None, listener=listener)
