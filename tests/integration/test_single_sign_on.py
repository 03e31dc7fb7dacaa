"""Single sign-on by OpenID Connect, with a real provider, a real portal, and a browser between them."""

import html
import re
import secrets
from collections.abc import Iterator

import httpx2 as httpx
import pytest

from tests.integration.single_sign_on import Browser, Installation, query

PASSWORD = "a quiet harbour in june"
REFUSED = "did not let you in"


@pytest.fixture(scope="module", params=["RS256", "ES256"])
def installation(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    running = Installation(tmp_path_factory.mktemp("sign-on") / "home", request.param)
    try:
        yield running.start()
    finally:
        running.stop()


@pytest.fixture
def browser(installation: Installation) -> Browser:
    return Browser(installation)


def page_after(browser: Browser, response: httpx.Response) -> str:
    """Return the page to which a refused sign-on leads."""
    assert response.status_code == 302
    assert response.headers["location"] == "/sign-in/"
    return browser.get("/sign-in/").text


def test_sign_in_page_offers_it(browser: Browser) -> None:
    page = browser.get("/sign-in/").text
    assert "Continue with Acme ID" in page
    assert 'href="/sign-on/' in page


def test_new_person_gets_an_account_without_any_role(browser: Browser) -> None:
    response = browser.sign_on("new-1")
    assert (response.status_code, response.headers["location"]) == (302, "/")
    me = browser.me()
    assert me is not None
    assert (me["email"], me["name"], me["is_operator"]) == ("nina@example.test", "Nina New", False)
    assert browser.get("/api/v1/organizations/").json()["count"] == 0
    assert "no role in any organization" in browser.get("/").text


def test_person_is_known_again(installation: Installation) -> None:
    first, second = Browser(installation), Browser(installation)
    first.sign_on("new-1")
    second.sign_on("new-1")
    assert first.me() == second.me() is not None


def test_request_carries_state_nonce_and_pkce(browser: Browser, installation: Installation) -> None:
    first, second = query(browser.authorization("new-1")), query(browser.authorization("new-1"))
    assert first["code_challenge_method"] == "S256"
    assert first["redirect_uri"] == f"{installation.portal}/sign-on/callback/"
    assert first["response_type"] == "code"
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name]) >= 32
        assert first[name] != second[name]


def test_verified_address_takes_over_an_unconfirmed_account(browser: Browser, installation: Installation) -> None:
    """Anybody may have registered with this address before: whoever did loses the account to its real owner."""
    stranger = Browser(installation)
    stranger.sign_up("Stranger", "cora@example.test", PASSWORD)
    account = stranger.me()
    assert account is not None
    browser.sign_on("linked-1")
    me = browser.me()
    assert me is not None
    assert me["id"] == account["id"]
    assert stranger.me() is None
    again = Browser(installation)
    assert again.post("/sign-in/", username="cora@example.test", password=PASSWORD).status_code == 200
    assert again.me() is None


def test_unverified_address_never_opens_an_existing_account(browser: Browser, installation: Installation) -> None:
    Browser(installation).sign_up("Dora", "dora@example.test", PASSWORD)
    page = page_after(browser, browser.sign_on("squatter-1"))
    assert "already an account with this address" in page
    assert browser.me() is None


def test_unverified_address_of_nobody_makes_an_account(browser: Browser) -> None:
    browser.sign_on("unverified-1")
    me = browser.me()
    assert me is not None
    assert me["email"] == "ursula@example.test"


def test_account_without_an_address_is_refused(browser: Browser) -> None:
    assert "did not tell your e-mail address" in page_after(browser, browser.sign_on("nameless-1"))
    assert browser.me() is None


def test_refusal_of_the_provider_is_told(browser: Browser) -> None:
    assert REFUSED in page_after(browser, browser.sign_on("refuse"))
    assert browser.me() is None


def test_page_asked_for_is_reached(browser: Browser) -> None:
    response = browser.sign_on("new-1", "/sign-on/?next=/account/api-tokens/")
    assert response.headers["location"] == "/account/api-tokens/"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_sign_on_never_leads_elsewhere(browser: Browser, elsewhere: str) -> None:
    response = browser.sign_on("new-1", f"/sign-on/?next={elsewhere}")
    assert response.headers["location"] == "/"


def test_answer_for_another_browser_signs_nobody_in(browser: Browser, installation: Installation) -> None:
    """An attacker sends the victim a link that would sign them in as the attacker."""
    callback = browser.to_callback(browser.authorization("new-1"))
    victim = Browser(installation)
    victim.authorization("new-1")
    assert REFUSED in page_after(victim, victim.get(callback))
    assert victim.me() is None


def test_answer_works_once(browser: Browser) -> None:
    callback = browser.to_callback(browser.authorization("new-1"))
    assert browser.get(callback).headers["location"] == "/"
    assert browser.post("/account/", name="Nina New").status_code == 302
    # The same browser, signed out and back in possession of the old address (history, a proxy's log).
    browser.sign_out()
    assert REFUSED in page_after(browser, browser.get(callback))
    assert browser.me() is None


@pytest.mark.parametrize("name", ["code", "state", "iss"])
def test_changed_answer_is_refused(browser: Browser, name: str) -> None:
    callback = browser.to_callback(browser.authorization("new-1"))
    changed = callback.replace(f"{name}={query(callback)[name][:8]}", f"{name}={secrets.token_hex(4)}")
    if name == "iss":
        changed = callback.partition("&iss=")[0] + "&iss=https%3A%2F%2Fother.example"
    assert changed != callback
    assert REFUSED in page_after(browser, browser.get(changed))
    assert browser.me() is None


def test_failures_of_sign_on_do_not_lock_passwords_out(browser: Browser, installation: Installation) -> None:
    browser.sign_up("Paula", f"paula-{installation.algorithm.lower()}@example.test", PASSWORD)
    for _ in range(9):
        other = Browser(installation)
        callback = other.to_callback(other.authorization("new-1"))
        other.get(callback.replace("code=", "code=x"))
    assert Browser(installation).sign_on("new-1").headers["location"] == "/"


TEAM = """
from portal.accounts.services import user_create
from portal.organizations.services import organization_create
from portal.organizations.team_services import team_create, team_role_grant
owner = user_create(email="owner@example.test", name="Olga Owner")
acme = organization_create(actor=owner, name="Acme")
team = team_create(actor=owner, organization=acme, name="Payments", sign_on_groups=["payments-team"])
team_role_grant(actor=owner, team=team, role="viewer")
"""


def test_groups_of_the_provider_decide_at_each_sign_on_who_is_in_a_team(installation: Installation) -> None:
    installation.shell(TEAM)
    seen = []
    for groups in ([], ["staff", "payments-team"], ["staff"], ["payments-team"], None):
        installation.provider_says("grouped-1", groups=groups)
        browser = Browser(installation)
        browser.sign_on("grouped-1")
        seen.append([each["slug"] for each in browser.get("/api/v1/organizations/").json()["results"]])
    assert seen == [[], ["acme"], [], ["acme"], []]


def test_sign_out_ends_the_session_at_the_provider_and_comes_back(browser: Browser, installation: Installation) -> None:
    browser.sign_on("new-1")
    page = browser.sign_out().text
    assert browser.me() is None
    (found,) = re.findall(r'http-equiv="refresh" content="0; url=([^"]+)"', page)
    address = html.unescape(found)
    assert address.startswith(f"{installation.issuer}/session/end?")
    assert set(query(address)) == {"client_id", "id_token_hint", "post_logout_redirect_uri"}
    asked = browser.get(address)
    assert asked.status_code == 200, asked.text
    (xsrf,) = re.findall(r'name="xsrf" value="([^"]+)"', asked.text)
    ended = browser.http.post(f"{installation.issuer}/session/end/confirm", data={"xsrf": xsrf, "logout": "yes"})
    assert ended.headers["location"].partition("?")[0] == f"{installation.portal}/sign-in/"
    # Without a session of its own the provider asks again who somebody is.
    assert "/interaction/" in browser.get(browser.authorization("new-1")).headers["location"]


def test_sign_out_after_a_password_stays_here(installation: Installation) -> None:
    browser = Browser(installation)
    browser.sign_up("Pat", f"pat-{installation.algorithm.lower()}@example.test", PASSWORD)
    response = browser.sign_out()
    assert (response.status_code, response.headers["location"]) == (302, "/sign-in/")
