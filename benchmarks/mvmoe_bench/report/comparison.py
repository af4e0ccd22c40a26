"""A report on two runs side by side, with a verdict for each row."""

from pathlib import Path

from mvmoe_bench.report.blocks import (
    Block,
    Cell,
    Chart,
    Column,
    Document,
    Section,
    Table,
    Terms,
    Text,
    Tone,
    figures,
    number,
    rows,
    text,
    words,
)
from mvmoe_bench.report.compare import MEMORY_NOISE, Comparison, VerdictRow
from mvmoe_bench.report.document import alerts
from mvmoe_bench.report.estimates import Estimate
from mvmoe_bench.report.plots.intervals import IntervalPlot
from mvmoe_bench.report.printed import printed
from mvmoe_bench.report.sections.method.view import GLOSSARY
from mvmoe_bench.report.statistics import sure
from mvmoe_bench.report.summary import Summary
from mvmoe_bench.report.words import count

_WIDE = 1.15
"""End of an interval over its value from which the reader is told."""
_TITLES = {
    "latency": ("latency", "Latency", "Median time of a warm answer."),
    "expected latency": (
        "expected",
        "Expected latency",
        "Mean over routes under the given distribution, else under the bundle's usage prior.",
    ),
    "start": (
        "start",
        "Start",
        "Opening to first answer in a fresh process; Python's own start and imports are left out.",
    ),
    "memory": (
        "memory",
        "Memory",
        "What a process holds after its images, with the most experts resident that both runs "
        "have measured, engine and code included. A difference of up to "
        f"{MEMORY_NOISE / 1e6:g} MB is not told apart: processes of one bundle differ by as much.",
    ),
    "size": ("size", "Bundle size", "Bytes on disk: exact, so there is no interval."),
}
_TONES: dict[str, Tone] = {
    "faster": "good",
    "smaller": "good",
    "slower": "bad",
    "larger": "bad",
    "not told apart": "muted",
    "too few repeats": "muted",
    "not comparable": "muted",
    "same": "muted",
}


def comparison_document(found: Comparison, first: Path, second: Path) -> Document:
    """Everything of two runs."""
    sections = [_section(kind, found) for kind in _TITLES]
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
        sections=(*(part for part in sections if part is not None), _identity(found), _rule(found)),
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


def _section(kind: str, found: Comparison) -> Section | None:
    """Rows of one kind with their plot."""
    its = [row for row in found.rows if row.kind == kind]
    if not its:
        return None
    name, title, lead = _TITLES[kind]
    blocks: list[Block] = []
    ratios = [row for row in its if row.ratio is not None]
    if ratios and kind != "size":
        blocks.append(_chart(title, ratios))
    blocks.append(_table(title, its))
    return Section(name, title, tuple(blocks), f"{lead} {_reach(ratios)}".strip())


def _reach(its: list[VerdictRow]) -> str:
    """How small a change could have been found, where intervals are wide."""
    reach = [row.ratio.high / row.ratio.value for row in its if row.ratio and sure(row.ratio)]
    if not reach or its[0].kind in ("memory", "size") or min(reach) < _WIDE:
        return ""
    return (
        f"Even the narrowest interval here ends at {min(reach):.2f} times its value: a change "
        "much smaller than that cannot be told apart. More repeats narrow it."
    )


def _chart(title: str, its: list[VerdictRow]) -> Chart:
    """Ratios B over A."""
    lines = tuple((row.name, row.ratio, _colour(row)) for row in its if row.ratio is not None)
    spoken = "; ".join(
        f"{row.name} {printed(row.ratio).value} times ({printed(row.ratio).sure}), {row.verdict}"
        for row in its
        if row.ratio is not None
    )
    memory = its[0].kind == "memory"
    return Chart(
        f"{title}: B over A",
        "Dot: quotient of the two medians; line: 95% interval, over the repeats of both runs; n: "
        "samples of the smaller side. Grey: not told apart, or no verdict.",
        IntervalPlot(
            lines,
            "times as much" if memory else "times as long",
            "B needs less" if memory else "B is faster",
            "B needs more" if memory else "B is slower",
        ),
        f"{title}, B over A: {spoken}",
    )


def _colour(row: VerdictRow) -> str:
    """By verdict: only what is told apart has a colour."""
    good, bad = ("faster", "smaller"), ("slower", "larger")
    return "c3" if row.verdict in good else "c2" if row.verdict in bad else "c6"


def _table(title: str, its: list[VerdictRow]) -> Table:
    """Both sides, the ratio, the verdict."""
    unit = "MB" if its[0].unit == "bytes" else "ms"
    columns = (
        Column("subject" if its[0].kind != "size" else "bundle", number=False),
        Column("verdict", number=False),
        Column(f"A {unit}"),
        Column("95% interval", number=False),
        Column(f"B {unit}"),
        Column("95% interval", number=False),
        Column("B / A"),
        Column("95% interval", number=False),
        Column("n A"),
        Column("n B"),
    )
    cells = [
        [
            text(row.name),
            text(_verdict(row), _TONES.get(row.verdict, "")),
            *_side(row.a, row.unit, row.kind == "size"),
            *_side(row.b, row.unit, row.kind == "size"),
            *_ratio(row),
            number(row.a.n if row.a else None, f"{row.a.n:,}" if row.a else None),
            number(row.b.n if row.b else None, f"{row.b.n:,}" if row.b else None),
        ]
        for row in its
    ]
    return Table(f"{title}, A and B", columns, rows(cells))


def _verdict(row: VerdictRow) -> str:
    """The verdict, or where the row is missing."""
    missing = {"only in A": "not in B", "only in B": "not in A"}
    why = f": {row.why}" if row.why else ""
    return missing.get(row.verdict, row.verdict) + why


def _side(side: Estimate | None, unit: str, exact: bool) -> list[Cell]:
    """A number and its interval."""
    scale = 1e-6 if unit == "bytes" else 1.0
    if side is not None and exact:
        return [number(side.value * scale), text("exact", "muted")]
    return list(figures(side, scale))


def _ratio(row: VerdictRow) -> list[Cell]:
    """B over A with its interval."""
    if row.ratio is not None and row.kind == "size":
        return [number(row.ratio.value, f"{row.ratio.value:.4g}"), text("exact", "muted")]
    return list(figures(row.ratio))


def _identity(found: Comparison) -> Section:
    """What A and B say of themselves, differences first and marked."""
    differing = {item.name for item in found.differences}
    lines = [
        [text(item.name, "bad"), text(item.a, "bad"), text(item.b, "bad")]
        for item in found.differences
    ]
    same = [
        [text(name), text(a), text(b)]
        for name, a, b in _facts(found.a, found.b)
        if name not in differing
    ]
    names = ", ".join(item.name for item in found.differences)
    return Section(
        "identity",
        "What differs between A and B",
        (Table("Identity of both runs, differences first", words("what", "A", "B"),
               rows([*lines, *same])),),
        f"Beside their start and load average, the runs differ in {names or 'nothing they state'}.",
    )  # fmt: skip


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
    if found.same_machine and found.yardstick is not None:
        rule = (
            "Both runs were made on the same CPU model. A time counts as faster or slower only if "
            "its interval of B over A leaves out 1 and lies beyond what the machine's own change "
            f"explains: a fixed matrix product took {printed(found.yardstick).value} times as long "
            f"in B ({printed(found.yardstick).sure}). Otherwise the row is not told apart."
        )
    else:
        rule = (
            "The yardstick connects only runs on the same CPU model that both have it; here a row "
            "counts as changed if its interval of B over A leaves out 1."
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
    return Section("rule", "How verdicts are made", (Text((few, rule, rest)), Terms(GLOSSARY)), "")
