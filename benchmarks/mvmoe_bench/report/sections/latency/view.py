"""How long an image takes, by subject."""

from mvmoe_bench.report.blocks import (
    FEW,
    Block,
    Cell,
    Chart,
    Column,
    Section,
    Table,
    figures,
    number,
    percentile,
    rows,
    text,
)
from mvmoe_bench.report.names import colour, subject_names
from mvmoe_bench.report.printed import printed
from mvmoe_bench.report.sections.latency.figures import Latency
from mvmoe_bench.report.sections.latency.plot import LatencyPlot
from mvmoe_bench.report.summary import SubjectFigure, Summary
from mvmoe_bench.report.words import count

_COLUMNS = (
    Column("subject", number=False),
    Column("p50", help="The median, in milliseconds: half of the answers take longer."),
    Column("95% interval", number=False, help="Where the true median is, in 95 of 100 such runs."),
    Column("p90"),
    Column("p95"),
    Column("p99", help="One answer in a hundred takes longer."),
    Column("min"),
    Column("max"),
    Column("mean"),
    Column("MAD", help="Median absolute deviation from the median, not scaled."),
    Column("n", help="Samples."),
    Column("repeats", help="Processes; the interval is taken over these."),
    Column("CPU p50", help="What the calling thread computed, in milliseconds."),
    Column("max error", help="Largest error of a class logit against the reference."),
)


def latency(summary: Summary) -> Section | None:
    """Distributions of each bundle's subjects, and all their numbers."""
    measured = [subject for subject in summary.subjects if subject.latency is not None]
    if not measured:
        return None
    blocks: list[Block] = []
    for name in dict.fromkeys(subject.bundle for subject in measured):
        its = [subject for subject in measured if subject.bundle == name]
        blocks.append(chart(summary, its, name))
    blocks.append(_table(summary, measured))
    return Section("latency", "Latency", tuple(blocks), _lead(summary))


def chart(summary: Summary, subjects: list[SubjectFigure], bundle: str) -> Chart:
    """The distributions of one bundle's subjects, the fastest first."""
    names = subject_names(summary)
    found = [(subject, subject.latency) for subject in subjects if subject.latency is not None]
    found.sort(key=lambda item: item[1].wall_ms.p50)
    of = f" ({bundle})" if len(summary.bundles) > 1 else ""
    spoken = "; ".join(_spoken(names[subject.key], latency) for subject, latency in found)
    return Chart(
        title=f"Time an image takes{of}",
        caption=(
            "Dot: median; bracket below it: 95% interval of the median; thick line: middle half of "
            "the answers; thin line: 5th to 95th percentile; hill: their distribution. "
            f"n: answers, from {repeats([its.wall_ms.groups for _, its in found])}."
            f"{_overlap(summary)}"
        ),
        plot=LatencyPlot(
            tuple((names[subject.key], latency, colour(subject)) for subject, latency in found)
        ),
        label=f"Latency by subject: {spoken}",
    )


def repeats(groups: list[int]) -> str:
    """How many repeats rows come from: a subject that failed has fewer than others."""
    least, most = min(groups), max(groups)
    return count(most, "repeat") if least == most else f"{least} to {most} repeats"


def _overlap(summary: Summary) -> str:
    """What overlapping brackets do not mean, where there is something better to look at."""
    if not summary.ratios:
        return ""
    return (
        " Brackets that overlap do not mean that two subjects are equally fast: repeats move all "
        "of them together. The ratios below compare round by round."
    )


def _spoken(name: str, latency: Latency) -> str:
    """One row in words."""
    its = printed(latency.wall_ms)
    return f"{name} {its.value} ms ({its.sure})"


def _lead(summary: Summary) -> str:
    """How the answers were asked for."""
    forced = summary.inputs.forced
    taken = "Routes were imposed to follow the given distribution." if forced else ""
    return (
        "Warm answers, one image at a time. Subjects took turns on the same images, in "
        f"{count(summary.repeats, 'process', 'processes')}; one that failed has fewer. {taken}"
    ).strip()


def _table(summary: Summary, subjects: list[SubjectFigure]) -> Table:
    """All numbers."""
    names = subject_names(summary)
    cells = [
        [text(names[subject.key]), *_numbers(subject.latency), number_error(subject)]
        for subject in subjects
        if subject.latency is not None
    ]
    few = any(s.latency is not None and s.latency.wall_ms.few(99) for s in subjects)
    star = f" ({FEW})" if few else ""
    return Table(f"Latency in milliseconds, by subject{star}", _COLUMNS, rows(cells))


def _numbers(latency: Latency) -> list[Cell]:
    """The numbers of one subject."""
    wall, cpu = latency.wall_ms, latency.cpu_ms
    return [
        *figures(wall),
        *(percentile(wall, which) for which in (90, 95, 99)),
        number(wall.min),
        number(wall.max),
        number(wall.mean),
        number(wall.mad),
        number(wall.n, f"{wall.n:,}"),
        number(wall.groups, str(wall.groups)),
        figures(cpu)[0],
    ]


def number_error(subject: SubjectFigure) -> Cell:
    """The largest error against the reference."""
    error = subject.max_abs_error
    return number(error, None if error is None else f"{error:.1e}")
