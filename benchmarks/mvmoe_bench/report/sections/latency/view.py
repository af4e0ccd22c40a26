"""How long an image takes, by subject."""

from collections.abc import Iterator, Sequence

from mvmoe_bench.report import columns
from mvmoe_bench.report.blocks import Chart, TableBlock, Tile, error_cell
from mvmoe_bench.report.formatting import count, engine, repeats_of, threads
from mvmoe_bench.report.printed import alone, printed
from mvmoe_bench.report.run_summary import SubjectFigure, Summary
from mvmoe_bench.report.section_part import Point, View
from mvmoe_bench.report.sections.latency.figures import Latencies
from mvmoe_bench.report.sections.latency.plot import LatencyPlot, LatencyRow
from mvmoe_bench.report.subjects import is_product


def view(summary: Summary, found: Latencies) -> View:
    """Distributions of each bundle's subjects, and all their numbers."""
    measured = [subject for subject in summary.subjects if subject.key in found]
    bundles = dict.fromkeys(subject.bundle for subject in measured)
    charts = [
        _chart(summary, found, [s for s in measured if s.bundle == name], name) for name in bundles
    ]
    forced = summary.inputs.forced
    taken = " Routes were imposed to follow the given distribution." if forced else ""
    return View(
        (*charts, _table(summary, found)),
        "Warm answers, one image at a time. Subjects took turns on the same images, in "
        f"{count(summary.repeats, 'process', 'processes')}; one that failed has fewer.{taken}",
    )


def picture(summary: Summary, found: Latencies) -> Iterator[Chart]:
    """The main subject beside all others of its bundle."""
    main = summary.main_subject
    if main is not None:
        subjects = [s for s in summary.subjects if s.key in found and s.bundle == main.bundle]
        yield _chart(summary, found, subjects, main.bundle)


def _chart(
    summary: Summary, found: Latencies, subjects: Sequence[SubjectFigure], bundle: str
) -> Chart:
    """The distributions of one bundle's subjects, the fastest first."""
    rows = [
        LatencyRow(summary.names[s.key], found[s.key], summary.colours[s.key], is_product(s))
        for s in subjects
    ]
    rows.sort(key=lambda row: row.latency.wall_ms.value)
    of = f" ({bundle})" if len(summary.bundles) > 1 else ""
    return Chart(
        title=f"Time an image takes{of}",
        caption=(
            "Dot: median; bracket below it: 95% interval of the median; thick line: middle half of "
            "the answers; thin line: 5th to 95th percentile; hill: their distribution. "
            f"n: answers, from {repeats_of([row.latency.wall_ms.repeats for row in rows])}. "
            "Brackets that overlap do not mean that two subjects are equally fast: repeats move "
            "all of them together. Ratios compare round by round."
        ),
        plot=LatencyPlot(rows),
    )


def _table(summary: Summary, found: Latencies) -> TableBlock:
    """All numbers."""
    few = any(latency.wall_ms.few(99) for latency in found.values())
    middle = "The median, in milliseconds, over the medians of all repeats."
    tail = "One answer in a hundred takes longer."
    return columns.table(
        f"Latency in milliseconds, by subject{columns.FEW * few}",
        found.items(),
        columns.text("subject", lambda key, _: summary.names[key], brief=True),
        columns.estimate("p50", lambda _, row: row.wall_ms, middle, brief=True),
        columns.percentile("p90", 90, lambda _, row: row.wall_ms, brief=True),
        columns.percentile("p95", 95, lambda _, row: row.wall_ms, brief=True),
        columns.percentile("p99", 99, lambda _, row: row.wall_ms, brief=True, help=tail),
        columns.number("min", lambda _, row: row.wall_ms.min),
        columns.number("max", lambda _, row: row.wall_ms.max),
        columns.number("mean", lambda _, row: row.wall_ms.mean),
        columns.number("MAD", lambda _, row: row.wall_ms.mad,
                       "Median absolute deviation, not scaled."),
        columns.count("n", lambda _, row: row.wall_ms.n, "Samples.", brief=True),
        columns.count("repeats", lambda _, row: row.wall_ms.repeats,
                      "Processes; see the interval."),
        columns.estimate("CPU p50", lambda _, row: row.cpu_ms,
                         "What the calling thread computed, in ms.", interval=False),
        columns.number("max error", lambda _, row: error_cell(row.max_abs_error),
                       "Largest error of a class logit against the reference."),
    )  # fmt: skip


def sentences(summary: Summary, found: Latencies) -> Iterator[Point]:
    """What an image takes with the main subject."""
    main = summary.main_subject
    if main is None:
        return
    wall = found[main.key].wall_ms
    shown = printed(wall)
    who = "" if is_product(main) else f" with {main.name}"
    tail = "" if wall.few(90) else f"; one in ten took longer than {alone(wall.p90)} ms"
    tail += "" if wall.few(95) else f", one in twenty longer than {alone(wall.p95)} ms"
    yield Point(
        topic="Speed",
        text=f"An image takes {shown.value} ms at the median ({shown.interval}){who} on "
        f"{engine(main.engine)}, {threads(main.threads)}{tail}.",
    )


def tiles(summary: Summary, found: Latencies) -> Iterator[Tile]:
    """The median latency."""
    if summary.main in found:
        wall = found[summary.main].wall_ms
        shown = printed(wall)
        yield Tile("an image takes", shown.value, "ms", f"{shown.interval}, n = {wall.n:,} answers")
