"""Every address of the portal, found by walking the URL map, refuses strangers, unless it is named here as public."""

from collections.abc import Iterator
from typing import Any

from django.test import Client
from django.urls import URLPattern, URLResolver, converters, get_resolver, reverse

from tests.portal.base import PortalTestCase, World, client_of

PUBLIC = {
    # Leads strangers to the developer hub.
    "home",
    # Probes for load balancers tell only whether the process works.
    "livez",
    "readyz",
    "favicon.ico",
    # The doors themselves.
    "accounts:sign_in",
    "accounts:sign_out",
    "accounts:sign_up",
    "accounts:choose_password",
    "accounts:forgotten_password",
    "accounts:password_reset",
    "accounts:sign_on",
    "accounts:sign_on_callback",
    # The description of the interface holds nothing of anybody.
    "openapi",
    # Whoever asks there shows a one-time token, and is refused without one.
    "gateway-registrations",
    # The developer hub is read by everybody; each page shows public APIs only.
    "hub:home",
    "hub:api",
    "hub:reference",
    "hub:operations",
    "hub:openapi",
    "hub:try_it",
    # The product's documentation.
    "docs:index",
    "docs:page",
    "docs:picture",
}


def routes(patterns: list[Any], prefix: str = "", namespace: str = "") -> Iterator[tuple[str, str]]:
    """Yield (full name, route) of every address."""
    for entry in patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from routes(entry.url_patterns, route, inner)
        else:
            assert isinstance(entry, URLPattern)
            yield namespace + (entry.name or route), route


def example(name: str, world: World) -> Any:
    """Return a value for a part of an address: what exists where it names a place."""
    places = {"organization": world.organization.slug, "environment": world.production.slug}
    return places.get(name, "x")


def concrete(route: str, world: World) -> str:
    """Return an address that matches the route (of `path` or of a router's regular expression)."""
    if "(?P<" in route:
        # Routers write `(?P<pk>[^/.]+)/$`.
        parts = route.replace("^", "").removesuffix("$").removesuffix("\\Z").split("(?P<")
        rest = [str(world.instance.pk) + part.partition(")")[2] for part in parts[1:]]
        return "/" + (parts[0] + "".join(rest)).replace("\\", "")
    address = ""
    for piece in route.replace("^", "").removesuffix("$").removesuffix("\\Z").split("<"):
        inside, closed, rest = piece.rpartition(">")
        if closed:
            kind, _, name = inside.rpartition(":")
            converter = converters.get_converters()[kind or "str"]
            value = {"uuid": world.instance.pk, "int": 1}.get(kind, example(name, world))
            address += converter.to_url(value)
        address += rest
    return "/" + address


ALL = sorted(set(routes(get_resolver().url_patterns)))
METHODS = ("get", "post", "put", "patch", "delete")
PROTECTED = [(name, route) for name, route in ALL if name not in PUBLIC]


class AddressTests(PortalTestCase):
    def test_the_walk_finds_the_whole_house(self) -> None:
        names = {name for name, _ in ALL}
        self.assertLessEqual({"console_home", "gateways:list", "apis:list", "policies:list", "audit:list", "me"}, names)
        self.assertGreater(len(PROTECTED), 60)
        self.assertLessEqual(PUBLIC - {"accounts:sign_on", "accounts:sign_on_callback"}, names)

    def test_strangers_are_refused_everywhere(self) -> None:
        sign_in = reverse("accounts:sign_in") + "?next="
        for name, route in PROTECTED:
            address = concrete(route, self.world)
            for method in METHODS:
                with self.subTest(name=name, method=method, address=address):
                    response = getattr(Client(), method)(address)
                    if address.startswith("/api/"):
                        self.assertEqual(response.status_code, 401)
                        self.assertTrue(response["WWW-Authenticate"].startswith("Bearer"))
                    else:
                        self.assertEqual(response.status_code, 302)
                        self.assertTrue(response["Location"].startswith(sign_in))

    def test_nobody_enters_another_organization_s_console(self) -> None:
        console = [(name, route) for name, route in PROTECTED if route.startswith("console/")]
        for user in (self.world.cora, self.world.olaf):
            client = client_of(user)
            for name, route in console:
                address = concrete(route, self.world)
                for method in ("get", "post"):
                    with self.subTest(name=name, method=method, user=str(user)):
                        self.assertEqual(getattr(client, method)(address).status_code, 404)
