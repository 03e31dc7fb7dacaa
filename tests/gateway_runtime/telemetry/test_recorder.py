from gateway_runtime.schema.histogram import bucket
from gateway_runtime.telemetry.recorder import Recorder, candidate_label
from gateway_runtime.testing import FakeClock


def record(recorder: Recorder, route: str = "r", status: int = 200, upstream_us: int = 50) -> None:
    recorder.record("a", route, "app", status, "", "", 10, 20, 100, upstream_us)


def test_requests_of_one_second_with_the_same_labels_share_a_row() -> None:
    clock = FakeClock(1000.2)
    recorder = Recorder(clock)
    record(recorder)
    clock.advance(0.5)
    record(recorder)
    (row,) = recorder.take()
    assert (row.second, row.api, row.route, row.application, row.status) == (1000, "a", "r", "app", 200)
    assert (row.requests, row.bytes_in, row.bytes_out) == (2, 20, 40)
    assert row.latency == {bucket(100): 2}
    assert row.upstream_latency == {bucket(50): 2}


def test_another_second_or_label_is_another_row() -> None:
    clock = FakeClock(1000.0)
    recorder = Recorder(clock)
    record(recorder)
    record(recorder, status=404)
    clock.advance(1)
    record(recorder)
    assert [(row.second, row.status, row.requests) for row in recorder.take()] == [
        (1000, 200, 1),
        (1000, 404, 1),
        (1001, 200, 1),
    ]


def test_a_request_that_no_upstream_saw_has_no_upstream_time() -> None:
    recorder = Recorder()
    record(recorder, upstream_us=-1)
    assert recorder.take()[0].upstream_latency == {}


def test_rows_are_bounded_and_what_is_dropped_is_counted() -> None:
    recorder = Recorder(FakeClock(), limit=2)
    for route in ("1", "2", "3", "1", "4"):
        record(recorder, route)
    assert sum(row.requests for row in recorder.take()) == 3
    assert (recorder.served, recorder.dropped) == (5, 2)


def test_rows_are_handed_over_once() -> None:
    recorder = Recorder()
    record(recorder)
    assert len(recorder.take()) == 1
    assert recorder.take() == []


def test_what_would_have_been_refused_has_rows_of_its_own_and_counts_no_request() -> None:
    recorder = Recorder(FakeClock(1000.0))
    record(recorder)
    recorder.shadow("a", "app", "rate-limiting", "rate_limit_exceeded", 429)
    recorder.shadow("a", "app", "rate-limiting", "rate_limit_exceeded", 429)
    served, shadow = recorder.take()
    assert (served.requests, served.shadowed) == (1, 0)
    assert (shadow.api, shadow.application, shadow.status) == ("a", "app", 429)
    assert (shadow.policy, shadow.code, shadow.requests, shadow.shadowed) == (
        "rate-limiting",
        "rate_limit_exceeded",
        0,
        2,
    )
    assert recorder.served == 1


def test_requests_of_a_candidate_are_told_by_its_revision() -> None:
    recorder = Recorder()
    for api in ("a", candidate_label("a", 7), candidate_label("a", 7)):
        recorder.record(api, "r", "app", 200, "", "", 10, 20, 100, 50)
    assert sorted((row.api, row.revision, row.requests) for row in recorder.take()) == [("a", 0, 1), ("a", 7, 2)]
