from gateway_runtime.schema.telemetry import TrafficRow
from gateway_runtime.telemetry.totals import Labels, Totals


def row(second: int, route: str = "r", application: str = "") -> TrafficRow:
    return TrafficRow(second, "a", route, application, 401, "p", "c", 2, 3, 4, {1: 2}, {5: 1})


def test_rows_are_summed_over_seconds_and_applications() -> None:
    totals = Totals()
    totals.add([row(1), row(2), row(2, application="shop")])
    ((labels, sums),) = totals.series.items()
    assert labels == Labels("a", "r", 401, "p", "c")
    assert (sums.requests, sums.bytes_in, sums.bytes_out) == (6, 9, 12)
    assert (sums.latency, sums.upstream_latency) == ({1: 6}, {5: 3})


def test_series_are_bounded_and_the_rest_is_counted() -> None:
    totals = Totals(limit=1)
    totals.add([row(1), row(1, route="other"), row(2)])
    assert len(totals.series) == 1
    assert totals.folded == 2


def test_sums_go_on_in_another_process() -> None:
    before, after = Totals(), Totals()
    before.add([row(1), row(2, route="other")])
    after.add([row(3)])
    after.add(before.rows())
    assert {labels.route: sums.requests for labels, sums in after.series.items()} == {"r": 4, "other": 2}


def test_what_would_have_been_refused_is_summed_and_goes_on_too() -> None:
    before, after = Totals(), Totals()
    shadow = TrafficRow(1, "a", "", "", 429, "p", "c", 0, 0, 0, {}, {}, 4)
    before.add([shadow, shadow])
    after.add(before.rows())
    ((_, sums),) = after.series.items()
    assert (sums.requests, sums.shadowed) == (0, 8)
