"""Two runs side by side: the median latency of each subject, and its 90th percentile."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from mvmoe_bench.report.formatting import count
from mvmoe_bench.report.index import Index
from mvmoe_bench.report.printed import printed
from mvmoe_bench.report.section_part import ComparedKind
from mvmoe_bench.report.statistics import MS, PerRepeat
from mvmoe_bench.report.verdicts import VerdictRow, time_rows


def _median(index: Index, key: str) -> PerRepeat:
    """Latency in ms."""
    return index.per_repeat(index.natural(key), lambda sample: sample.ns * MS)


def _tail(index: Index, key: str) -> PerRepeat:
    """The 90th percentile of each repeat, in ms."""
    return index.tail(index.natural(key), lambda sample: sample.ns * MS, 90)


def _sentences(rows: list[VerdictRow]) -> Iterator[str]:
    """How many latencies changed, and which most."""
    timed = [row for row in rows if row.ratio is not None]
    judged = [row for row in timed if not row.why]
    reasons = "; ".join(dict.fromkeys(row.why for row in timed if row.why))
    if not timed:
        yield "No subject's latency was measured in both runs."
    elif not judged:
        yield f"There is no verdict on any latency: {reasons}."
    else:
        faster, slower, neither = (
            sum(row.verdict == verdict for row in judged)
            for verdict in ("faster", "slower", "not told apart")
        )
        left = len(timed) - len(judged)
        missing = f" There is no verdict on {left}: {reasons}." if left else ""
        yield (
            f"Of {count(len(judged), 'subject')} in both runs, B is faster for {faster}, slower "
            f"for {slower}, and not told apart for {neither}.{missing}{_largest(judged)}"
        )


def _largest(judged: Sequence[VerdictRow]) -> str:
    """The latency that changed most, of those that are told apart."""
    changed = [
        (row.name, row.ratio)
        for row in judged
        if row.verdict in ("faster", "slower") and row.ratio is not None
    ]
    if not changed:
        return ""
    name, ratio = max(changed, key=lambda item: abs(np.log(item[1].value)))
    shown = printed(ratio)
    return f" The largest change: {name} takes {shown.value} times as long in B ({shown.interval})."


KINDS = (
    ComparedKind(
        id="latency",
        title="Latency",
        lead="Median time of a warm answer.",
        rows=partial(time_rows, _median),
        sentences=_sentences,
    ),
    ComparedKind(
        id="latency-p90",
        title="Latency, 90th percentile",
        lead="What nine of ten warm answers of a repeat do not exceed: the median of that over "
        "repeats. Repeats of fewer than ten answers are left out.",
        rows=partial(time_rows, _tail),
    ),
)
