"""Where operators run: measured placements, and the advisor's estimates apart from them."""

from mvmoe_bench.report import columns
from mvmoe_bench.report.blocks import Block, Cell, TableBlock, Text
from mvmoe_bench.report.formatting import percent
from mvmoe_bench.report.links import sourced
from mvmoe_bench.report.run_summary import Summary
from mvmoe_bench.report.section_part import View
from mvmoe_bench.report.sections.placement.figures import (
    SEVERITIES,
    AdviceFigure,
    EngineAdvice,
    PartitionFigure,
    PlacementFigure,
    Placements,
)


def view(summary: Summary, found: Placements) -> View:
    """Two kinds of tables that are never mixed."""
    blocks: list[Block] = [_measured(summary, found.measured)] if found.measured else []
    if found.partitions:
        blocks.append(_partitions(summary, found.partitions))
    if found.unasked:
        names = ", ".join(summary.names.get(key, key) for key in found.unasked)
        blocks.append(Text((f"On this device the engine did not say what it takes of: {names}.",)))
    blocks += map(_advice, found.advice)
    if found.advice:
        blocks.append(
            Text(("An estimate follows public rules about an engine; nothing of it was measured.",))
        )
    return View(tuple(blocks))


def _measured(summary: Summary, found: tuple[PlacementFigure, ...]) -> TableBlock:
    """What engines said."""
    return columns.table(
        "Measured: where the engine says that it puts the operators of these graphs",
        ((line,) for line in found),
        columns.text("subject", lambda row: summary.names.get(row.subject, row.subject)),
        columns.text("graph", lambda row: row.graph),
        columns.text("operators by unit", lambda row: _counts(row.by_unit)),
        columns.text("cost by unit", lambda row: _costs(row.cost_by_unit)),
        columns.text("off the wanted unit", lambda row: _counts(row.outside) or "nothing"),
        folded=12,
    )


def _partitions(summary: Summary, found: tuple[PartitionFigure, ...]) -> TableBlock:
    """What a tool said when the graphs were made."""
    return columns.table(
        "ESTIMATE, made at export: the pieces of each graph that its engine takes, and what falls "
        "back to the CPU",
        ((line,) for line in found),
        columns.text("subject", lambda row: summary.names.get(row.subject, row.subject)),
        columns.text("graph", lambda row: row.graph),
        columns.count("partitions", lambda row: row.partitions),
        columns.count("operators", lambda row: row.nodes),
        columns.count("fall back", lambda row: row.nodes_outside),
        columns.text("which", lambda row: _counts(row.outside) or "nothing"),
        folded=12,
    )


def _counts(counts: dict[str, int]) -> str:
    """Names with their numbers, the largest first."""
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {count:,}" for name, count in ordered)


def _costs(costs: dict[str, float] | None) -> str | None:
    """Units with their share of the estimated cost."""
    if costs is None:
        return None
    return ", ".join(f"{unit} {percent(share)}" for unit, share in costs.items())


def _advice(found: EngineAdvice) -> TableBlock:
    """Estimates for one engine."""
    return columns.table(
        f"ESTIMATE for {found.engine}, not measured",
        ((line,) for line in found.advice),
        columns.text("severity", lambda row: _severity(row.severity)),
        columns.text("finding", lambda row: row.text),
        columns.text("where", _where),
        columns.text("reason", lambda row: row.reason),
        columns.text("source", lambda row: sourced(row.source)),
        folded=8,
    )


def _severity(severity: str) -> Cell:
    """Problems stand out, and sort first."""
    order = float(SEVERITIES.index(severity))
    return Cell(severity, order, "" if order else "bad")


def _where(advice: AdviceFigure, most: int = 3) -> str:
    """Bundle, target, and the graphs it is of; of many the first."""
    shown = ", ".join(advice.graphs[:most])
    more = f" and {len(advice.graphs) - most} more" if len(advice.graphs) > most else ""
    graphs = f": {shown}{more}" if shown else ""
    return f"{advice.bundle}, {advice.target}{graphs}"
