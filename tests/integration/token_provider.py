"""A real OpenID provider at one address: it can be ended and started again, with other keys."""

import json
import os
import subprocess
from base64 import urlsafe_b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2 as httpx

from tests.integration.single_sign_on import node, signing_key
from tests.stack import free_ports

# A caller, and the gateway. Neither secret is like any other text in a log.
APP = ("shop-app", "shop-secret-0123456789-0123456789-x")
GATEWAY = ("gateway", "gateway:secret/0123456789+0123456789")
API = "https://api.example"
BACK = "https://shop.example/back"
_VERIFIER = "only-for-tests-" + "0123456789" * 4


class TokenProvider:
    """The provider, and what callers do with it."""

    def __init__(self, *, token_seconds: int = 600) -> None:
        self.port = free_ports(1)[0]
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.keys = [signing_key("RS256", "first")]
        self._token_seconds = token_seconds
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> "TokenProvider":
        """Start it. It has forgotten every opaque token that it has given away before."""
        common = {"token_endpoint_auth_method": "client_secret_basic", "id_token_signed_response_alg": "RS256"}
        clients = [
            {
                "client_id": APP[0], "client_secret": APP[1], "redirect_uris": [BACK], **common,
                "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
            },
            {
                "client_id": GATEWAY[0], "client_secret": GATEWAY[1], "redirect_uris": [], "response_types": [],
                "grant_types": ["client_credentials"], **common,
            },
        ]  # fmt: skip
        settings = {"ACCOUNTS": {"ada": {"email": "ada@example.test"}}, "CLIENTS": clients, "KEYS": self.keys}
        environment = os.environ | {name: json.dumps(value) for name, value in settings.items()}
        environment |= {"PORT": str(self.port), "ACCOUNT": "ada", "TOKEN_SECONDS": str(self._token_seconds)}
        self._process = subprocess.Popen(
            [*node(), str(Path(__file__).with_name("openid_provider.mjs"))],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        issuer = self._process.stdout.readline().strip()
        assert issuer == self.issuer, "The OpenID provider did not start; is `npm ci` done?"
        return self

    def stop(self) -> None:
        """End it, as if its machine had lost power."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self, *keys: dict[str, Any]) -> None:
        """Start it anew, with these keys where some are given. The first one signs."""
        self.stop()
        self.keys = list(keys) or self.keys
        self.start()

    def token(self, scope: str = "orders:read", *, signed: bool = False) -> str:
        """Return an access token of the program itself: an opaque one, or a signed one for the API."""
        form = {"grant_type": "client_credentials", "scope": scope} | ({"resource": API} if signed else {})
        return self._post("/token", form)["access_token"]

    def sign_in(self) -> dict[str, str]:
        """Sign Ada in. Return her access token, ID token and refresh token, by their names in the answer."""
        challenge = urlsafe_b64encode(sha256(_VERIFIER.encode()).digest()).rstrip(b"=").decode()
        with httpx.Client(timeout=10) as browser:
            url = f"{self.issuer}/auth?" + str(httpx.QueryParams({
                "client_id": APP[0], "response_type": "code", "redirect_uri": BACK, "scope": "openid email orders:read",
                "code_challenge": challenge, "code_challenge_method": "S256", "login_hint": "ada",
            }))  # fmt: skip
            while not url.startswith(BACK):
                url = browser.get(url).headers["location"]
                url = self.issuer + url if url.startswith("/") else url
        code = parse_qs(urlsplit(url).query)["code"][0]
        return self._post(
            "/token",
            {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": _VERIFIER},
        )

    def revoke(self, token: str) -> None:
        """Make a token worthless before its end."""
        self._post("/token/revocation", {"token": token})

    def is_active(self, token: str) -> bool:
        """Ask about a token, as a service does."""
        return bool(self._post("/token/introspection", {"token": token})["active"])

    def _post(self, path: str, form: dict[str, str]) -> Any:
        answer = httpx.post(self.issuer + path, data=form, auth=APP, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json() if answer.content else None
