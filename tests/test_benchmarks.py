"""What the benchmark says of its numbers; the numbers themselves are asserted nowhere."""

import socket
import threading

import pytest

from tests.benchmarks import load
from tests.benchmarks.bench_changes import wrong_answers
from tests.benchmarks.cases import BENCHMARKS, chosen
from tests.benchmarks.findings import Findings, replace_section

ANSWER = b"HTTP/1.1 200 OK\r\nX-Answered: 7\r\nContent-Length: %d\r\n\r\n%s"
APPLIED = [(1, 0.0, 1.0), (2, 10.0, 11.0), (3, 20.0, 21.0)]


def test_a_missed_goal_is_in_the_table_and_in_the_list() -> None:
    findings = Findings()
    cells = [
        findings.judge("a", 1.2, 1.25),
        findings.judge("b", 1.3, 1.25, " ms"),
        findings.judge("c", 9, float("inf")),
    ]
    assert cells == ["1.25", "1.25 ms MISSED", ""]
    assert findings.missed == ["b: 1.30 ms, the goal is 1.25 ms"]


def test_a_table_is_markdown() -> None:
    findings = Findings()
    findings.table(["case", "µs"], [["bare", "1.5"], ["longer", "20.25"]])
    assert str(findings).split("\n") == [
        "| case   |    µs |", "| ------ | ----: |", "| bare   |   1.5 |", "| longer | 20.25 |",
    ]  # fmt: skip


def test_results_of_one_benchmark_take_the_place_of_its_older_ones() -> None:
    page = replace_section(replace_section("# Measured\n", "a", "one"), "b", "two")
    assert replace_section(page, "a", r"three \1") == page.replace("one", r"three \1")


def test_unknown_benchmarks_are_refused_by_name() -> None:
    with pytest.raises(SystemExit, match="no benchmark “speed”"):
        chosen(["speed"])
    assert chosen([]) == [each for each in BENCHMARKS if not each.by_name]


@pytest.mark.parametrize(
    ("body", "revision"),
    [
        (b'{"uri":"/v7/orders/1","seen":"7"}', 7), (b'{"uri":"/v6/orders/1","seen":"7"}', -1),
        (b'{"uri":"/v7/orders/1","seen":"6"}', -1), (b"{}", -1),
    ],
)  # fmt: skip
def test_an_answer_of_two_revisions_is_told(body: bytes, revision: int) -> None:
    assert load.revision_of(ANSWER % (len(body), body)) == revision


@pytest.mark.parametrize(
    ("due", "done", "revision", "wrong"),
    [
        (5, 6, 1, False), (5, 6, 2, True), (9, 10.5, 2, False), (9, 10.5, 1, False), (12, 13, 1, True),
        (9, 22, 3, False), (12, 13, 3, True), (12, 13, -1, True),
    ],
)  # fmt: skip
def test_an_answer_is_of_a_revision_that_was_in_force_while_it_was_given(
    due: float, done: float, revision: int, wrong: bool
) -> None:
    answered = load.Answered(0.0, [due], [done], [revision])
    assert bool(wrong_answers(answered, APPLIED)) is wrong


@pytest.mark.integration
def test_a_request_that_waits_for_a_slow_server_waits_from_the_time_it_was_due() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_answer_late, args=(server,), daemon=True).start()
        answered = load.offer(server.getsockname()[1], "/", 200, 0.5)
    # Nothing is answered before 0.4 s: who had waited to send would have measured next to nothing.
    taken = answered.latencies()
    assert len(taken) == 100
    assert sum(each > 150 for each in taken) >= 40


def _answer_late(server: socket.socket) -> None:
    opened = [server.accept()[0] for _ in range(load.CONNECTIONS)]
    threading.Event().wait(0.5)
    for connection in opened:
        threading.Thread(target=_answer, args=(connection,), daemon=True).start()


def _answer(connection: socket.socket) -> None:
    with connection:
        while data := connection.recv(4096):
            connection.sendall(ANSWER % (2, b"{}") * data.count(b"\r\n\r\n"))
