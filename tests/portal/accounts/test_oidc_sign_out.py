"""Whether signing out leads to the sign-on provider, and never fails because of it."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import override_settings

from portal.accounts import oidc_sign_out
from portal.accounts.oidc_sign_out import BACKEND, provider_sign_out_url
from portal.core.errors import ApplicationError

END = "https://id.example.test/logout"


@pytest.fixture
def provided(monkeypatch: pytest.MonkeyPatch) -> Callable[[str | Exception], None]:
    """Let the provider offer an address, or be away."""

    def provide(address: str | Exception) -> None:
        def provider() -> Any:
            if isinstance(address, Exception):
                raise address
            return SimpleNamespace(end_session=address)

        monkeypatch.setattr(oidc_sign_out, "provider", provider)

    return provide


def url_for(**session: str) -> str:
    request: Any = SimpleNamespace(session={"_auth_user_backend": BACKEND} | session)
    with override_settings(OIDC_ENABLED=True, OIDC_RP_CLIENT_ID="portico", PORTAL_URL="https://portico.example"):
        return provider_sign_out_url(request)


def test_it_says_who_signs_out_and_where_to_come_back(provided: Callable[[str | Exception], None]) -> None:
    provided(END)
    asked = parse_qs(urlsplit(url_for(oidc_id_token="token")).query)
    assert asked == {
        "client_id": ["portico"],
        "post_logout_redirect_uri": ["https://portico.example/sign-in/"],
        "id_token_hint": ["token"],
    }


def test_query_of_the_provider_is_kept(provided: Callable[[str | Exception], None]) -> None:
    provided(f"{END}?realm=acme")
    assert url_for().startswith(f"{END}?realm=acme&client_id=")


def test_person_with_a_password_stays_here(provided: Callable[[str | Exception], None]) -> None:
    provided(END)
    assert url_for(_auth_user_backend="django.contrib.auth.backends.ModelBackend") == ""


@pytest.mark.parametrize("address", ["", "javascript:alert(1)", "/logout", ApplicationError("away", "Away.")])
def test_provider_without_a_usable_address_or_away_keeps_nobody(
    provided: Callable[[str | Exception], None], address: str | Exception
) -> None:
    provided(address)
    assert url_for() == ""
