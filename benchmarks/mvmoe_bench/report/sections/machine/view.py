"""How fast the machine was meanwhile, and how well each subject uses it."""

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
)
from mvmoe_bench.report.estimates import Estimate
from mvmoe_bench.report.names import subject_names
from mvmoe_bench.report.printed import alone, printed
from mvmoe_bench.report.sections.machine.figures import Machine, YardstickFigure
from mvmoe_bench.report.sections.machine.plot import StepsPlot
from mvmoe_bench.report.summary import SubjectFigure, Summary
from mvmoe_bench.report.words import count, percent


def machine(summary: Summary) -> Section | None:
    """The yardstick over the run, and achieved speeds."""
    its = summary.machine
    used = [subject for subject in summary.subjects if subject.useful_gflops is not None]
    if its.yardstick is None and not used:
        return None
    blocks: list[Block] = []
    if its.yardstick is not None:
        blocks.append(_chart(its.yardstick))
    if used:
        blocks.append(_table(summary))
    return Section("machine", "The machine meanwhile", tuple(blocks), _lead(its))


def _lead(its: Machine) -> str:
    """Speed, drift, load and overhead in sentences."""
    text = ""
    if its.yardstick is not None:
        speed = its.yardstick
        drift = f"; between repeats it drifted by {percent(speed.drift - 1)}" * (
            len(speed.by_repeat) > 1
        )
        text += (
            f"A matrix product of fixed size ran at {printed(speed.gflops).value} "
            f"GFLOP/s (median; 5th to 95th percentile {alone(speed.p5)} to {alone(speed.p95)})"
            f"{drift}. "
        )
    if its.load_at_start is not None:
        text += f"Load average at the start {its.load_at_start:.1f}"
        text += f", later at most {its.load_most:.1f}. " if its.load_most is not None else ". "
    if its.overhead_ns is not None:
        text += f"Timing itself costs {its.overhead_ns:,.0f} ns a call."
    return text.strip()


def _chart(yardstick: YardstickFigure) -> Chart:
    """The yardstick by repeat."""
    values = yardstick.by_repeat
    return Chart(
        "Speed of the machine itself, repeat by repeat",
        "Median GFLOP/s of one fixed matrix product in the middle of the measurements; a level "
        f"line is a machine that kept its speed; n = {yardstick.gflops.n:,} products in "
        f"{count(len(values), 'repeat')}.",
        StepsPlot(values, "repeat", "GFLOP/s"),
        "GFLOP/s by repeat: " + ", ".join(alone(value) for value in values),
    )


def _table(summary: Summary) -> Table:
    """What subjects achieve."""
    names = subject_names(summary)
    columns = (
        Column("subject", number=False),
        Column("useful GFLOP/s", help="Twice the multiply-accumulates that an image needs, over "
               "the median latency: what is computed in vain does not count."),
        Column("95% interval", number=False),
        Column("of yardstick", help="Useful GFLOP/s over the yardstick's."),
        Column("engine", number=False),
        Column("n", help="Answers."),
        Column("open ms", help="Making the subject ready in the process of a repeat; median."),
        Column("95% interval", number=False),
        Column("n", help="Processes."),
    )  # fmt: skip
    from mvmoe_bench.report.words import engine

    cells = [
        [
            text(names[subject.key]),
            *figures(_useful(subject)),
            number(subject.of_yardstick, _share(subject.of_yardstick)),
            text(engine(subject.engine)),
            number(subject.latency.wall_ms.n if subject.latency else None,
                   f"{subject.latency.wall_ms.n:,}" if subject.latency else None),
            *figures(subject.open_ms),
            number(subject.open_ms.n if subject.open_ms else None,
                   str(subject.open_ms.n) if subject.open_ms else None),
        ]
        for subject in summary.subjects
        if subject.useful_gflops is not None
    ]  # fmt: skip
    return Table("How well each subject uses the machine", columns, rows(cells), folded=True)


def _useful(subject: SubjectFigure) -> Estimate | None:
    """Useful GFLOP/s with their interval: that of the median latency turned over."""
    if subject.latency is None or subject.useful_gflops is None:
        return None
    wall = subject.latency.wall_ms
    work = subject.useful_gflops * wall.p50
    ends = work / wall.high if wall.high else None, work / wall.low if wall.low else None
    low, high = (None, None) if None in ends else ends
    return Estimate(
        value=subject.useful_gflops, low=low, high=high, n=wall.n, groups=wall.groups,
        rough=wall.rough,
    )  # fmt: skip


def _share(share: float | None) -> str | None:
    """A share, if there is one."""
    return None if share is None else percent(share)
