"""Two runs side by side: opening to the first answer of each subject."""

from mvmoe_bench.report.index import Index
from mvmoe_bench.report.section_part import ComparedKind
from mvmoe_bench.report.sections.starts.figures import ready_times
from mvmoe_bench.report.verdicts import Judge, VerdictRow, time_rows


def _rows(one: Index, two: Index, judge: Judge) -> list[VerdictRow]:
    """A row for each subject."""
    return time_rows(ready_times, one, two, judge)


KIND = ComparedKind(
    id="start",
    title="Start",
    lead="Opening to first answer in a fresh process; Python's own start and imports are left out.",
    rows=_rows,
)
