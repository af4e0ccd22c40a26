"""What processes hold in memory."""

from mvmoe_bench.report.blocks import (
    Chart,
    Column,
    Section,
    Table,
    figures,
    number,
    rows,
    text,
)
from mvmoe_bench.report.names import subject_names
from mvmoe_bench.report.plots.stacks import Stack, StackPlot
from mvmoe_bench.report.printed import printed
from mvmoe_bench.report.sections.memory.figures import MemoryFigure
from mvmoe_bench.report.summary import Summary

_KINDS = (
    ("before the model was opened", "c6"),
    ("added: anonymous", "c1"),
    ("added: mapped pages of its files", "c3"),
)
_MB = 1e-6
_KIND = {
    "own": "the process's own memory: anonymous pages (heap, stacks, copies of weights, swapped "
    "ones too) and the pages of the subject's own files that it maps, each counted once. Pages of "
    "other files are left out, such as clean pages of shared libraries, which the system shares "
    "among all that map them; so other processes do not change these numbers",
    "RSS": "the resident set (RSS), shared libraries included, because this system does not tell "
    "the parts apart",
    "footprint": "the footprint that the system charges the process for",
}


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
        f"Measured as {'; '.join(_KIND.get(kind, kind) for kind in kinds)}. Each number is of "
        "processes of their own, after the subject answered its images (the static graph: those of "
        "one route).",
    )


def having(summary: Summary) -> list[MemoryFigure]:
    """Every subject under every budget."""
    return [figure for subject in summary.subjects for figure in subject.memory]


def chart(summary: Summary) -> Chart:
    """One bar for each subject and budget."""
    names, found = subject_names(summary), having(summary)
    stacks = tuple(
        Stack(
            _name(names[figure.subject], figure),
            _parts(figure),
            f"{printed(figure.loaded_bytes, _MB).value} MB",
            f"added {printed(figure.added.total, _MB).value}, n = {figure.n}",
        )
        for figure in found
    )
    spoken = "; ".join(f"{stack.name} {stack.value}, {stack.note}" for stack in stacks)
    return Chart(
        "Memory held after its images were answered",
        "Medians over n processes; grey: what the process held before the model was opened; blue "
        "and green: what the model added. Intervals are in the table.",
        StackPlot(_KINDS, stacks, "MB (a million bytes)"),
        f"Memory: {spoken}",
    )


def _parts(figure: MemoryFigure) -> tuple[float, float, float]:
    """MB before, and those that were added by part; all of it is the first if not told apart."""
    anonymous, files = figure.added.anonymous, figure.added.bundle_files
    added = (
        (figure.added.total.value, 0.0)
        if anonymous is None or files is None
        else (anonymous.value, files.value)
    )
    return figure.base_bytes * _MB, max(added[0], 0) * _MB, max(added[1], 0) * _MB


def _name(name: str, figure: MemoryFigure) -> str:
    """Subject and budget."""
    return name if figure.budget is None else f"{name}, room for {figure.budget}"


def _table(summary: Summary, found: list[MemoryFigure]) -> Table:
    """All medians."""
    names = subject_names(summary)
    columns = (
        Column("subject", number=False),
        Column("experts", number=False, help="That may stay in memory in each routed stage."),
        Column("held", help="What the process held after its images were answered."),
        Column("95% interval", number=False),
        Column("added", help="Held less what the process held before the model was opened."),
        Column("95% interval", number=False),
        Column("anonymous", help="Of what was added: memory that is of no file."),
        Column("95% interval", number=False),
        Column("its files", help="Of what was added: mapped pages of the subject's own files."),
        Column("95% interval", number=False),
        Column("before", help="The model was opened."),
        Column("peak RSS", help="The largest resident set the process ever had, shared libraries "
               "included: not to be compared with the others."),
        Column("closed", help="After the model was closed."),
        Column("n", help="Processes."),
    )  # fmt: skip
    cells = [
        [
            text(names[figure.subject]),
            text("all" if figure.budget is None else figure.budget),
            *figures(figure.loaded_bytes, _MB),
            *figures(figure.added.total, _MB),
            *figures(figure.added.anonymous, _MB),
            *figures(figure.added.bundle_files, _MB),
            number(figure.base_bytes * _MB),
            number(None if figure.peak_rss_bytes is None else figure.peak_rss_bytes * _MB),
            number(figure.released_bytes * _MB),
            number(figure.n, str(figure.n)),
        ]
        for figure in found
    ]
    return Table("Memory of a process in MB (a million bytes): medians", columns, rows(cells))
