"""How long the portal works on a page, with a thousand APIs in it."""

from __future__ import annotations

import json
import os
import secrets
import statistics
import subprocess
import sys
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

from tests.benchmarks.findings import Findings, Progress
from tests.benchmarks.load import percentile
from tests.integration.conftest import RedisServer
from tests.stack import ROOT

ROUNDS = 20
GOAL_MS = 150
LISTED = 12


def measure(folder: str, progress: Progress) -> Findings:
    """Fill a portal with SQLite and ask for every page in rounds."""
    found = _measured(Path(folder), progress)
    findings = Findings()
    times: dict[str, list[float]] = found["times"]
    slowest = sorted(times, key=lambda name: -percentile(times[name], 0.95))
    every = [took for each in times.values() for took in each]
    busy: dict[str, list[float]] = found["busy"]
    working = [worked for each in busy.values() for worked in each]
    rows = [["all of them", str(len(times)), *_figures(every, working, findings, judged=True)]]
    rows += [[name, "1", *_figures(times[name], busy[name], findings, judged=False)] for name in slowest[:LISTED]]
    findings.table(["page", "pages", "p50, ms", "p95, ms", "goal", "CPU, ms"], rows)
    sizes = found["sizes"]
    findings.say(
        f"{sizes['apis']} APIs on {sizes['gateways']} gateways, {sizes['applications']} applications, "
        f"{sizes['contracts']} contracts, {sizes['days']} days of traffic; SQLite and Redis, filled in "
        f"{found['filled']:.0f} s. Server time of one request at a time through Django's test client in one process: "
        f"middleware, view and template, no web server and no network. {ROUNDS} rounds over every page of the console "
        f"and the hub, lists that are searched and far back, and some of REST; the {LISTED} slowest are listed. CPU is "
        "the median of the time that the process itself worked."
    )
    return findings


def _figures(times: list[float], busy: list[float], findings: Findings, *, judged: bool) -> list[str]:
    p95 = percentile(times, 0.95)
    goal = findings.judge("portal, p95 of the server time of a page", p95, GOAL_MS if judged else float("inf"), " ms")
    return [f"{statistics.median(times):.0f}", f"{p95:.0f}", goal, f"{statistics.median(busy):.0f}"]


def _measured(folder: Path, progress: Progress) -> Any:
    redis = RedisServer(folder)
    redis.start()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PORTICO_")},
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "PORTICO_HOME": str(folder),
        "PORTICO_SECRET_KEY": secrets.token_urlsafe(48),
        "PORTICO_KEY_RING": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "PORTICO_LOG_LEVEL": "ERROR",
        "DATABASE_URL": f"sqlite:///{folder / 'portico.sqlite3'}",
        "REDIS_URL": redis.url,
    }
    command = [sys.executable, "-m", "tests.benchmarks.portal_server_time", str(ROUNDS)]
    try:
        # To a file: nobody reads a pipe before the progress has ended, and a full one would hold up the process.
        with (
            (folder / "times.json").open("w+") as printed,
            subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=printed, stderr=subprocess.PIPE, text=True
            ) as process,
        ):
            assert process.stderr is not None
            said = [line.rstrip() for line in process.stderr if progress(line.rstrip()) is None]
        if process.returncode:
            raise RuntimeError("\n".join(said[-20:]))
        return json.loads((folder / "times.json").read_text().strip().splitlines()[-1])
    finally:
        redis.kill()
