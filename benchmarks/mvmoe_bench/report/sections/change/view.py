"""Changes of expert: a table, and a sentence on the main subject."""

from collections.abc import Iterator

from mvmoe_bench.report import columns
from mvmoe_bench.report.printed import printed
from mvmoe_bench.report.run_summary import Summary
from mvmoe_bench.report.section_part import Point, View
from mvmoe_bench.report.sections.change.figures import Change

Found = tuple[Change, ...]


def view(summary: Summary, found: Found) -> View:
    """A row for each product and room."""
    return View(
        (
            columns.table(
                "What a change of expert adds to an answer",
                ((row,) for row in found),
                columns.text("subject", lambda row: summary.names[row.subject], brief=True),
                columns.text("experts", lambda row: row.room, "That may stay in memory in each "
                             "routed stage.", brief=True),
                columns.estimate("added ms", lambda row: row.warm, brief=True),
                columns.estimate("after the stem, ms", lambda row: row.step, "The stem runs "
                                 "before the route is known: what it takes more is chance."),
                columns.estimate("to load or bind, us", lambda row: row.load),
                columns.estimate("the first time, ms", lambda row: row.first, "To a route that "
                                 "was never taken in this process; after the stem."),
                columns.estimate("to load or bind the first time, us", lambda row: row.first_load),
                columns.estimate("cache dropped, ms", lambda row: row.dropped, "What it reads was "
                                 "dropped from the system's page cache; after the stem.",
                                 brief=True),
                columns.estimate("one read, ms", lambda row: row.read, "One pread of the same "
                                 "bytes, dropped again."),
                columns.estimate("over one read", lambda row: row.over_read, brief=True),
                columns.count("repeats", lambda row: row.warm and row.warm.repeats),
            ),
        ),
        "Two answers to one image right after each other: the first takes the route of the answer "
        "before, the second another one. Routes are imposed, and what imposing takes is left out.",
    )  # fmt: skip


def sentences(summary: Summary, found: Found) -> Iterator[Point]:
    """What a change adds for the main subject, all experts in memory."""
    for row in found:
        if row.subject == summary.main and row.budget is None and row.step is not None:
            shown = printed(row.step)
            yield Point(
                topic="Speed",
                text=f"A change of expert adds {shown.value} ms ({shown.interval}) to an answer "
                "while everything is in memory.",
            )
