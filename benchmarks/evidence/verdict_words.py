"""Sentences and cells of tables: what a figure may be called, given its interval."""

from evidence.plan_data import COMPARED
from evidence.row_figures import CaseFigures, Row, paired
from evidence.seed_intervals import Interval


def percent(its: Interval | None) -> str:
    """Mean and half of the interval in percentage points: `84.61 ± 0.32`."""
    return "-" if its is None else _with_half(f"{100 * its.mean:.2f}", its)


def points(its: Interval | None) -> str:
    """A difference, with its sign."""
    return "-" if its is None else _with_half(f"{100 * its.mean:+.2f}", its)


def seeds(row: Row, asked: tuple[int, ...]) -> str:
    """How many seeds a row is of, and that some are missing."""
    count = row.top1.seeds
    return str(count) if count == len(asked) else f"{count} of {len(asked)}"


def millions(value: int) -> str:
    """`0.935`."""
    return f"{value / 1e6:.3g}" if value < 1e8 else f"{value / 1e6:.0f}"


def thousands(value: int) -> str:
    """`53.4`."""
    return f"{value / 1e3:.1f}"


def megabytes(value: float | None) -> str:
    """`24.6`."""
    return "-" if value is None else f"{value / 1e6:.1f}"


def latency(row: Row) -> str:
    """Milliseconds of an answer."""
    return "-" if row.latency is None else f"{row.latency.ms:.3g}"


def over_dense(row: Row) -> str:
    """The ratio of latencies with its interval."""
    its = row.latency
    return "-" if its is None else ratio(its.over_dense, its.over_dense_low, its.over_dense_high)


def ratio(value: float, low: float | None, high: float | None) -> str:
    """`1.31 (1.28 to 1.35)`."""
    return (
        f"{value:.2f}" if low is None or high is None else f"{value:.2f} ({low:.2f} to {high:.2f})"
    )


def counted(found: CaseFigures) -> list[str]:
    """How many routed models are better and worse than dense ones, in three ways to compare."""
    routed = [row for row in found.rows if not row.cell.is_dense]
    ways = {
        "the dense model that they were made of, trained for as many steps": "over_dense",
        "dense models of as many active multiply-accumulates": "over_curve",
        "dense models of the same latency": "over_latency_curve",
    }
    lines = []
    for beside, name in ways.items():
        differences = [its for row in routed if (its := getattr(row, name)) is not None]
        if differences:
            decided = [its.mean > 0 for its in differences if its.decides]
            lines.append(
                f"Beside {beside}: of {len(differences)} routed models {sum(decided)} are better, "
                f"{len(decided) - sum(decided)} worse, and of "
                f"{len(differences) - len(decided)} these seeds show no difference."
            )
    return lines


def sentences(found: CaseFigures) -> list[str]:
    """What the results of a data set say, each with its interval; whatever it is."""
    said = [_compared(found, *pair) for pair in COMPARED]
    said += [_cut(row) for row in found.of_size(found.case.sizes[0]) if row.cell.cut]
    named = {first for first, _ in COMPARED}
    said += [
        _on_curve(row)
        for row in found.of_size(found.case.sizes[0])
        if row.cell.cut or (row.cell.name in named and row.over_latency_curve is not None)
    ]
    return [sentence for sentence in said if sentence]


def _compared(found: CaseFigures, first: str, second: str) -> str:
    """One model beside another; empty where one is not there."""
    one, other = found.row(first), found.row(second)
    difference = paired(one.found, other.found) if one and other else None
    if one is None or other is None or difference is None:
        return ""
    cost = ""
    if other.cell.is_reference and one.latency is not None:
        cost = f", with {one.macs / other.macs:.2f} times its multiply-accumulates and "
        cost += f"{one.latency.over_dense:.2f} times its latency"
    return f"**{one.cell.title}** against **{other.cell.title}**: {verdict(difference)}{cost}."


def _cut(row: Row) -> str:
    """A part of the dense model before and after fine-tuning."""
    if row.at_start is None:
        return ""
    return (
        f"**{row.cell.title}**: {percent(row.at_start)}% as it is cut from the dense model, "
        f"{percent(row.top1)}% after fine-tuning."
    )


def _on_curve(row: Row) -> str:
    """A routed model beside dense ones of its cost."""
    beside = []
    if row.over_curve is not None:
        beside.append(f"as many active multiply-accumulates {verdict(row.over_curve)}")
    if row.over_latency_curve is not None:
        beside.append(f"the same latency {verdict(row.over_latency_curve)}")
    if not beside:
        return ""
    return (
        f"**{row.cell.title}** ({row.size.name}) beside a dense model of "
        + "; of ".join(beside)
        + "."
    )


def verdict(its: Interval) -> str:
    """A difference in words that its interval allows."""
    if its.half is None:
        return f"{points(its)} points, of one seed, from which nothing follows"
    if its.decides:
        return f"{points(its)} points, which is {'more' if its.mean > 0 else 'less'}"
    return f"{points(its)} points, no difference that {its.seeds} seeds show"


def _with_half(text: str, its: Interval) -> str:
    return text if its.half is None else f"{text} ± {100 * its.half:.2f}"
