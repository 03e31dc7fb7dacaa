from gateway_runtime.admin.metrics import BOUNDARIES, cumulative
from gateway_runtime.schema.histogram import bucket


def test_buckets_are_cumulative_and_end_with_all() -> None:
    buckets, total = cumulative({bucket(1_000): 3, bucket(30_000): 2, bucket(20_000_000): 1})
    counts = dict(buckets)
    assert counts["0.005"] == 3
    assert counts["0.025"] == 3
    assert counts["0.05"] == 5
    assert counts[str(BOUNDARIES[-1])] == 5
    assert buckets[-1] == ("+Inf", 6)
    assert abs(total - 20.063) < 0.7


def test_no_durations_make_empty_buckets() -> None:
    buckets, total = cumulative({})
    assert {count for _, count in buckets} == {0}
    assert total == 0
