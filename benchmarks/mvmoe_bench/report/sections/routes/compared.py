"""Two runs side by side: the expected latency of each subject that routes."""

from mvmoe_bench.report.index import Index
from mvmoe_bench.report.section_part import ComparedKind
from mvmoe_bench.report.sections.routes.figures import distributions, expectation, routed_samples
from mvmoe_bench.report.statistics import PerRepeat
from mvmoe_bench.report.verdicts import Judge, VerdictRow, time_rows


def _rows(one: Index, two: Index, judge: Judge) -> list[VerdictRow]:
    """A row for each subject that says its routes."""
    return time_rows(_expected, one, two, judge)


def _expected(index: Index, key: str) -> PerRepeat | None:
    """Expected latency in ms under the given distribution, else under the usage prior."""
    samples = routed_samples(index, key)
    if not samples:
        return None
    known = distributions(index, index.subjects[key])
    shares = known.get("given distribution") or known.get("usage prior")
    found = expectation(samples, shares) if shares else None
    return found[0] if found is not None else None


KIND = ComparedKind(
    id="expected",
    title="Expected latency",
    lead="Mean over routes under the given distribution, else under the bundle's usage prior.",
    rows=_rows,
)
