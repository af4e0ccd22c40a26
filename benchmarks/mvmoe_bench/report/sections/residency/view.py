"""What keeping fewer experts in memory costs."""

from collections.abc import Iterator

from mvmoe_bench.report import columns
from mvmoe_bench.report.blocks import Chart, TableBlock
from mvmoe_bench.report.formatting import count, from_to, percent, room_for
from mvmoe_bench.report.printed import alone, printed
from mvmoe_bench.report.run_summary import Summary
from mvmoe_bench.report.section_part import Point, View
from mvmoe_bench.report.sections.residency.figures import Budget, ResidencyCurve
from mvmoe_bench.report.sections.residency.plot import ResidencyPlot
from mvmoe_bench.report.statistics import conclusive

Found = dict[str, ResidencyCurve]


def view(summary: Summary, found: Found) -> View:
    """A curve for each subject, and all its points."""
    charts = (_chart(summary, found, key) for key in found)
    return View(
        (*charts, _table(summary, found), _switches(summary, found)),
        f"{_sequences(list(found.values()))} the least recently used one is released. A cold "
        "answer had to load an expert, a warm switch found another one in memory.",
    )


def picture(summary: Summary, found: Found) -> Iterator[Chart]:
    """The curve of the main subject."""
    if summary.main in found:
        yield _chart(summary, found, summary.main)


def _sequences(curves: list[ResidencyCurve]) -> str:
    """What was run; how long and with how much room, where that is the same for all subjects."""
    first = curves[0]
    rooms = {tuple(point.room for point in curve.budgets) for curve in curves}
    if len(rooms) > 1 or len({curve.length for curve in curves}) > 1:
        return (
            f"For each subject the same sequence of images (order: {first.order}) with different "
            "room for experts;"
        )
    return (
        f"The same sequence of {first.length} images (order: {first.order}) with room for "
        f"{', '.join(map(str, *rooms))} experts in each routed stage;"
    )


def _chart(summary: Summary, found: Found, key: str) -> Chart:
    """The curve of one subject."""
    curve = found[key]
    of = f": {summary.names[key]}" if len(found) > 1 else ""
    return Chart(
        f"Room for experts{of}",
        "First: median with its 95% interval, mean and 95th percentile of all answers; second: how "
        "many answers had to load an expert, and what the process held in the end if that was "
        f"measured; n = {from_to([point.n for point in curve.budgets])} answers from "
        f"{from_to([point.total_ms.repeats for point in curve.budgets])} processes at each point.",
        ResidencyPlot(curve),
    )


def _table(summary: Summary, found: Found) -> TableBlock:
    """All points."""
    points = [(key, point) for key, curve in found.items() for point in curve.budgets]
    few = any(point.total_ms.few(95) for _, point in points)
    return columns.table(
        f"Milliseconds by room for experts{columns.FEW * few}",
        points,
        *_which(summary, found),
        columns.estimate("p50 ms", lambda _, point: point.total_ms, brief=True),
        columns.percentile("p90 ms", 90, lambda _, point: point.total_ms, brief=True),
        columns.percentile("p95 ms", 95, lambda _, point: point.total_ms, brief=True),
        columns.number("mean ms", lambda _, point: point.mean_ms),
        columns.share("cold", lambda _, point: point.cold_share, "Answers for which an expert had "
                      "to be loaded.", brief=True),
        columns.estimate("memory MB", lambda _, point: point.held_bytes, "What another process "
                         "with this room held after its images.", scale=1e-6),
        columns.count("n", lambda _, point: point.n, "Answers.", brief=True),
        columns.count("processes", lambda _, point: point.total_ms.repeats),
    )  # fmt: skip


def _which(summary: Summary, found: Found) -> list[columns.Field]:
    """The columns that say which subject, where there are several, and which room."""
    room = "That may stay in memory in each routed stage."
    subject = columns.text("subject", lambda key, *_: summary.names[key], brief=True)
    experts = columns.text("experts", lambda _, point, *__: point.room, room, brief=True)
    return [subject, experts] if len(found) > 1 else [experts]


def _switches(summary: Summary, found: Found) -> TableBlock:
    """What changing the expert adds to an answer."""
    return columns.table(
        "What a change of expert adds to an answer",
        (
            (key, point, name, switch)
            for key, curve in found.items()
            for point in curve.budgets
            for name, switch in (("cold switch", point.cold), ("warm switch", point.warm))
        ),
        *_which(summary, found),
        columns.text("answers", lambda _, __, name, ___: name, "Cold: an expert had to be loaded. "
                     "Warm: another route than before, its expert in memory.", brief=True),
        columns.estimate("added ms", lambda *item: item[-1].ms, "Their median less that of answers "
                         "that kept the route, repeat by repeat.", brief=True),
        columns.count("n", lambda *item: item[-1].n, "Answers of this kind.", brief=True),
        columns.count("n that kept the route", lambda *item: item[-1].against),
        columns.count("processes", lambda *item: item[-1].ms and item[-1].ms.repeats,
                      "That have both kinds."),
    )  # fmt: skip


_SLOWER = 1.2
"""How many times the slow answers of all experts those of fewer may take, to be worth it."""
_NO_MB = 0.05
"""Megabytes by which two processes of one bundle differ anyway."""


def recommendations(summary: Summary, found: Found) -> Iterator[Point]:
    """How many experts of the main subject should stay in memory: the fewest that cost little."""
    curve = found.get(summary.main or "")
    if curve is not None and len(curve.budgets) > 1:
        yield Point(topic="How many experts to keep?", text=_kept(curve.budgets))


def _kept(budgets: tuple[Budget, ...]) -> str:
    """The fewest whose slow answers are nearly those of all, beside the next fewer, and all."""
    every = budgets[-1]
    unsure = [x for x in budgets if not conclusive(x.total_ms) or x.total_ms.few(95)]
    if unsure:
        repeats = count(unsure[0].total_ms.repeats, "process", "processes")
        return f"That cannot be said from {repeats}: it takes six, and twenty answers."
    limit = _SLOWER * every.total_ms.p95
    place = next(i for i, x in enumerate(budgets) if x.total_ms.p95 <= limit)
    kept = budgets[place]
    others = [*budgets[max(place - 1, 0) : place], *([every] if kept is not every else [])]
    against = "; ".join(f"{_experts(other)} would {_change(other, kept)}" for other in others)
    return f"Keep {_experts(kept)} in memory: {against}."


def _experts(budget: Budget) -> str:
    """How many experts."""
    return "all experts" if budget.experts is None else count(budget.experts, "expert")


def _change(other: Budget, kept: Budget) -> str:
    """What another number of experts saves or takes, in memory and in the slow answers."""
    slow = f"{alone(other.total_ms.p95)} instead of {alone(kept.total_ms.p95)} ms at p95"
    if other.held_bytes is None or kept.held_bytes is None or other.memory_of != kept.memory_of:
        return f"cost {slow}"
    saved = (kept.held_bytes.value - other.held_bytes.value) * 1e-6
    if abs(saved) < _NO_MB:
        return f"save no memory and cost {slow}"
    memory = f"save {alone(saved)} MB" if saved > 0 else f"take {alone(-saved)} MB more"
    return f"{memory} and cost {slow}"


def sentences(summary: Summary, found: Found) -> Iterator[Point]:
    """What loading an expert that is not in memory costs the main subject."""
    curve = found.get(summary.main or "")
    if curve is None or (cold := curve.budgets[0].cold.ms) is None:
        return
    budget, shown = curve.budgets[0], printed(cold)
    if conclusive(cold) and cold.low is not None and cold.low <= 0:
        added = f"without a difference that could be told apart: {shown.value} ms more"
    else:
        added = f"which took {shown.value} ms more"
    yield Point(
        topic="Memory",
        text=f"With {room_for(budget.experts)}, {percent(budget.cold_share)} of a sequence of "
        f"{curve.length} images had to load one, {added} ({shown.interval}).",
    )
