"""Host time: a table, and a sentence on the main subject."""

from collections.abc import Iterator

from mvmoe_bench.report import columns
from mvmoe_bench.report.printed import printed
from mvmoe_bench.report.run_summary import Summary
from mvmoe_bench.report.section_part import Point, View
from mvmoe_bench.report.sections.host_time.figures import HostTime

Found = tuple[HostTime, ...]


def view(summary: Summary, found: Found) -> View:
    """A row for each product."""
    return View(
        (
            columns.table(
                "Host time in microseconds an image, paired by round",
                ((row,) for row in found),
                columns.text("subject", lambda row: summary.names[row.subject], brief=True),
                columns.text("above", lambda row: summary.names[row.floor]),
                columns.estimate("host time", lambda row: row.us, brief=True),
                columns.count("n", lambda row: row.us.n, "Rounds.", brief=True),
                columns.count("repeats", lambda row: row.us.repeats),
            ),
        ),
        "What an answer takes above the same graphs alone, which are run one after the other with "
        "routes, gates and bindings known beforehand; images lie where the stem reads them.",
    )


def sentences(summary: Summary, found: Found) -> Iterator[Point]:
    """The host time of the main subject."""
    for row in found:
        if row.subject == summary.main:
            shown = printed(row.us)
            yield Point(
                topic="Speed",
                text=f"Above its graphs alone an image takes {shown.value} microseconds "
                f"({shown.interval}) on the host.",
            )
