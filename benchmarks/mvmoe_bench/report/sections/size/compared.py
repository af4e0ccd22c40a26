"""Two runs side by side: the bytes of each bundle's targets, which are exact."""

from mvmoe_bench.report.index import Index
from mvmoe_bench.report.section_part import ComparedKind
from mvmoe_bench.report.sections.size.figures import sizes
from mvmoe_bench.report.verdicts import Judge, VerdictRow, exact_rows


def _rows(one: Index, two: Index, judge: Judge) -> list[VerdictRow]:
    """A row for each target of each bundle; nothing has to be judged."""
    first, second = (
        {f"{its.bundle}, {its.target}": its.total_bytes for its in sizes(index) or ()}
        for index in (one, two)
    )
    return exact_rows(first, second)


KIND = ComparedKind(
    id="size",
    title="Bundle size",
    lead="Bytes on disk: exact, so there is no interval.",
    rows=_rows,
    compared="bundle",
)
