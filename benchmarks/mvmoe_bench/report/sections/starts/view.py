"""From opening to the first answer, Python's part before it, and what loading each graph takes."""

from mvmoe_bench.report import words as say
from mvmoe_bench.report.blocks import (
    Block,
    Chart,
    Column,
    Section,
    Table,
    figures,
    number,
    rows,
    text,
    words,
)
from mvmoe_bench.report.names import subject_names
from mvmoe_bench.report.plots.stacks import Stack, StackPlot
from mvmoe_bench.report.printed import printed
from mvmoe_bench.report.sections.starts.figures import Starts
from mvmoe_bench.report.summary import SubjectFigure, Summary

_PARTS = (
    ("parse", "manifest", "ink", "manifest", "Reading the bundle's manifest."),
    ("hash", "hashes", "c2", "hashes", "Checking the files against the manifest's hashes."),
    ("open", "open and load", "c1", "open", "Making the engine ready and loading the first "
     "graph: the stem, or the only one."),
    ("first", "first answer", "c3", "first", "The first answer, what it has to load included."),
    ("process", "Python starts", "c6", "Python", "Until Python runs; a phone has none."),
    ("engine_import", "Python imports engine", "c4", "import engine", "Importing the engine's "
     "Python modules, its library with them; an app only loads the library."),
    ("code_import", "Python imports code", "c5", "import code", "Importing the Python code that "
     "uses the engine; a phone has none."),
)  # fmt: skip
"""Component, name in the plot, colour, name in the table, what it is."""


def starts(summary: Summary) -> Section | None:
    """Stacked starts, and loads of single graphs."""
    found = _having(summary)
    blocks: list[Block] = []
    if found:
        blocks += [_chart(summary, found), _table(summary, found), _components(summary, found)]
    if any(subject.loads for subject in summary.subjects):
        blocks.append(_loads(summary))
    if not blocks:
        return None
    return Section(
        "starts",
        "Start",
        tuple(blocks),
        "Open and first answer: reading the manifest, checking hashes, opening and answering once. "
        "Before that, Python starts and imports modules; those are parts of their own, which an "
        "app without Python does not have. Every start is a process of its own. The files were "
        "read before, so as a rule they are in the system's cache: this is a second start, not the "
        "first one after a reboot.",
    )


def _having(summary: Summary) -> list[tuple[SubjectFigure, Starts]]:
    """Subjects whose start was measured."""
    return [(subject, subject.starts) for subject in summary.subjects if subject.starts is not None]


def _chart(summary: Summary, found: list[tuple[SubjectFigure, Starts]]) -> Chart:
    """One bar for each subject."""
    names = subject_names(summary)
    stacks = tuple(
        Stack(
            names[subject.key],
            _values(its),
            f"{printed(its.ready_ms).value} ms",
            f"{printed(its.ready_ms).marked}, n = {its.n}; Python {printed(its.python_ms).value}",
        )
        for subject, its in found
    )
    spoken = "; ".join(f"{stack.name} {stack.value} ({stack.note})" for stack in stacks)
    return Chart(
        "Opening and first answer; beside them what Python took before",
        "Bars: medians of each component, those of opening and answering first, then Python's own; "
        "number: median of opening and answering together with its 95% interval, and of Python's "
        "part; n: processes.",
        StackPlot(tuple((name, hue) for _, name, hue, *_ in _PARTS), stacks, "milliseconds"),
        f"Starts: {spoken}",
    )


def _values(its: Starts) -> tuple[float, ...]:
    """Medians in the order of the plot."""
    known = {part.name: part.median_ms for part in its.parts}
    return tuple(known.get(name, 0.0) for name, *_ in _PARTS)


def _table(summary: Summary, found: list[tuple[SubjectFigure, Starts]]) -> Table:
    """All components."""
    names = subject_names(summary)
    columns = (
        Column("subject", number=False),
        Column("open + first answer", help="Manifest, hashes, open and first answer together."),
        Column("95% interval", number=False),
        *(Column(title, help=help) for *_, title, help in _PARTS),
        Column("Python in all", help="Start of Python and imports together."),
        Column(
            "over static",
            help="Open and first answer, times those of the static graph, which "
            "checks no hashes and loads one graph.",
        ),
        Column("95% interval", number=False),
        Column("n", help="Processes."),
    )
    cells = []
    for subject, its in found:
        known = {part.name: part.ms for part in its.parts}
        cells.append(
            [
                text(names[subject.key]),
                *figures(its.ready_ms),
                *(figures(known.get(name))[0] for name, *_ in _PARTS),
                figures(its.python_ms)[0],
                *figures(its.over_static),
                number(its.n, str(its.n)),
            ]
        )
    return Table("Start in milliseconds: medians of open and first answer, and of each component",
                 columns, rows(cells))  # fmt: skip


def _components(summary: Summary, found: list[tuple[SubjectFigure, Starts]]) -> Table:
    """Every component with its interval."""
    names = subject_names(summary)
    titles = {name: title for name, title, *_ in _PARTS}
    columns = (
        *words("subject", "component"),
        Column("median ms"),
        Column("95% interval", number=False),
        Column("n", help="Processes."),
    )
    cells = []
    for subject, its in found:
        parts = [(titles[part.name], part.ms) for part in its.parts]
        parts.append(("Python in all", its.python_ms))
        if its.first_load_ms is not None:
            parts.append(("of the first answer: loading its expert", its.first_load_ms))
        cells += [
            [text(names[subject.key]), text(title), *figures(ms), number(ms.n, str(ms.n))]
            for title, ms in parts
        ]
    return Table("Components of a start, with intervals", columns, rows(cells), folded=True)


def _loads(summary: Summary) -> Table:
    """Every graph."""
    names = subject_names(summary)
    columns = (
        Column("subject", number=False),
        Column("graph", number=False),
        Column("route", number=False),
        Column("load"),
        Column("95% interval", number=False),
        Column("first run"),
        Column("95% interval", number=False),
        Column("second run"),
        Column("95% interval", number=False),
        Column("n", help="Processes."),
    )
    cells = [
        [
            text(names[subject.key]),
            text(load.graph),
            text(say.route(load.route or ())),
            *figures(load.load_ms),
            *figures(load.first_ms),
            *figures(load.warm_ms),
            number(load.n, str(load.n)),
        ]
        for subject in summary.subjects
        for load in subject.loads
    ]
    return Table(
        "Milliseconds to bring each graph into memory and run it", columns, rows(cells), folded=True
    )
