"""A report on two runs side by side, with a verdict for each row."""

from collections.abc import Sequence
from pathlib import Path

from mvmoe_bench.report import columns
from mvmoe_bench.report.blocks import (
    Block,
    Cell,
    Chart,
    Column,
    Document,
    Section,
    TableBlock,
    Text,
    Tone,
    figure,
    number,
    text,
)
from mvmoe_bench.report.compare import Comparison, compared_kinds
from mvmoe_bench.report.document import alerts, terms
from mvmoe_bench.report.formatting import count
from mvmoe_bench.report.plots.intervals import IntervalPlot, IntervalRow
from mvmoe_bench.report.printed import printed
from mvmoe_bench.report.run_summary import Summary
from mvmoe_bench.report.section_part import ComparedKind
from mvmoe_bench.report.statistics import Estimate, conclusive
from mvmoe_bench.report.verdicts import VerdictRow

_WIDE = 1.15
"""End of an interval over its value from which the page says how small a change it could find."""
_GOOD, _BAD = ("faster", "smaller"), ("slower", "larger")


def comparison_document(found: Comparison, first: Path, second: Path) -> Document:
    """Everything of two runs."""
    kinds = compared_kinds()
    sections = [_section(kinds[name], rows) for name, rows in found.rows.items()]
    return Document(
        title=f"{second.name} compared with {first.name}",
        subtitle=f"A: {_run(found.a, first)}. B: {_run(found.b, second)}.",
        intro="Every subject of both runs, B against A: below 1 times B needs less time or memory, "
        "above 1 more. A verdict is given only from six repeats of each, of what was asked the "
        "same, where the difference is beyond chance (and on the same CPU model beyond what the "
        "machine's own change explains); else the row is not told apart, which does not prove that "
        "there is no difference.",
        alerts=_alerts(found),
        summary=tuple(("", sentence) for sentence in found.headline),
        tiles=(),
        sections=(*sections, _identity(found), _rule(found)),
    )


def _run(summary: Summary, path: Path) -> str:
    """A run in a line."""
    cpu = summary.identity.get("cpu") or summary.device
    return f"{path.name}, {summary.started[:10]}, {cpu}, {count(summary.repeats, 'repeat')}"


def _alerts(found: Comparison) -> tuple[str, ...]:
    """What makes the two hard to compare, then each run's own alerts."""
    weighty = tuple(
        f"The runs differ in {item.name}: A has {item.a}, B has {item.b}. That changes times by "
        "itself."
        for item in found.differences
        if item.weighty
    )
    own = [
        f"{side}: {alert}"
        for side, summary in (("A", found.a), ("B", found.b))
        for alert in alerts(summary)
    ]
    return (*weighty, *own)


def _section(kind: ComparedKind, rows: Sequence[VerdictRow]) -> Section:
    """Rows of one kind with their plot."""
    blocks: list[Block] = []
    measured = [row for row in rows if row.ratio is not None and row.unit != "exact bytes"]
    if measured:
        blocks.append(_chart(kind.title, measured))
    blocks.append(_table(kind, rows))
    return Section(kind.id, kind.title, tuple(blocks), f"{kind.lead} {_reach(measured)}".strip())


def _reach(rows: Sequence[VerdictRow]) -> str:
    """How small a change could have been found, where intervals are wide."""
    ratios = [row.ratio for row in rows if row.ratio is not None and row.unit == "ms"]
    reach = [x.high / x.value for x in ratios if conclusive(x) and x.high is not None]
    if not reach or min(reach) < _WIDE:
        return ""
    return (
        f"Even the narrowest interval here ends at {min(reach):.2f} times its value: a change "
        "much smaller than that cannot be told apart. More repeats narrow it."
    )


def _chart(title: str, rows: Sequence[VerdictRow]) -> Chart:
    """Ratios B over A."""
    found = [(row, row.ratio) for row in rows if row.ratio is not None]
    lines = tuple(IntervalRow(row.name, ratio, _colour(row), row.verdict) for row, ratio in found)
    timed = rows[0].unit == "ms"
    return Chart(
        f"{title}: B over A",
        "Dot: quotient of the two medians; line: 95% interval, over the repeats of both runs; n: "
        "samples of the smaller side. Grey: not told apart, or no verdict.",
        IntervalPlot(
            lines,
            "times as long" if timed else "times as much",
            "B is faster" if timed else "B needs less",
            "B is slower" if timed else "B needs more",
        ),
    )


def _colour(row: VerdictRow) -> str:
    """By verdict: only what is told apart has a colour."""
    return "c3" if row.verdict in _GOOD else "c2" if row.verdict in _BAD else "c6"


def _table(kind: ComparedKind, rows: Sequence[VerdictRow]) -> TableBlock:
    """Both sides, the ratio, the verdict."""
    unit = "ms" if rows[0].unit == "ms" else "MB"
    interval = Column("95% interval", number=False)
    return columns.table(
        f"{kind.title}, A and B",
        ((row,) for row in rows),
        columns.text(kind.compared, lambda row: row.name),
        columns.text("verdict", lambda row: text(_verdict(row), _tone(row))),
        columns.Field((Column(f"A {unit}"), interval), lambda row: _side(row, row.a)),
        columns.Field((Column(f"B {unit}"), interval), lambda row: _side(row, row.b)),
        columns.Field((Column("B / A"), interval), _ratio),
        columns.count("n A", lambda row: row.a and row.a.n),
        columns.count("n B", lambda row: row.b and row.b.n),
    )


def _verdict(row: VerdictRow) -> str:
    """The verdict, or where the row is missing."""
    missing = {"only in A": "not in B", "only in B": "not in A"}
    why = f": {row.why}" if row.why else ""
    return missing.get(row.verdict, row.verdict) + why


def _tone(row: VerdictRow) -> Tone:
    """How a verdict stands out."""
    if row.verdict in _GOOD:
        return "good"
    if row.verdict in _BAD:
        return "bad"
    return "" if row.verdict in ("only in A", "only in B") else "muted"


def _side(row: VerdictRow, side: Estimate | None) -> tuple[Cell, Cell]:
    """A number and its interval."""
    scale = 1.0 if row.unit == "ms" else 1e-6
    if side is not None and row.unit == "exact bytes":
        return number(side.value * scale), text("exact", "muted")
    return figure(side, scale)


def _ratio(row: VerdictRow) -> tuple[Cell, Cell]:
    """B over A with its interval."""
    if row.ratio is not None and row.unit == "exact bytes":
        return number(row.ratio.value, f"{row.ratio.value:.4g}"), text("exact", "muted")
    return figure(row.ratio)


def _identity(found: Comparison) -> Section:
    """What A and B say of themselves, differences first and marked."""
    differing = {item.name for item in found.differences}
    rows = [(item.name, item.a, item.b, True) for item in found.differences]
    rows += [(*fact, False) for fact in _facts(found.a, found.b) if fact[0] not in differing]
    made = columns.table(
        "Identity of both runs, differences first",
        rows,
        columns.text("what", lambda name, _, __, bad: text(name, "bad" if bad else "")),
        columns.text("A", lambda _, a, __, bad: text(a, "bad" if bad else "")),
        columns.text("B", lambda _, __, b, bad: text(b, "bad" if bad else "")),
    )
    names = ", ".join(item.name for item in found.differences) or "nothing they state"
    lead = f"Beside their start and load average, the runs differ in {names}."
    return Section("identity", "What differs between A and B", (made,), lead)


def _facts(a: Summary, b: Summary) -> list[tuple[str, str, str]]:
    """What both say of the same thing."""
    sides = [
        {
            "started": summary.started,
            "device": summary.device,
            "CPU model": summary.identity.get("cpu"),
            "operating system": summary.identity.get("os"),
            "load average": summary.identity.get("load_average"),
            "threads": summary.threads,
            "preset": summary.preset.name,
            "images": f"{summary.inputs.images} of {summary.inputs.source}",
            "repeats measured": summary.repeats,
        }
        for summary in (a, b)
    ]
    return [(name, str(sides[0][name]), str(sides[1][name])) for name in sides[0]]


def _rule(found: Comparison) -> Section:
    """How a verdict is made."""
    if found.same_machine and found.machine is not None:
        rule = (
            "Both runs were made on the same CPU model. A time counts as faster or slower only if "
            "its interval of B over A leaves out 1 and lies beyond what the machine's own change "
            f"explains: a fixed matrix product took {printed(found.machine).value} times as long "
            f"in B ({printed(found.machine).interval}). Otherwise the row is not told apart."
        )
    else:
        rule = (
            "The reference product connects only runs on the same CPU model that both have it; "
            "here a row counts as changed if its interval of B over A leaves out 1."
        )
    few = (
        "A verdict needs six repeats of each: if nothing differed, all of five pairs of repeats "
        "would point the same way in 6% of such runs (two-sided sign test, 2 x 0.5^5), all of six "
        "in 3%, which is below the 5% that an interval of 95% stands for. Runs with different "
        "threads, images or routes were asked different things: their rows have ratios, and no "
        "verdict."
    )
    rest = (
        "A and B were measured at different times: their ratios are not paired, and their "
        "intervals are wider than those within one run. Each row is judged by itself; among many "
        "rows a few may be told apart by accident."
    )
    return Section("rule", "How verdicts are made", (Text((few, rule, rest)), terms(found.a)))
