"""How it was measured: the device, the request, the subjects, the bundles, the statistics."""

from typing import Any

from mvmoe_bench.report import columns
from mvmoe_bench.report.blocks import Block, TableBlock, Text, text
from mvmoe_bench.report.formatting import count, engine
from mvmoe_bench.report.run_summary import Summary
from mvmoe_bench.report.section_part import View
from mvmoe_bench.report.statistics import ENOUGH_REPEATS
from mvmoe_bench.report.subjects import look_of


def view(summary: Summary, notes: tuple[str, ...]) -> View:
    """Identity, preset, inputs, subjects, notes and statistics."""
    blocks: list[Block] = [
        _where(summary),
        _subjects(summary),
        _bundles(summary),
    ]
    if notes:
        blocks.append(Text(tuple(f"Note: {note}" for note in notes), listed=True))
    return View((*blocks, Text((_STATISTICS,))), _LEAD)


_STATISTICS = (
    "Statistics: each repeat is reduced to one number first, the median of its answers (of their "
    "quotients, where two subjects are compared). A figure is the median of these numbers; its 95% "
    "interval is a bootstrap over them (percentile method, expanded for few numbers: Hesterberg "
    f"2015). Fewer than {ENOUGH_REPEATS} repeats are too few for a bootstrap: their intervals are "
    "marked as rough and nothing is concluded from them. One repeat has no interval. Percentiles "
    "are of all answers together."
)
_LEAD = (
    "All subjects took turns on the same images, in rotated order, so that what slows the machine "
    "for a while slows all of them. Each repeat is a process in which everything is opened again; "
    "intervals are taken over repeats, because answers of one process are slow or fast together."
)


def _facts(summary: Summary) -> list[tuple[str, Any]]:
    """What the device said of itself, and what was asked of it."""
    preset, inputs = summary.preset, summary.inputs
    return [
        ("run", summary.id),
        ("started (UTC)", summary.started),
        ("device", summary.device),
        *((_TITLES.get(name, name), _value(name, v)) for name, v in summary.identity.items()),
        ("threads", summary.threads),
        (
            "preset",
            f"{preset.name}: {count(preset.repeats, 'repeat')} of at least "
            f"{count(preset.queries, 'round')}",
        ),
        ("repeats measured", summary.repeats),
        ("images", f"{inputs.images} of {inputs.source} (sha256 {inputs.sha256[:12]})"),
        ("order of the residency sequence", inputs.order),
        ("routes", "imposed, to follow a distribution" if inputs.forced else "the router's own"),
        ("seed", summary.seed),
        ("resumed", count(summary.resumed, "time") if summary.resumed else "no"),
    ]


_TITLES = {
    "cpu": "CPU",
    "cores_logical": "cores (logical)",
    "cores_physical": "cores (physical)",
    "memory_bytes": "memory",
    "os": "system",
    "load_average": "load average at the start",
}


def _value(name: str, value: Any) -> str:
    """A value of the identity for people."""
    if name.endswith("_bytes") and isinstance(value, int | float):
        return f"{value / 1e9:.1f} GB"
    if value is None:
        return "not known"
    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in value.items() if item is not None)
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)


def _where(summary: Summary) -> TableBlock:
    """Where and how it was measured."""
    return columns.table(
        "Where and how",
        _facts(summary),
        columns.text("what", lambda name, _: name),
        columns.text("value", lambda _, value: value),
    )


def _subjects(summary: Summary) -> TableBlock:
    """Who was measured, and on which engine."""
    return columns.table(
        "Subjects",
        ((figure,) for figure in summary.subjects),
        columns.text("subject", lambda row: summary.names[row.key]),
        columns.text("what it is", lambda row: look_of(row.name).description),
        columns.text("bundle", lambda row: row.bundle),
        columns.text("target", lambda row: row.target),
        columns.text("engine", lambda row: engine(row.engine)),
        columns.text("threads", lambda row: row.threads),
        columns.text("failures", lambda row: text("failed", "bad") if row.failures else "none"),
    )


def _bundles(summary: Summary) -> TableBlock:
    """Whose models."""
    return columns.table(
        "Bundles",
        ((figure,) for figure in summary.bundles),
        columns.text("bundle", lambda row: row.name),
        columns.text("model", lambda row: row.model),
        columns.text("experts", lambda row: " + ".join(map(str, row.experts)) or "dense"),
        columns.text("parameters", lambda row: f"{row.params_total / 1e6:.2f} M"),
        columns.text("active an image", lambda row: f"{row.params_active / 1e6:.2f} M"),
        columns.text("multiply-accumulates", lambda row: f"{row.macs / 1e6:,.1f} M"),
        columns.text("manifest sha256", lambda row: row.sha256[:12]),
    )
