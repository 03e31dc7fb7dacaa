"""The people and things of the portal's tests.

Ada owns an organization, Erik edits in it, Ben views it, Cora is a developer without any role, and Olaf owns another
organization. `make_world()` makes them all; the `make_*` factories make one more of a kind.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from django.test import Client, TestCase

from gateway_runtime.schema.envelope import new_keys
from portal.accounts.models import User
from portal.apis.models import ApiInstance, Destination, Route, Service
from portal.catalog.models import Api, ApiVersion
from portal.gateways.models import Gateway, Listener
from portal.organizations.models import Environment, EnvironmentKind, Organization, Role, RoleBinding

PASSWORD = "a quiet harbour in june"


def make_user(name: str, *, email: str = "", password: str | None = PASSWORD, **fields: Any) -> User:
    """Make a person; `cora@example.test` when the name is Cora."""
    return User.objects.create_user(email or f"{name.split()[0].lower()}@example.test", password, name=name, **fields)


def make_organization(name: str = "Acme", *, slug: str = "", owner: User | None = None) -> Organization:
    """Make an organization without environments."""
    organization = Organization.objects.create(name=name, slug=slug or name.lower().replace(" ", "-"))
    if owner is not None:
        make_role(owner, organization, Role.OWNER)
    return organization


def make_environment(organization: Organization, name: str = "Production", *, slug: str = "") -> Environment:
    """Make an environment; one named Production is careful."""
    kind = EnvironmentKind.PRODUCTION if name == "Production" else EnvironmentKind.SANDBOX
    return Environment.objects.create(
        organization=organization, name=name, slug=slug or name.lower().replace(" ", "-"), kind=kind
    )


def make_role(user: User, where: Organization | Environment, role: Role) -> RoleBinding:
    """Give a person a role in a whole organization or in one environment."""
    if isinstance(where, Environment):
        return RoleBinding.objects.create(user=user, organization=where.organization, environment=where, role=role)
    return RoleBinding.objects.create(user=user, organization=where, role=role)


def make_gateway(environment: Environment, name: str = "Edge", *, slug: str = "", port: int = 8080) -> Gateway:
    """Make a gateway with its keys and one listener."""
    signing_key, keys = new_keys()
    gateway = Gateway.objects.create(
        environment=environment,
        name=name,
        slug=slug or name.lower().replace(" ", "-"),
        signing_key=signing_key,
        verify_key=keys.verify,
        encrypt_key=keys.encrypt,
    )
    Listener.objects.create(gateway=gateway, name="public", port=port)
    return gateway


def make_api(organization: Organization, name: str = "Orders", *, slug: str = "", **fields: Any) -> Api:
    """Make a catalog API with its version v1."""
    api = Api.objects.create(
        organization=organization, name=name, slug=slug or name.lower().replace(" ", "-"), **fields
    )
    ApiVersion.objects.create(api=api, version="v1")
    return api


def make_instance(
    gateway: Gateway,
    api_version: ApiVersion,
    *,
    base_path: str = "/orders",
    url: str = "http://orders.example.test:9001",
    **fields: Any,
) -> ApiInstance:
    """Make an API instance on the gateway's first listener, with one service and one route to it."""
    instance = ApiInstance.objects.create(
        environment=gateway.environment,
        api_version=api_version,
        gateway=gateway,
        listener=gateway.listeners.get(port=min(gateway.listeners.values_list("port", flat=True))),
        base_path=base_path,
        **fields,
    )
    service = Service.objects.create(instance=instance, url=url)
    route = Route.objects.create(instance=instance)
    Destination.objects.create(route=route, service=service)
    return instance


@dataclass(slots=True, kw_only=True)
class World:
    """Two organizations and their people. Everything under `other_…` belongs to Olaf's."""

    ada: User
    ben: User
    erik: User
    cora: User
    olaf: User
    organization: Organization
    production: Environment
    sandbox: Environment
    gateway: Gateway
    listener: Listener
    api: Api
    api_version: ApiVersion
    instance: ApiInstance
    other_organization: Organization
    other_environment: Environment
    other_gateway: Gateway
    other_api: Api
    other_instance: ApiInstance


def make_world() -> World:
    """Make the people and things that most tests need."""
    ada, ben, erik = make_user("Ada Owner"), make_user("Ben Viewer"), make_user("Erik Editor")
    cora, olaf = make_user("Cora Developer"), make_user("Olaf Other")

    organization = make_organization("Acme", owner=ada)
    make_role(ben, organization, Role.VIEWER)
    make_role(erik, organization, Role.EDITOR)
    production, sandbox = make_environment(organization), make_environment(organization, "Sandbox")
    gateway = make_gateway(production)
    api = make_api(organization)
    api_version = api.versions.get()

    other_organization = make_organization("Other", owner=olaf)
    other_environment = make_environment(other_organization)
    other_gateway = make_gateway(other_environment)
    other_api = make_api(other_organization, "Invoices")
    return World(
        ada=ada,
        ben=ben,
        erik=erik,
        cora=cora,
        olaf=olaf,
        organization=organization,
        production=production,
        sandbox=sandbox,
        gateway=gateway,
        listener=gateway.listeners.get(),
        api=api,
        api_version=api_version,
        instance=make_instance(gateway, api_version),
        other_organization=other_organization,
        other_environment=other_environment,
        other_gateway=other_gateway,
        other_api=other_api,
        other_instance=make_instance(other_gateway, other_api.versions.get(), base_path="/invoices"),
    )


def client_of(user: User | None) -> Client:
    """Return a browser in which `user` is signed in, or an anonymous one."""
    client = Client()
    if user is not None:
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


class PortalTestCase(TestCase):
    """A test case with the world: `self.world.ada`, `self.client_of(self.world.ada)`."""

    world: ClassVar[World]
    client_of = staticmethod(client_of)

    @classmethod
    def setUpTestData(cls) -> None:
        """Make the world once for the class."""
        cls.world = make_world()
