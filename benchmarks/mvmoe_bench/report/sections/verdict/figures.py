"""What the timed answers of a run are worth."""

from mvmoe_bench.report.index import Index
from mvmoe_bench.report.statistics import Figure
from mvmoe_bench.report.validity import JudgedRun, Validity, judged_runs, weakest


class RunVerdict(Figure, frozen=True):
    """The verdict on a whole run, and on each subject in each mode."""

    verdict: Validity
    """The weakest of all."""
    runs: tuple[JudgedRun, ...]


def verdict(index: Index) -> RunVerdict | None:
    """The verdict; None if nothing was timed."""
    runs = judged_runs(index)
    return RunVerdict(verdict=weakest(runs), runs=runs) if runs else None
