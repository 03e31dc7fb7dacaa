"""Strict readers of environment variables. A wrong value is one clear sentence, never a guess."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off"}
REDIS_SCHEMES = {"redis", "rediss", "unix"}
POSTGRES_SCHEMES = {"postgres", "postgresql"}


class EnvError(ValueError):
    """A variable is missing or has a value that cannot be used. Its text is a sentence for the operator."""


def _read(name: str) -> str | None:
    """Return a variable, or None when it is unset or empty (a compose file passes unset variables as empty)."""
    return os.environ.get(name, "").strip() or None


def env_str(name: str, default: str | None = None) -> str:
    """Return a text; without a default the variable must be set."""
    value = _read(name)
    if value is not None:
        return value
    if default is None:
        raise EnvError(f"{name} is not set. Set it to start Portico.")
    return default


def env_bool(name: str, default: bool = False) -> bool:
    """Return a switch: 1, true, yes, on or 0, false, no, off."""
    value = _read(name)
    if value is None:
        return default
    if value.lower() in TRUE:
        return True
    if value.lower() in FALSE:
        return False
    raise EnvError(f"{name} is {value!r}. Use 1, true, yes or on, or else 0, false, no or off.")


def env_int(name: str, default: int | None = None, minimum: int | None = None, maximum: int | None = None) -> int:
    """Return a whole number within the limits."""
    value = _read(name)
    if value is None:
        if default is None:
            raise EnvError(f"{name} is not set. Set it to a whole number to start Portico.")
        return default
    if not (value.removeprefix("-").isascii() and value.removeprefix("-").isdigit()):
        raise EnvError(f"{name} is {value!r}. Use a whole number.")
    number = int(value)
    if (minimum is not None and number < minimum) or (maximum is not None and number > maximum):
        limits = " and ".join(
            text
            for limit, text in ((minimum, f"at least {minimum}"), (maximum, f"at most {maximum}"))
            if limit is not None
        )
        raise EnvError(f"{name} is {number}. Use a number of {limits}.")
    return number


def env_list(name: str, default: Sequence[str] = ()) -> list[str]:
    """Return the parts of a text separated by commas, without empty ones."""
    value = _read(name)
    if value is None:
        return list(default)
    return [part.strip() for part in value.split(",") if part.strip()]


def env_path(name: str, default: Path | None = None) -> Path:
    """Return an absolute path; `~` is the user's home folder and a relative path is relative to the working folder."""
    value = _read(name)
    if value is None:
        if default is None:
            raise EnvError(f"{name} is not set. Set it to a path to start Portico.")
        return default
    return Path(value).expanduser().absolute()


def env_address(name: str, default: str | None = None) -> tuple[str, int]:
    """Return a HOST:PORT as a pair; an IPv6 host is written in brackets."""
    value = env_str(name, default)
    host, separator, port = value.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    wrong = not separator or not host or (":" in host and not bracketed) or not (port.isascii() and port.isdigit())
    if wrong or not 1 <= int(port) <= 65535:
        raise EnvError(f"{name} is {value!r}. Use HOST:PORT, for example 127.0.0.1:9998.")
    return (host[1:-1] if bracketed else host), int(port)


def env_url(name: str, default: str | None = None, schemes: Sequence[str] = ("http", "https")) -> str:
    """Return an absolute URL of one of the schemes, without a slash at the end."""
    value = env_str(name, default)
    try:
        parts = urlsplit(value)
        usable = parts.scheme in schemes and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable:
        raise EnvError(
            f"{name} is not a usable URL. Use one that begins with {' or '.join(f'{s}://' for s in schemes)}."
        )
    return value.rstrip("/")


def env_secret(name: str, default: str | None = None, default_file: Path | None = None) -> str:
    """Return a secret from NAME, else from the file NAME_FILE names, else from `default_file`, else the default."""
    secret = _read_secret(name)
    if secret is None and default_file is not None and default_file.is_file():
        secret = _read_secret_file(name, default_file)
    if secret is None:
        secret = default
    if secret is None:
        where = f" and {default_file} does not exist" if default_file else ""
        raise EnvError(f"{name} is not set{where}. Run `make up` once, or set {name} or {name}_FILE.")
    return secret


def _read_secret(name: str) -> str | None:
    value, file_name = _read(name), _read(f"{name}_FILE")
    if value is not None and file_name is not None:
        raise EnvError(f"Both {name} and {name}_FILE are set. Keep only one of them.")
    if file_name is not None:
        return _read_secret_file(f"{name}_FILE", Path(file_name).expanduser())
    return value


def _read_secret_file(name: str, path: Path) -> str:
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise EnvError(f"The file {path} of {name} cannot be read: {reason}.") from error
    if not secret:
        raise EnvError(f"The file {path} of {name} is empty. Put the secret into it.")
    return secret


def redis_url(name: str, default_file: Path | None = None, default: str = "redis://127.0.0.1:6379/0") -> str:
    """Return the address of Redis: the variable, else what the launcher has written, else the usual local address."""
    url = env_secret(name, default=default, default_file=default_file)
    try:
        parts = urlsplit(url)
        usable = parts.scheme in REDIS_SCHEMES and bool(parts.path if parts.scheme == "unix" else parts.hostname)
        usable = usable and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable:
        # The value is not repeated: it carries a password.
        raise EnvError(f"{name} is not a Redis address. Use redis://, rediss:// or unix://, with a host or a path.")
    return url


def database_from_url(name: str, default: str) -> dict[str, Any]:
    """Return Django's settings of one database from a `sqlite:///PATH` or `postgres://USER:PASSWORD@HOST:PORT/NAME`."""
    url = env_secret(name, default=default)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise EnvError(f"{name} is not a usable address: its port is not a number.") from None
    path = unquote(parts.path)
    if parts.scheme == "sqlite" and not parts.netloc and len(path) > 1:
        # As everywhere: three slashes begin a relative path, four an absolute one.
        return _sqlite(path[1:])
    if parts.scheme in POSTGRES_SCHEMES and len(path) > 1:
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": path[1:],
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": unquote(parts.hostname or ""),
            "PORT": str(port or ""),
            "CONN_MAX_AGE": 60,
            "CONN_HEALTH_CHECKS": True,
            "OPTIONS": dict(parse_qsl(parts.query)),
        }
    raise EnvError(f"{name} is not a usable address. Use sqlite:///PATH or postgres://USER:PASSWORD@HOST:PORT/NAME.")


def _sqlite(path: str) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": {
            "timeout": 20,
            # A transaction that will write takes its lock at once: the busy timeout then applies, instead of an
            # immediate "database is locked" when a reader turns into a writer.
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
        },
    }
