"""A configuration change every second under load: which revision answers, and what the change costs those who wait."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import time
from bisect import bisect_left, bisect_right

import msgspec

from gateway_runtime.schema import document as documents
from gateway_runtime.tasks import spawn
from tests.benchmarks import load, peers
from tests.benchmarks.documents import REVISED, revised
from tests.benchmarks.findings import Findings, Progress
from tests.benchmarks.worker import OneWorker, one_worker

RATE = 1000
# Changes are made in every other slice, so that both halves have the same of everything else.
SLICE_SECONDS = 5
SLICES = 25  # the first one warms up and does not count
APIS = 100
RISE_GOAL = 20.0


def measure(folder: str, progress: Progress) -> Findings:
    """Put a load on one worker and publish a revision every second of every other slice."""
    findings = Findings()
    head = ["APIs", "changes", "answers", "wrong", "goal", "p99, ms", "with changes", "rise, %", "goal", "apply, ms"]
    row, _ = measure_changes(folder, progress, findings, APIS, SLICES, judged=True)
    findings.table(head, [row])
    findings.say(
        f"{RATE} requests/s for {SLICES * SLICE_SECONDS} s on {load.CONNECTIONS} connections to the worker process of "
        f"the product; a revision every second of every other {SLICE_SECONDS} s. Each answer must be wholly of one "
        "revision (path and header that the service sees, header of the answer), and of one that was in force while "
        "it was given. p99 is the median of those of the slices."
    )
    return findings


def measure_changes(
    folder: str, progress: Progress, findings: Findings, apis: int, slices: int, *, judged: bool
) -> tuple[list[str], list[float]]:
    """Return a row of the table, and how many seconds each revision took. Missed goals are noted when `judged`."""
    service, port = peers.free_port(), peers.free_port()
    with peers.running(peers.service(folder, service), service):
        answered, worker = asyncio.run(_run(progress, port, service, apis, slices))
    wrong = wrong_answers(answered, worker.applied)
    p99 = []
    for number in range(1, slices):
        begin = answered.began + number * SLICE_SECONDS
        p99.append(load.percentile(answered.latencies(begin, begin + SLICE_SECONDS), 0.99))
    after, before = statistics.median(p99[0::2]), statistics.median(p99[1::2])
    rise = (after / before - 1) * 100
    took = [end - begin for _, begin, end in worker.applied[1:]]
    goals = ["", ""]
    if judged:
        goals = [
            findings.judge("wrong answers while the configuration changes", len(wrong), 0),
            findings.judge("rise of p99 while the configuration changes", rise, RISE_GOAL, " %"),
        ]
    for what in sorted(set(wrong))[:5]:
        findings.missed.append(f"with {apis} APIs: {what}")
    row = [
        f"{apis:,}", str(len(took)), f"{len(answered.done):,}", str(len(wrong)), goals[0], f"{before:.2f}",
        f"{after:.2f}", f"{rise:.0f}", goals[1], f"{load.percentile(took, 0.5) * 1000:.0f}",
    ]  # fmt: skip
    return row, took


async def _run(progress: Progress, port: int, service: int, apis: int, slices: int) -> tuple[load.Answered, OneWorker]:
    async with one_worker() as worker:
        template = documents.encode(revised(1, port, service, apis))
        rest = msgspec.json.decode(template, type=documents.Outline).apis[1:]
        await worker.apply(1, template)
        seconds = slices * SLICE_SECONDS
        process = await asyncio.create_subprocess_exec(
            *load.command(port, REVISED, RATE, seconds), stdout=subprocess.PIPE, cwd=peers.ROOT
        )
        reading = spawn("load", process.communicate())
        began, number = time.monotonic(), 1
        for part in range(slices):
            progress(f"slice {part + 1} of {slices}, {apis} APIs")
            for second in range(SLICE_SECONDS):
                due = began + part * SLICE_SECONDS + second + 0.5
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                if part % 2:
                    number += 1
                    await worker.apply(number, _next(number, port, service, rest))
        output, _ = await reading
    return msgspec.json.decode(output, type=load.Answered), worker


def _next(number: int, port: int, service: int, rest: list[msgspec.Raw]) -> bytes:
    """Return the bytes of another revision, quickly: only one API is another one."""
    changed = revised(number, port, service, 0)
    (api,) = changed.apis
    fields = {name: getattr(changed, name) for name in documents.Surroundings.__struct_fields__}
    outline = documents.Outline(**fields, apis=[msgspec.Raw(msgspec.json.encode(api, order="deterministic")), *rest])
    return msgspec.json.encode(outline, order="deterministic")


def wrong_answers(answered: load.Answered, applied: list[tuple[int, float, float]]) -> list[str]:
    """Return what is wrong with answers: errors, mixed revisions, and revisions that were not in force then."""
    wrong = list(answered.errors)
    begins = [begin for _, begin, _ in applied]
    ends = [end for _, _, end in applied]
    for due, done, revision in zip(answered.due, answered.done, answered.revisions, strict=True):
        oldest = applied[max(0, bisect_right(ends, due) - 1)][0]
        newest = applied[max(0, bisect_left(begins, done) - 1)][0]
        if revision < 0:
            wrong.append("an answer of two revisions")
        elif not oldest <= revision <= newest:
            wrong.append("an answer of a revision that was not in force")
    return wrong
