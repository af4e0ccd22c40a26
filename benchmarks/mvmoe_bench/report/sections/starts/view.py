"""From opening to the first answer, Python's part before it, and what loading each graph takes."""

from collections.abc import Iterator, Sequence

from mvmoe_bench.report import columns
from mvmoe_bench.report.blocks import Block, Chart, TableBlock, Tile
from mvmoe_bench.report.formatting import count, route
from mvmoe_bench.report.plots.stacks import Stack, StackPlot
from mvmoe_bench.report.printed import printed
from mvmoe_bench.report.run_summary import Summary
from mvmoe_bench.report.section_part import Measured, Point, View
from mvmoe_bench.report.sections.starts.figures import AllStarts, Load, Starts
from mvmoe_bench.report.statistics import Estimate
from mvmoe_bench.report.subjects import is_product

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


def view(summary: Summary, found: AllStarts) -> View:
    """Stacked starts, and loads of single graphs."""
    blocks: list[Block] = []
    if found.starts:
        blocks += [
            _chart(summary, found.starts),
            _table(summary, found.starts),
            _components(summary, found.starts),
        ]
    if found.loads:
        blocks.append(_loads(summary, found.loads))
    return View(
        tuple(blocks),
        "Open and first answer: reading the manifest, checking hashes, opening and answering once. "
        "Before that, the program starts (Python, a JVM, the Swift runner) and brings in its "
        "modules; those are parts of their own, which an app does not have. Every start is a "
        "process of its own. The files were read before, so as a rule they are in the system's "
        "cache: this is a second start, not the first one after a reboot.",
    )


def beside(runs: Sequence[Measured[AllStarts]]) -> View | None:
    """The starts of every device's subjects."""
    rows = [(run, key, starts) for run in runs for key, starts in run.figures.starts.items()]
    table = columns.table(
        "Start in milliseconds, by device: opening and first answer",
        rows,
        columns.text("device", lambda run, *_: run.run, brief=True),
        columns.text("subject", lambda run, key, _: run.summary.names[key], brief=True),
        columns.estimate("open + first answer", lambda *row: row[-1].ready_ms, brief=True),
        columns.estimate("process in all", lambda *row: row[-1].python_ms, "What comes before.",
                         interval=False),
        columns.count("n", lambda *row: row[-1].n, "Processes.", brief=True),
    )  # fmt: skip
    return View((table,), "Each in fresh processes of its own device.") if rows else None


def _chart(summary: Summary, found: dict[str, Starts]) -> Chart:
    """One bar for each subject."""
    stacks = tuple(
        Stack(
            summary.names[key],
            _values(starts),
            f"{printed(starts.ready_ms).value} ms",
            f"{printed(starts.ready_ms).marked}, n = {starts.n}; "
            f"process {printed(starts.python_ms).value}",
        )
        for key, starts in found.items()
    )
    return Chart(
        "Opening and first answer, and what the process took before",
        "Bars: medians of each component, those of opening and answering first, then the start of "
        "its process; number: median of opening and answering together with its 95% interval, and "
        "of that start; n: processes.",
        StackPlot(tuple((name, colour) for _, name, colour, *_ in _PARTS), stacks, "milliseconds"),
    )


def _values(starts: Starts) -> tuple[float, ...]:
    """Medians in the order of the plot."""
    medians = [_median(starts, name) for name, *_ in _PARTS]
    return tuple(ms.value if ms is not None else 0.0 for ms in medians)


def _table(summary: Summary, found: dict[str, Starts]) -> TableBlock:
    """All components."""

    def component(name: str, title: str, help: str) -> columns.Field:
        return columns.estimate(title, lambda _, row: _median(row, name), help, interval=False)

    return columns.table(
        "Start in milliseconds: medians of open and first answer, and of each component",
        found.items(),
        columns.text("subject", lambda key, _: summary.names[key], brief=True),
        columns.estimate("open + first answer", lambda _, row: row.ready_ms,
                         "Manifest, hashes, open and first answer together.", brief=True),
        *(component(name, title, help) for name, _, __, title, help in _PARTS),
        columns.estimate("process in all", lambda _, row: row.python_ms,
                         "Start of the program (Python, a JVM, the Swift runner) and its modules "
                         "together.", brief=True, interval=False),
        columns.estimate("over static", lambda _, row: row.over_oracle, "Open and first answer, "
                         "times those of the static graph, which checks no hashes and loads one "
                         "graph."),
        columns.count("n", lambda _, row: row.n, "Processes.", brief=True),
    )  # fmt: skip


def _median(starts: Starts, name: str) -> Estimate | None:
    """The median of one component; None if the subject does not have it."""
    return next((part.ms for part in starts.parts if part.name == name), None)


def _components(summary: Summary, found: dict[str, Starts]) -> TableBlock:
    """Every component with its interval."""
    titles = {name: title for name, title, *_ in _PARTS}
    rows: list[tuple[str, str, Estimate]] = []
    for key, starts in found.items():
        rows += [(key, titles[part.name], part.ms) for part in starts.parts]
        rows.append((key, "process in all", starts.python_ms))
        if starts.first_load_ms is not None:
            rows.append((key, "of the first answer: loading its expert", starts.first_load_ms))
    return columns.table(
        "Components of a start, with intervals",
        rows,
        columns.text("subject", lambda key, *_: summary.names[key]),
        columns.text("component", lambda _, title, __: title),
        columns.estimate("median ms", lambda _, __, ms: ms),
        columns.count("n", lambda _, __, ms: ms.n, "Processes."),
        folded=True,
    )


def _loads(summary: Summary, found: dict[str, tuple[Load, ...]]) -> TableBlock:
    """Every graph."""
    return columns.table(
        "Milliseconds to bring each graph into memory and run it",
        ((key, load) for key, loads in found.items() for load in loads),
        columns.text("subject", lambda key, _: summary.names[key]),
        columns.text("graph", lambda _, load: load.graph),
        columns.text("route", lambda _, load: route(load.route or ())),
        columns.estimate("load", lambda _, load: load.load_ms),
        columns.estimate("first run", lambda _, load: load.first_ms),
        columns.estimate("second run", lambda _, load: load.warm_ms),
        columns.count("n", lambda _, load: load.n, "Processes."),
        folded=True,
    )


def tiles(summary: Summary, found: AllStarts) -> Iterator[Tile]:
    """Opening to first answer."""
    if summary.main in found.starts:
        ready = found.starts[summary.main].ready_ms
        shown = printed(ready)
        note = f"{shown.interval}, n = {count(ready.n, 'process', 'processes')}"
        yield Tile("first answer", shown.value, "ms", note)


def recommendations(summary: Summary, found: AllStarts) -> Iterator[Point]:
    """When an application should open it."""
    if summary.main in found.starts:
        shown = printed(found.starts[summary.main].ready_ms)
        yield Point(
            topic="When should the app open it?",
            text=f"Before the first image: opening and the first answer together take "
            f"{shown.value} ms ({shown.interval}).",
        )


def sentences(summary: Summary, found: AllStarts) -> Iterator[Point]:
    """From opening to the first answer, and what its process takes before, of the first product."""
    key = summary.main or next((s.key for s in summary.subjects if is_product(s)), None)
    if key in found.starts:
        starts = found.starts[key]
        ready, python = printed(starts.ready_ms), printed(starts.python_ms)
        yield Point(
            topic="Start",
            text=f"In a fresh process, opening and the first answer together take {ready.value} ms "
            f"({ready.interval}), with files that were read before. Before that, starting the "
            f"process and its modules takes {python.value} ms ({python.interval}), which an app "
            "does not have.",
        )
