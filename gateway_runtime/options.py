"""Reading the command line and the environment, strictly."""

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PREFIX = "PORTICO_GATEWAY_"
DEFAULT_ADMIN = "127.0.0.1:9998"
MAX_WORKERS = 256
DRAIN_SECONDS = 25.0
UPGRADE_SECONDS = 60.0


class OptionError(Exception):
    """An option cannot be used. The message is one sentence for the operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How this gateway is to run: from a registration (connected mode) or from declarative files (local mode).

    `port_offset` is added to the ports that the configuration names.
    With `upgrade_seconds` of 0 it never replaces itself: for one whose starter would take that for its end.
    """

    registration: Path | None = None
    config: Path | None = None
    workers: int
    admin_host: str
    admin_port: int
    state: Path
    drain_seconds: float = DRAIN_SECONDS
    upgrade_seconds: float = UPGRADE_SECONDS
    port_offset: int = 0


def read_options(arguments: Sequence[str], environment: Mapping[str, str]) -> Options:
    """Return the options; a flag wins over its environment variable. Raises `OptionError`."""
    given = _parser().parse_args(arguments)

    def value(name: str, default: str = "") -> tuple[str, str]:
        flag = getattr(given, name)
        if flag is not None:
            return flag, f"--{name.replace('_', '-')}"
        return environment.get(PREFIX + name.upper()) or default, PREFIX + name.upper()

    registration, config = _origin(given, environment)
    # The documented variable of Flex Gateway counts where ours is not set.
    drain = environment.get("FLEX_SERVICE_ENVOY_DRAIN_TIME") or str(int(DRAIN_SECONDS))
    host, port = read_address(*value("admin", DEFAULT_ADMIN))
    home = environment.get("PORTICO_HOME") or "var"
    return Options(
        registration=Path(registration) if registration else None,
        config=Path(config) if config else None,
        workers=_number(*value("workers", "1"), low=1, high=MAX_WORKERS),
        admin_host=host,
        admin_port=port,
        state=Path(value("state", os.path.join(home, "gateway"))[0]),
        drain_seconds=float(_number(*value("drain", drain), low=0, high=3600)),
        port_offset=_number(*value("port_offset", "0"), low=0, high=65_534),
        upgrade_seconds=float(_number(*value("upgrade", str(int(UPGRADE_SECONDS))), low=0, high=3600)),
    )


def _origin(given: argparse.Namespace, environment: Mapping[str, str]) -> tuple[str, str]:
    """Return registration and configuration, of which one is given. A flag of one beats the variable of the other."""
    registration, config = given.registration, given.config
    if registration is None and config is None:
        registration = environment.get(f"{PREFIX}REGISTRATION")
        config = environment.get(f"{PREFIX}CONFIG")
    if registration and config:
        raise OptionError("Give either --registration FILE or --config PATH: a gateway has one configuration.")
    if not registration and not config:
        raise OptionError(
            "Give the registration file of this gateway with --registration FILE. "
            "To run it from declarative files, give --config PATH instead."
        )
    return registration or "", config or ""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m gateway_runtime",
        description="The Portico gateway. Every flag can be given as an environment variable instead: "
        f"--workers as {PREFIX}WORKERS, and so on.",
        allow_abbrev=False,
    )
    parser.add_argument("--registration", metavar="FILE", help="registration.yaml of this gateway (mode 0600)")
    parser.add_argument("--config", metavar="PATH", help="folder or file of declarative configuration (local mode)")
    parser.add_argument("--workers", metavar="N", help="worker processes that share the traffic (default 1)")
    parser.add_argument("--admin", metavar="HOST:PORT", help=f"address of probes and metrics (default {DEFAULT_ADMIN})")
    parser.add_argument("--state", metavar="DIR", help="folder for the last good revision (default var/gateway)")
    parser.add_argument("--drain", metavar="SECONDS", help="time for running requests at shutdown (default 25)")
    parser.add_argument(
        "--upgrade", metavar="SECONDS", help="time for a new version to become ready, 0 to ignore SIGHUP (default 60)"
    )
    parser.add_argument(
        "--port-offset", metavar="N", help="added to the port of every listener, for a second replica on this machine"
    )
    return parser


def _number(text: str, name: str, *, low: int, high: int) -> int:
    # int() would also take “1_0”, “ 1” and digits of other scripts.
    if not (text.isascii() and text.isdigit()) or not low <= int(text) <= high:
        raise OptionError(f"{name} must be a whole number from {low} to {high}, not “{text}”.")
    return int(text)


def read_address(text: str, name: str) -> tuple[str, int]:
    """Return host and port. Raises `OptionError`, which calls the setting by its name."""
    host, colon, port = text.rpartition(":")
    if not colon or not host:
        raise OptionError(f"{name} must be HOST:PORT, for example {DEFAULT_ADMIN}, not “{text}”.")
    return host.strip("[]"), _number(port, f"The port of {name}", low=0, high=65535)
