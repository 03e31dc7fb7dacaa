"""A mergeable latency histogram: log-linear buckets of microseconds, at most 6.25 % wide.

Adding the counts of two histograms gives the histogram of both, so percentiles over any span are computed from sums
and never averaged. A histogram is a mapping of bucket index to count.
"""

from collections.abc import Mapping

# Each power of two is cut into 16 equal parts; values below 16 µs have a bucket each.
SUB_BITS = 4
SUB = 1 << SUB_BITS


def bucket(micros: int) -> int:
    """Return the index of the bucket that holds a duration in microseconds."""
    if micros < SUB:
        return micros if micros > 0 else 0
    shift = micros.bit_length() - SUB_BITS - 1
    return (shift << SUB_BITS) + (micros >> shift)


def bounds(index: int) -> tuple[int, int]:
    """Return the lowest duration of a bucket and the lowest of the next, in microseconds."""
    if index < SUB:
        return index, index + 1
    shift = (index >> SUB_BITS) - 1
    low = ((index & (SUB - 1)) + SUB) << shift
    return low, low + (1 << shift)


def quantile(counts: Mapping[int, int], q: float) -> float | None:
    """Return the q-quantile (0..1) in microseconds, interpolated inside its bucket; None when empty."""
    total = sum(counts.values())
    if not total:
        return None
    rank = q * total
    seen = 0
    for index in sorted(counts):
        count = counts[index]
        if seen + count >= rank:
            low, high = bounds(index)
            return low + (high - low) * max(0.0, rank - seen) / count
        seen += count
    raise AssertionError("unreachable: the rank is at most the total")
