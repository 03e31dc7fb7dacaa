"""The command `probe`: asks the admin port of a gateway on this machine whether it is ready, or alive."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection, HTTPException

from gateway_runtime.options import DEFAULT_ADMIN, PREFIX, OptionError, read_address

PAGES = {"readiness": "/readyz", "liveness": "/livez"}
# Documented for Flex Gateway. What they would forgive never happens: a configuration with a fault is refused whole.
ALLOWANCES = ("--allow-api-errors", "--allow-envoy-errors", "--allow-policy-errors")
SECONDS = 5.0
FAILED, USAGE_ERROR = 1, 2


def probe_main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Return 0 where the answer is yes, 1 where it is no or nobody answers; then standard error says why."""
    parser = argparse.ArgumentParser(
        prog="python -m gateway_runtime probe",
        description="Ask a gateway on its admin port. The exit status is 0 for yes and 1 for no.",
        allow_abbrev=False,
    )
    parser.add_argument("--check", choices=sorted(PAGES), default="readiness", help="what to ask (default readiness)")
    parser.add_argument("--admin", metavar="HOST:PORT", help=f"its address (default {DEFAULT_ADMIN})")
    for name in ALLOWANCES:
        parser.add_argument(name, action="store_true", help="accepted; changes nothing")
    given = parser.parse_args(arguments)
    try:
        host, port = read_address(given.admin or environment.get(f"{PREFIX}ADMIN") or DEFAULT_ADMIN, "--admin")
    except OptionError as error:
        print(error, file=sys.stderr)
        return USAGE_ERROR
    connection = HTTPConnection(host, port, timeout=SECONDS)
    try:
        connection.request("GET", PAGES[given.check])
        answer = connection.getresponse()
        status, body = answer.status, answer.read()
    except (OSError, HTTPException) as error:
        print(f"Nobody answers at {host}:{port}: {error}.", file=sys.stderr)
        return FAILED
    finally:
        connection.close()
    if status == 200:
        return 0
    print(_reason(body) or f"The gateway answers {status}.", file=sys.stderr)
    return FAILED


def _reason(body: bytes) -> str:
    try:
        return str(json.loads(body).get("reason", ""))
    except (ValueError, AttributeError):
        return ""
