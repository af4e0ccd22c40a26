"""What keeping fewer experts in memory costs."""

from mvmoe_bench.report.blocks import (
    FEW,
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
from mvmoe_bench.report.names import subject_names
from mvmoe_bench.report.printed import alone, printed
from mvmoe_bench.report.sections.residency.figures import Budget, Residency
from mvmoe_bench.report.sections.residency.plot import ResidencyPlot
from mvmoe_bench.report.summary import Summary
from mvmoe_bench.report.words import percent


def residency(summary: Summary) -> Section | None:
    """A curve for each dispatcher, and all its points."""
    if not summary.residency:
        return None
    return Section(
        "residency",
        "Fewer experts in memory",
        (
            *(chart(summary, curve) for curve in summary.residency),
            _table(summary),
            _switches(summary),
        ),
        f"{_sequences(summary.residency)} the least recently used one is released. A cold answer "
        "had to load an expert, a warm switch found another one in memory.",
    )


def _sequences(curves: tuple[Residency, ...]) -> str:
    """What was run; how long and with how much room, where that is the same for all subjects."""
    first = curves[0]
    rooms = {tuple(point.experts for point in curve.budgets) for curve in curves}
    if len(rooms) > 1 or len({curve.length for curve in curves}) > 1:
        return (
            f"For each subject the same sequence of images (order: {first.order}) with different "
            "room for experts;"
        )
    return (
        f"The same sequence of {first.length} images (order: {first.order}) with room for "
        f"{', '.join(map(str, *rooms))} experts in each routed stage;"
    )


def chart(summary: Summary, curve: Residency) -> Chart:
    """The curve of one dispatcher."""
    names = subject_names(summary)
    of = f": {names[curve.subject]}" if len(summary.residency) > 1 else ""
    return Chart(
        f"Room for experts{of}",
        "First: median with its 95% interval, mean and 95th percentile of all answers; second: how "
        "many answers had to load an expert, and what the process held in the end if that was "
        f"measured; n = {_number([point.n for point in curve.budgets])} answers from "
        f"{_number([point.total_ms.groups for point in curve.budgets])} processes at each point.",
        ResidencyPlot(curve),
        "; ".join(_spoken(point) for point in curve.budgets),
    )


def _spoken(budget: Budget) -> str:
    """A point in words."""
    return (
        f"room for {budget.experts}: median {printed(budget.total_ms).value} ms, p95 "
        f"{alone(budget.total_ms.p95)} ms, {percent(budget.cold_share)} cold"
    )


def _number(counts: list[int]) -> str:
    """A number, or from where to where it goes if points differ."""
    least, most = min(counts), max(counts)
    return f"{most:,}" if least == most else f"{least:,} to {most:,}"


def _table(summary: Summary) -> Table:
    """All points."""
    names = subject_names(summary)
    several = len(summary.residency) > 1
    columns = (
        *([Column("subject", number=False)] if several else []),
        Column("experts", help="That may stay in memory in each routed stage."),
        Column("p50 ms"),
        Column("95% interval", number=False),
        Column("p95 ms"),
        Column("mean ms"),
        Column("cold", help="Answers for which an expert had to be loaded."),
        Column("memory MB", help="What another process with this room held after its images."),
        Column("95% interval", number=False),
        Column("n", help="Answers."),
        Column("processes"),
    )
    cells = [
        [
            *([text(names[curve.subject])] if several else []),
            number(point.experts, str(point.experts)),
            *figures(point.total_ms),
            percentile(point.total_ms, 95),
            number(point.mean_ms),
            number(point.cold_share, percent(point.cold_share)),
            *figures(point.held_bytes, 1e-6),
            number(point.n, f"{point.n:,}"),
            number(point.total_ms.groups, str(point.total_ms.groups)),
        ]
        for curve in summary.residency
        for point in curve.budgets
    ]
    few = any(point.total_ms.few(95) for curve in summary.residency for point in curve.budgets)
    star = f" ({FEW})" if few else ""
    return Table(f"Milliseconds by room for experts{star}", columns, rows(cells))


def _switches(summary: Summary) -> Table:
    """What changing the expert adds to an answer."""
    names = subject_names(summary)
    several = len(summary.residency) > 1
    columns = (
        *([Column("subject", number=False)] if several else []),
        Column("experts", help="That may stay in memory in each routed stage."),
        Column("answers", number=False, help="Cold: an expert had to be loaded. Warm: another "
               "route than before, its expert in memory."),
        Column("added ms", help="Their median less that of answers that kept the route."),
        Column("95% interval", number=False),
        Column("n", help="Answers of this kind."),
        Column("n that kept the route"),
        Column("processes", help="That have both kinds."),
    )  # fmt: skip
    cells = [
        [
            *([text(names[curve.subject])] if several else []),
            number(point.experts, str(point.experts)),
            text(name),
            *figures(switch.ms),
            number(switch.n, f"{switch.n:,}"),
            number(switch.against, f"{switch.against:,}"),
            number(None if switch.ms is None else switch.ms.groups,
                   None if switch.ms is None else str(switch.ms.groups)),
        ]
        for curve in summary.residency
        for point in curve.budgets
        for name, switch in (("cold switch", point.cold), ("warm switch", point.warm))
    ]  # fmt: skip
    return Table("What a change of expert adds to an answer", columns, rows(cells))
