"""Latencies of the subjects of a run, paired by round."""

from mvmoe_bench.measure.jobs.latency import Sample
from mvmoe_bench.measure.schema.results import RunLines
from mvmoe_bench.report.statistics import MS, PerRepeat, Ratio, paired_ratio

Latencies = dict[tuple[int, int], int]
"""Nanoseconds of one subject by repeat and round."""


def latencies(run: RunLines) -> dict[str, Latencies]:
    """Of each subject of a run."""
    found: dict[str, Latencies] = {}
    for line in run.lines:
        if isinstance(line, Sample):
            found.setdefault(line.subject, {})[line.repeat, line.round] = line.ns
    return found


def median_ms(of: Latencies) -> float:
    """The median over repeats of each one's median, in milliseconds."""
    return PerRepeat.of(list(of.values()), [repeat for repeat, _ in of]).value * MS


def ratio(above: Latencies, below: Latencies) -> Ratio:
    """How many times one subject takes what another takes, over the rounds that both have."""
    rounds = sorted(above.keys() & below.keys())
    return paired_ratio(
        [above[key] for key in rounds],
        [below[key] for key in rounds],
        [repeat for repeat, _ in rounds],
    )
