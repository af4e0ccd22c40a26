"""What processes hold in memory."""

from collections.abc import Callable, Iterator

from mvmoe_bench.report import columns
from mvmoe_bench.report.blocks import Chart, TableBlock, Tile
from mvmoe_bench.report.formatting import count, room_for
from mvmoe_bench.report.plots.stacks import Stack, StackPlot
from mvmoe_bench.report.printed import printed
from mvmoe_bench.report.run_summary import Summary
from mvmoe_bench.report.section_part import Point, View
from mvmoe_bench.report.sections.memory.figures import MemoryFigure
from mvmoe_bench.report.statistics import Estimate, conclusive
from mvmoe_bench.report.subjects import is_product

Found = tuple[MemoryFigure, ...]
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
    "pss": "the proportional set size (PSS): all that the process holds, with its share of what "
    "other processes hold too",
}


def view(summary: Summary, found: Found) -> View:
    """Bars by subject and budget, and all numbers."""
    kinds = sorted({held.memory_of for held in found})
    return View(
        (_chart(summary, found), _table(summary, found)),
        f"Measured as {'; '.join(_KIND.get(kind, kind) for kind in kinds)}. Each number is of "
        "processes of their own, after the subject answered its images (the static graph: those of "
        "one route).",
    )


def _chart(summary: Summary, found: Found) -> Chart:
    """One bar for each subject and budget."""
    stacks = tuple(
        Stack(
            _name(summary.names[held.subject], held),
            _parts(held),
            f"{printed(held.loaded_bytes, _MB).value} MB",
            f"added {printed(held.added.total, _MB).value}, n = {held.n}",
        )
        for held in found
    )
    return Chart(
        "Memory held after its images were answered",
        "Medians over n processes; grey: what the process held before the model was opened; blue "
        "and green: what the model added. Intervals are in the table.",
        StackPlot(_KINDS, stacks, "MB (a million bytes)"),
    )


def _parts(held: MemoryFigure) -> tuple[float, float, float]:
    """MB before, and those that were added by part; all of it is the first if not told apart."""
    anonymous, files = held.added.anonymous, held.added.bundle_files
    added = (
        (held.added.total.value, 0.0)
        if anonymous is None or files is None
        else (anonymous.value, files.value)
    )
    return held.base_bytes * _MB, max(added[0], 0) * _MB, max(added[1], 0) * _MB


def _name(name: str, held: MemoryFigure) -> str:
    """Subject and budget."""
    return name if held.budget is None else f"{name}, room for {held.budget}"


def _table(summary: Summary, found: Found) -> TableBlock:
    """All medians."""

    def megabytes(title: str, take: Callable[[MemoryFigure], Estimate | None], help: str,
                  interval_brief: bool = False) -> columns.Field:  # fmt: skip
        return columns.estimate(title, take, help, True, scale=_MB, interval_brief=interval_brief)

    return columns.table(
        "Memory of a process in MB (a million bytes): medians",
        ((held,) for held in found),
        columns.text("subject", lambda row: summary.names[row.subject], brief=True),
        columns.text("experts", lambda row: "all" if row.budget is None else row.budget,
                     "That may stay in memory in each routed stage.", brief=True),
        megabytes("held", lambda row: row.loaded_bytes,
                  "What the process held after its images were answered."),
        megabytes("added", lambda row: row.added.total,
                  "Held less what the process held before the model was opened.", True),
        megabytes("anonymous", lambda row: row.added.anonymous,
                  "Of what was added: memory that is of no file."),
        megabytes("its files", lambda row: row.added.bundle_files,
                  "Of what was added: mapped pages of the subject's own files."),
        columns.number("before", lambda row: row.base_bytes * _MB, "The model was opened."),
        columns.number("peak RSS", lambda row: row.peak_rss_bytes and row.peak_rss_bytes * _MB,
                       "The largest resident set the process ever had, shared libraries included: "
                       "not to be compared with the others."),
        columns.number("closed", lambda row: row.released_bytes * _MB,
                       "After the model was closed."),
        columns.count("n", lambda row: row.n, "Processes.", brief=True),
    )  # fmt: skip


def tiles(summary: Summary, found: Found) -> Iterator[Tile]:
    """What the model adds to a process."""
    mine = _of(summary, found, summary.main)
    if mine:
        added = mine[-1].added.total
        shown = printed(added, _MB)
        note = f"{shown.interval}, n = {count(added.n, 'process', 'processes')}"
        yield Tile("memory it adds", shown.value, "MB", note)


def _of(summary: Summary, found: Found, key: str | None) -> Found:
    """Figures of a subject, the smallest budget first; None: of the first product."""
    if key is None:
        key = next((s.key for s in summary.subjects if is_product(s)), None)
    return tuple(held for held in found if held.subject == key)


def sentences(summary: Summary, found: Found) -> Iterator[Point]:
    """What the model adds to a process, with all experts and with the fewest."""
    mine = _of(summary, found, summary.main)
    if mine:
        yield Point(topic="Memory", text=_sentence(mine[-1], mine[0]))


def _sentence(full: MemoryFigure, least: MemoryFigure) -> str:
    """With the most experts in memory, and with the fewest."""
    total, held = full.added.total, printed(full.added.total, _MB)
    room = room_for(full.budget)
    if conclusive(total) and (total.low or 0) <= 0 <= (total.high or 0):
        return (
            "What the model adds to a process's memory could not be told apart from nothing: "
            f"{held.value} MB ({held.interval}) with {room}."
        )
    text = f"With {room} the model adds {held.value} MB ({held.interval}) to a process's memory"
    if full.added.anonymous is not None and full.added.bundle_files is not None:
        anonymous = printed(full.added.anonymous, _MB).value
        files = printed(full.added.bundle_files, _MB).value
        text += f" ({anonymous} MB anonymous, {files} MB of its files)"
    if full is not least and least.budget is not None and least.memory_of == full.memory_of:
        few = printed(least.added.total, _MB)
        text += f", with {room_for(least.budget)} {few.value} MB ({few.interval})"
    return f"{text}."
