"""Settings of one run, read once from the environment."""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from portal.cli.up.errors import StartError
from portal.env import EnvError, env_address, env_bool, env_int, env_path, env_secret, env_str, redis_url

BASE = Path(__file__).resolve().parents[3]
# Settings that carry a secret or an address with one: only the processes that need them are given them.
PRIVATE = (
    "PORTICO_SECRET_KEY",
    "PORTICO_KEY_RING",
    "PORTICO_ADMIN_PASSWORD",
    "PORTICO_DEMO_PASSWORD",
    "DATABASE_URL",
    "REDIS_URL",
    "PORTICO_GATEWAY_REDIS_URL",
)


def home_folder() -> Path:
    """Return the folder with all state of this copy."""
    return env_path("PORTICO_HOME", BASE / "var")


def policies_folder() -> Path | None:
    """Return the folder of custom policies: the one that is named, else `policies` in the home, if it is there."""
    usual = home_folder() / "policies"
    folder = env_path("PORTICO_POLICIES", usual)
    return folder if folder != usual or usual.is_dir() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one run of the launcher was asked for."""

    home: Path
    portal_host: str
    portal_port: int
    gateway_port: int
    gateway_admin: tuple[str, int]
    gateway_workers: int
    redis_url: str | None
    admin_email: str
    admin_password: str | None
    demo_traffic: bool
    policies: Path | None

    @classmethod
    def from_environment(cls) -> "Run":
        """Read the environment; a wrong value is one sentence."""
        try:
            given_redis = "REDIS_URL" in os.environ or "REDIS_URL_FILE" in os.environ
            run = cls(
                home=home_folder(),
                portal_host=env_str("PORTICO_PORTAL_HOST", default="127.0.0.1"),
                portal_port=env_int("PORTICO_PORTAL_PORT", default=8000, minimum=1, maximum=65535),
                gateway_port=env_int("PORTICO_GATEWAY_PORT", default=8080, minimum=1, maximum=65535),
                gateway_admin=env_address("PORTICO_GATEWAY_ADMIN", default="127.0.0.1:9998"),
                gateway_workers=env_int("PORTICO_GATEWAY_WORKERS", default=1, minimum=1, maximum=256),
                redis_url=(env_secret("REDIS_URL", default="") and redis_url("REDIS_URL", Path(os.devnull)))
                if given_redis
                else None,
                admin_email=env_str("PORTICO_ADMIN_EMAIL", default="owner@harbourgoods.example"),
                admin_password=env_secret("PORTICO_ADMIN_PASSWORD", default="") or None,
                demo_traffic=env_bool("PORTICO_DEMO_TRAFFIC", default=True),
                policies=policies_folder(),
            )
        except EnvError as error:
            raise StartError(str(error)) from error
        run._check()
        return run

    def _check(self) -> None:
        names = {
            "PORTICO_PORTAL_PORT": self.portal_port,
            "PORTICO_GATEWAY_PORT": self.gateway_port,
            "PORTICO_GATEWAY_ADMIN": self.gateway_admin[1],
        }
        seen: dict[int, str] = {}
        for name, port in names.items():
            if port in seen:
                raise StartError(f"{seen[port]} and {name} both use port {port}. Give each a port of its own.")
            seen[port] = name
        if "@" not in self.admin_email.strip("@"):
            raise StartError(f"PORTICO_ADMIN_EMAIL is {self.admin_email!r}. Use an e-mail address.")
        if self.admin_password is not None and len(self.admin_password) < 10:
            raise StartError("PORTICO_ADMIN_PASSWORD is too short. Use at least 10 characters.")

    @property
    def portal_url(self) -> str:
        """Where people open the console."""
        return os.environ.get("PORTICO_PORTAL_URL") or f"http://localhost:{self.portal_port}"

    @property
    def gateway_url(self) -> str:
        """Where clients call the demo's APIs."""
        return f"http://localhost:{self.gateway_port}"

    @property
    def admin_url(self) -> str:
        """Where the gateway answers its probes."""
        host, port = self.gateway_admin
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def public_environment(self) -> dict[str, str]:
        """Return what every process may know: no secret is among it."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if name not in PRIVATE and name.removesuffix("_FILE") not in PRIVATE
        }
        host, port = self.gateway_admin
        if self.policies is not None:
            kept["PORTICO_POLICIES"] = str(self.policies)
        return kept | {
            "PORTICO_HOME": str(self.home),
            "PORTICO_PORTAL_PORT": str(self.portal_port),
            "PORTICO_GATEWAY_PORT": str(self.gateway_port),
            "PORTICO_GATEWAY_ADMIN": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
            "PYTHONUNBUFFERED": "1",
        }

    def portal_environment(self, redis: str) -> dict[str, str]:
        """Return what the portal and its jobs know: the database, Redis and the keys, the latter as files."""
        given = ("DATABASE_URL", "DATABASE_URL_FILE", "PORTICO_GATEWAY_REDIS_URL", "PORTICO_GATEWAY_REDIS_URL_FILE")
        private = {name: os.environ[name] for name in given if os.environ.get(name)}
        for name, file in (("PORTICO_SECRET_KEY", "secret_key"), ("PORTICO_KEY_RING", "key_ring")):
            if os.environ.get(name):
                private[name] = os.environ[name]
            else:
                private[f"{name}_FILE"] = os.environ.get(f"{name}_FILE") or str(self.home / "secrets" / file)
        return self.public_environment() | private | {"REDIS_URL": redis, "DJANGO_SETTINGS_MODULE": "portal.settings"}


def address_of(url: str) -> str:
    """Return a URL's host and port, for messages: never its password."""
    parts = urlsplit(url)
    return parts.path if parts.scheme == "unix" else f"{parts.hostname}:{parts.port or 6379}"
