"""What processes hold in memory."""

from mvmoe_bench.figures.common import Estimate
from mvmoe_bench.figures.memory import MemoryFigure
from mvmoe_bench.figures.summary import Summary
from mvmoe_bench.figures.words import significant
from mvmoe_bench.reporting.blocks import Cell, Chart, Column, Section, Table, number, rows, text
from mvmoe_bench.reporting.names import subject_names
from mvmoe_bench.reporting.plots.stacks import Stack, StackPlot
from mvmoe_bench.reporting.sections.latency import spread

_KINDS = (("process, engine and code", "c6"), ("added by the model", "c1"))


def memory(summary: Summary) -> Section | None:
    """Bars by subject and budget, and all numbers."""
    found = having(summary)
    if not found:
        return None
    kinds = sorted({figure.memory_of for figure in found})
    return Section(
        "memory",
        "Memory",
        (chart(summary), _table(summary, found)),
        f"Measured as {', '.join(_KIND.get(kind, kind) for kind in kinds)}, each in a process of "
        "its own, after every image was answered.",
    )


_KIND = {
    "PSS": "PSS (a page that n processes share counts as one n-th)",
    "RSS": "RSS (the resident set)",
    "footprint": "footprint (what the system charges the process for)",
}


def having(summary: Summary) -> list[MemoryFigure]:
    """Every subject under every budget."""
    return [figure for subject in summary.subjects for figure in subject.memory]


def chart(summary: Summary) -> Chart:
    """One bar for each subject and budget."""
    names, found = subject_names(summary), having(summary)
    stacks = tuple(
        Stack(
            _name(names[figure.subject], figure),
            (figure.base_bytes / 1e6, max(figure.added_bytes.value, 0) / 1e6),
            f"{significant(figure.loaded_bytes.value / 1e6)} MB",
            f"added {significant(figure.added_bytes.value / 1e6)}, n = {figure.n}",
        )
        for figure in found
    )
    spoken = "; ".join(f"{stack.name} {stack.value}, {stack.note}" for stack in stacks)
    return Chart(
        "Memory held after all images",
        "Medians over n processes; grey: what the process held before the model was opened. "
        "Intervals are in the table.",
        StackPlot(_KINDS, stacks, "MB (a million bytes)"),
        f"Memory: {spoken}",
    )


def _name(name: str, figure: MemoryFigure) -> str:
    """Subject and budget."""
    return name if figure.budget is None else f"{name}, room for {figure.budget}"


def _table(summary: Summary, found: list[MemoryFigure]) -> Table:
    """All medians."""
    names = subject_names(summary)
    columns = (
        Column("subject", number=False),
        Column("experts", number=False, help="That may stay in memory in each routed stage."),
        Column("held", help="What the process held after all images."),
        Column("95% interval", number=False),
        Column("added", help="Held less what the process held before the model was opened."),
        Column("95% interval", number=False),
        Column("before", help="The model was opened."),
        Column("peak RSS", help="The largest resident set the process ever had."),
        Column("closed", help="After the model was closed."),
        Column("n"),
    )
    cells = [
        [
            text(names[figure.subject]),
            text("all" if figure.budget is None else figure.budget),
            number(figure.loaded_bytes.value / 1e6),
            _megabytes(figure.loaded_bytes),
            number(figure.added_bytes.value / 1e6),
            _megabytes(figure.added_bytes),
            number(figure.base_bytes / 1e6),
            number(None if figure.peak_rss_bytes is None else figure.peak_rss_bytes / 1e6),
            number(figure.released_bytes / 1e6),
            number(figure.n, str(figure.n)),
        ]
        for figure in found
    ]
    return Table("Memory of a process in MB: medians", columns, rows(cells))


def _megabytes(estimate: Estimate) -> Cell:
    """An interval of bytes in MB."""
    if estimate.low is None or estimate.high is None:
        return spread(None, None)
    return spread(estimate.low / 1e6, estimate.high / 1e6, estimate.rough)
