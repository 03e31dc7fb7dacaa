"""From a saved change to every worker of a gateway that enforces it, with 600 APIs and calls all the time."""

from __future__ import annotations

import functools
import http.server
import statistics
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.findings import Findings, Progress
from tests.benchmarks.load import percentile
from tests.integration.gateway.conftest import call
from tests.integration.publish_place import HEADER, PublishPlace
from tests.stack import wait_until

APIS = 600
CHANGES = 60
CALLERS = 2
PAUSE_SECONDS = 0.3
GOAL_MS = 300


@dataclass
class Heard:
    """What callers got: when each answer was there, and the value it had."""

    answers: list[tuple[float, str]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def measure(folder: str, progress: Progress) -> Findings:
    """Change one policy again and again and look at the answers."""
    findings = Findings()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Service) as service:
        service.daemon_threads = True
        threading.Thread(target=service.serve_forever, daemon=True).start()
        progress(f"{APIS} APIs and everything that runs")
        place = PublishPlace(Path(folder), backend=service.server_address[1], apis=APIS)
        try:
            saving, enforced, heard = _changes(place, progress)
        finally:
            place.close()
            service.shutdown()
    slowest = percentile(enforced, 0.99)
    goal = findings.judge("publish, p99 of saved to enforced", slowest, GOAL_MS, " ms")
    rows = [
        ["save answered", f"{statistics.median(saving):.0f}", f"{percentile(saving, 0.99):.0f}", ""],
        ["saved to enforced everywhere", f"{statistics.median(enforced):.0f}", f"{slowest:.0f}", goal],
    ]
    findings.table(["", "p50, ms", "p99, ms", "goal"], rows)
    findings.judge("failed or wrong answers while publishing", len(heard.wrong), 0)
    findings.say(
        f"{APIS} APIs, {CHANGES} changes of one policy by REST, each saved {PAUSE_SECONDS} s after the one before was "
        f"enforced; portal, job worker, Redis and a gateway with two workers on this machine. Enforced is when the "
        f"last answer with the old value is there, of {CALLERS} callers that call all the time on new connections: "
        f"{len(heard.answers):,} answers, {len(heard.wrong)} of them failed or wrong."
    )
    return findings


class _Service(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *arguments: object) -> None:
        pass


def _changes(place: PublishPlace, progress: Progress) -> tuple[list[float], list[float], Heard]:
    heard, done = Heard(), threading.Event()
    callers = [threading.Thread(target=_call, args=(place.port, heard, done), daemon=True) for _ in range(CALLERS)]
    for caller in callers:
        caller.start()
    saving, enforced = [], []
    try:
        for number in range(CHANGES):
            if number % 10 == 0:
                progress(f"change {number} of {CHANGES}")
            was = str(place.value)
            began = time.monotonic()
            value = place.save()
            saved = time.monotonic()
            wait_until(functools.partial(_all_enforce, place, heard, value), seconds=30, what=f"value {value}")
            since = [(at, seen) for at, seen in heard.answers[-20_000:] if at > began]
            old = [at for at, seen in since if seen == was]
            saving.append((saved - began) * 1000)
            enforced.append(max(0.0, (old[-1] if old else saved) - saved) * 1000)
            heard.wrong += [f"{seen!r} between {was} and {value}" for _, seen in since if seen not in (was, value)]
            time.sleep(PAUSE_SECONDS)
    finally:
        done.set()
        for caller in callers:
            caller.join()
    return saving, enforced, heard


def _all_enforce(place: PublishPlace, heard: Heard, value: str) -> bool:
    """Tell whether all workers have it: the same revision, and the last answers all have the value."""
    newest = place.newest()
    return place.running() == [newest, newest] and {seen for _, seen in heard.answers[-8:]} == {value}


def _call(port: int, heard: Heard, done: threading.Event) -> None:
    while not done.wait(0.002):
        try:
            answer = call(port, "/orders/1")
        except OSError as error:
            heard.wrong.append(str(error))
            continue
        if answer.status != 200:
            heard.wrong.append(str(answer.status))
        heard.answers.append((time.monotonic(), answer.headers.get(HEADER, "")))
