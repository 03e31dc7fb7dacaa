"""Every page that a link leads to, in a real browser: it answers, says nothing wrong, fits, and axe finds nothing."""

from collections.abc import Iterator
from typing import Any, Literal

import httpx2 as httpx
import pytest
from playwright.sync_api import Browser, StorageState

from tests.browser.pages import Inspector, pages_linked_from
from tests.browser.test_walk import CONSOLE, sign_in
from tests.certificates import Authority
from tests.stack import Stack, free_ports, wait_until

STARTS = (f"{CONSOLE}/", "/account/", "/hub/", "/docs/")
# What an environment without anything shows is another page than the one with something in it.
EMPTY = "/console/harbour-goods/sandbox"
WITHOUT_ANYTHING = tuple(
    f"{EMPTY}/{page}"
    for page in (
        "",
        "apis/",
        "apis/new/",
        "gateways/",
        "certificates/",
        "contracts/",
        "analytics/",
        "traces/",
        "alerts/",
    )
)
NARROWED_TO_NOTHING = (
    f"{CONSOLE}/apis/?q=zzz",
    f"{CONSOLE}/audit/?q=zzz",
    f"{CONSOLE}/traces/why/?request=zzz",
    "/hub/?q=zzz",
)


@pytest.fixture(scope="module")
def company(stack: Stack) -> Iterator[Stack]:
    """The demo company with a policy that has refused a call, one that was traced, and a listener with TLS.

    Without all that again at the end.
    """
    rest = stack.rest("pages")
    instances = rest.get("/api-instances/").json()["results"]
    orders = next(each for each in instances if each["base_path"] == "/orders")
    config = {"username": "pages", "password": "a-long-enough-password"}
    made = rest.post(
        "/policy-bindings/",
        json={"instance": orders["id"], "policy": "http-basic-authentication", "config": config},
    )
    assert made.status_code == 201, made.text
    root = Authority("Pages Root")
    pair = root.issue("pages.example")
    stored = rest.post(
        "/certificates/",
        json={"environment": orders["environment"], "chain": pair.certificate + root.pem, "key": pair.key},
    ).json()
    secure = {"protocol": "https", "certificates": [{"certificate": stored["id"]}]}
    listener = rest.post("/listeners/", json={"gateway": orders["gateway"], "port": free_ports(1)[0], **secure}).json()
    address = f"{stack.gateway}/orders"
    wait_until(lambda: httpx.get(address).status_code == 401, seconds=10, what="401 from the new policy")
    token = rest.post("/trace-tokens/", json={"instance": orders["id"]}).json()
    traced = httpx.get(address, headers={token["header"]: token["token"]}).headers["x-request-id"]
    wait_until(
        lambda: rest.get("/traces/", params={"request_id": traced}).json()["results"], seconds=15, what="the trace"
    )
    yield stack
    for path in (
        f"/policy-bindings/{made.json()['id']}/",
        f"/listeners/{listener['id']}/",
        f"/certificates/{stored['id']}/",
    ):
        assert rest.delete(path).status_code == 204, path


@pytest.fixture(scope="module")
def signed_in(company: Stack, browser: Browser) -> StorageState:
    """The cookies of the owner."""
    context = browser.new_context()
    sign_in(context.new_page(), company)
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture(scope="module")
def addresses(company: Stack, browser: Browser, signed_in: StorageState) -> list[str]:
    """One address of every page that the owner can reach by links; all of them answer."""
    context = browser.new_context(storage_state=signed_in)
    pages, broken = pages_linked_from(context.request, company.portal, STARTS)
    context.close()
    assert not broken
    return pages


def test_links_reach_every_part(addresses: list[str]) -> None:
    """A crawl that finds little would make the other tests say little."""
    for part in (
        "/policies/add/", "/revisions/", "/audit/", "/people/", "/environments/", "/specification/", "/contracts/",
        "/account/api-tokens/new/", "/traces/", "/reference/", "/operations/", "/access/", "/hub/applications/new/",
        "/docs/", "/certificates/", "/gateways/listeners/",
    ):  # fmt: skip
        assert any(part in address for address in addresses), part
    assert len(addresses) > 60


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_every_page_is_sound(
    company: Stack,
    browser: Browser,
    signed_in: StorageState,
    addresses: list[str],
    width: int,
    theme: Literal["light", "dark"],
) -> None:
    """Status, console, width and axe, on a desktop by day and on a phone by night."""
    options: dict[str, Any] = {"viewport": {"width": width, "height": 900}, "color_scheme": theme}
    context = browser.new_context(storage_state=signed_in, **options)
    inspector = Inspector(context.new_page(), company.portal)
    faults = [line for address in addresses for line in inspector.faults(address)]
    faults += [line for address in (*WITHOUT_ANYTHING, *NARROWED_TO_NOTHING) for line in inspector.faults(address)]
    faults += inspector.faults(f"{CONSOLE}/nowhere/", status=404)
    context.close()
    stranger = browser.new_context(**options)
    inspector = Inspector(stranger.new_page(), company.portal)
    faults += [
        line
        for address in ("/sign-in/", "/sign-up/", "/forgotten-password/", "/hub/")
        for line in inspector.faults(address)
    ]
    stranger.close()
    assert not faults, "\n".join(faults)
