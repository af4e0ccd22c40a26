"""Section `failures-counted`: how many subjects failed."""

from mvmoe_bench.measure.schema.records import Failure
from mvmoe_bench.report.index import Index
from mvmoe_bench.report.section_part import Point, SectionPart


def _figures(index: Index) -> int:
    return len(index.of_kind(Failure))


PART = SectionPart(
    name="failures-counted",
    title="Failures counted",
    order=950,
    figures=_figures,
    view=lambda summary, found: None,
    sentences=lambda summary, found: [Point(topic="Failures", text=f"{found} subjects failed.")],
)
