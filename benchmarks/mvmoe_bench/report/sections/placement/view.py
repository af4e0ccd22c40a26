"""Where operators run: measured placements, and the advisor's estimates apart from them."""

from mvmoe_bench.report.blocks import Block, Cell, Section, Table, Text, rows, text, words
from mvmoe_bench.report.links import sourced
from mvmoe_bench.report.names import subject_names
from mvmoe_bench.report.sections.placement.figures import AdviceFigure
from mvmoe_bench.report.summary import Summary
from mvmoe_bench.report.words import percent


def placement(summary: Summary) -> Section | None:
    """Two tables that are never mixed."""
    if not summary.placements and not summary.advice:
        return None
    blocks: list[Block] = []
    if summary.placements:
        blocks.append(_measured(summary))
    for engine in summary.advice:
        blocks.append(_advice(engine.engine, engine.advice))
    if summary.advice:
        blocks.append(
            Text(("An estimate follows public rules about an engine; nothing of it was measured.",))
        )
    return Section("placement", "Where operators run", tuple(blocks))


def _measured(summary: Summary) -> Table:
    """What engines said."""
    names = subject_names(summary)
    cells = [
        [
            text(names.get(found.subject, found.subject)),
            text(found.graph),
            text(_counts(found.by_unit)),
            text(_costs(found.cost_by_unit)),
            text(_counts(found.outside) or "nothing"),
        ]
        for found in summary.placements
    ]
    columns = words("subject", "graph", "operators by unit", "cost by unit", "off the wanted unit")
    caption = "Measured: where the engine says that it puts the operators of these graphs"
    return Table(caption, columns, rows(cells), folded=len(cells) > 12)


def _counts(counts: dict[str, int]) -> str:
    """Names with their numbers, the largest first."""
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {count:,}" for name, count in ordered)


def _costs(costs: dict[str, float] | None) -> str | None:
    """Units with their share of the estimated cost."""
    if costs is None:
        return None
    return ", ".join(f"{unit} {percent(share)}" for unit, share in costs.items())


def _advice(engine: str, found: tuple[AdviceFigure, ...]) -> Table:
    """Estimates for one engine."""
    cells = [
        [
            _severity(advice.severity),
            text(advice.text),
            text(_where(advice)),
            text(advice.reason),
            sourced(advice.source),
        ]
        for advice in found
    ]
    columns = words("severity", "finding", "where", "reason", "source")
    return Table(f"ESTIMATE for {engine}, not measured", columns, rows(cells), len(cells) > 8)


def _severity(severity: str) -> Cell:
    """Problems stand out, and sort first."""
    order = {"problem": 0.0, "warning": 1.0, "info": 2.0}
    return Cell(severity, order.get(severity, 3.0), "bad" if severity == "problem" else "")


def _where(advice: AdviceFigure, most: int = 3) -> str:
    """Bundle, target, and the graphs it is of; of many the first."""
    shown = ", ".join(advice.graphs[:most])
    more = f" and {len(advice.graphs) - most} more" if len(advice.graphs) > most else ""
    graphs = f": {shown}{more}" if shown else ""
    return f"{advice.bundle}, {advice.target}{graphs}"
