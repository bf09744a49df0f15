"""Writes NAME.python.v2 and python.tsv with the Python package `hdrhistogram`; see README.md."""

import base64
import math
import pathlib
import random
import zlib

from hdrh.histogram import HdrHistogram

HERE = pathlib.Path(__file__).parent
LOWEST_US, HIGHEST_US, DIGITS = 1, 60_000_000, 3


def wan():
    """A minute of one long path: 60 samples around 80 ms, one of them delayed by a lost SYN."""
    draw = random.Random(1)
    return [(int(draw.lognormvariate(math.log(80_000), 0.1)), 1) for _ in range(59)] + [(1_081_234, 1)]


def wide():
    """10 000 samples spread evenly over all orders of magnitude."""
    draw = random.Random(2)
    return [(int(math.exp(draw.uniform(0, math.log(HIGHEST_US)))), 1) for _ in range(10_000)]


# Each sample is (latency in µs, count).
CASES = {
    "empty": [],
    "single": [(80_000, 1)],
    "wan_60": wan(),
    "wide_10000": wide(),
    "bounds": [(LOWEST_US, 3), (HIGHEST_US, 2)],
    # Numbers of up to eight bytes, as far as JavaScript's floating point counts.
    "large_counts": [(1000 + 500 * power, 1 << power) for power in range(4, 52)],
    # Numbers of nine bytes, and a sum just below the limit of 2^63 - 1.
    "huge_counts": [(5, 1 << 55), (2_000, 1 << 61), (300_000, 1 << 62), (HIGHEST_US, (1 << 60) - 1)],
}


def v2_bytes(histogram):
    """The package only writes the compressed form: an 8-byte header, then zlib around V2."""
    return zlib.decompress(base64.b64decode(histogram.encode())[8:])


with open(HERE / "python.tsv", "w", encoding="utf-8") as table:
    print("name", "count", "min_us", "max_us", "mean_us", sep="\t", file=table)
    for name, samples in CASES.items():
        histogram = HdrHistogram(LOWEST_US, HIGHEST_US, DIGITS)
        for latency, count in samples:
            assert histogram.record_value(latency, count)
        (HERE / f"{name}.python.v2").write_bytes(v2_bytes(histogram))
        facts = (
            [histogram.get_min_value(), histogram.get_max_value(), repr(histogram.get_mean_value())]
            if samples
            else ["-"] * 3
        )
        print(name, histogram.get_total_count(), *facts, sep="\t", file=table)
