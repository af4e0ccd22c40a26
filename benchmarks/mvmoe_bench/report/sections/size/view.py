"""What bundles weigh."""

from collections.abc import Iterator

from mvmoe_bench.report import columns
from mvmoe_bench.report.blocks import Chart, TableBlock, Tile
from mvmoe_bench.report.plots.stacks import Stack, StackPlot
from mvmoe_bench.report.printed import alone
from mvmoe_bench.report.run_summary import Summary
from mvmoe_bench.report.section_part import View
from mvmoe_bench.report.sections.size.figures import TargetSize

Found = tuple[TargetSize, ...]
_MB = 1e-6
_KINDS = (
    ("weights every image uses", "c1"),
    ("experts' weights", "c3"),
    ("graphs, and weights stored twice", "c6"),
)


def view(summary: Summary, found: Found) -> View:
    """Bars by bundle and target, and a table."""
    return View(
        (_chart(found), _table(found)),
        "Exact sizes of the files, from the manifest: nothing here is measured, so there is no "
        "interval.",
    )


def _chart(found: Found) -> Chart:
    """One bar for each target."""
    stacks = tuple(
        Stack(
            f"{target.bundle}, {target.target}",
            ((target.shared_bytes or 0) * _MB, _experts(target) * _MB, target.other_bytes * _MB),
            f"{alone(target.total_bytes * _MB)} MB",
            f"{target.graphs} graphs, {target.precision}",
        )
        for target in found
    )
    return Chart(
        "What a bundle weighs on disk",
        "Blue and green: each weight once, however many graphs read it; grey: graphs, and weights "
        "that are stored more than once; n = 1, exact.",
        StackPlot(_KINDS, stacks, "MB (a million bytes)"),
    )


def _experts(target: TargetSize) -> int:
    """Bytes of all experts."""
    return sum(map(sum, target.expert_bytes))


def _table(found: Found) -> TableBlock:
    """All sizes."""
    return columns.table(
        "Bundle sizes",
        ((target,) for target in found),
        columns.text("bundle", lambda row: row.bundle),
        columns.text("target", lambda row: row.target),
        columns.text("precision", lambda row: f"{row.precision}, {row.strategy}"),
        columns.number("total MB", lambda row: row.total_bytes * _MB),
        columns.number("shared MB", lambda row: row.shared_bytes and row.shared_bytes * _MB),
        columns.number("experts MB", lambda row: _experts(row) * _MB or None),
        columns.text("an expert MB", _each, "Least to most."),
        columns.number("other MB", lambda row: row.other_bytes * _MB),
        columns.count("graphs", lambda row: row.graphs),
    )


def _each(target: TargetSize) -> str | None:
    """What one expert weighs."""
    each = [size * _MB for stage in target.expert_bytes for size in stage]
    if not each:
        return None
    least, most = alone(min(each)), alone(max(each))
    return least if least == most else f"{least} to {most}"


def tiles(summary: Summary, found: Found) -> Iterator[Tile]:
    """What ships of the main subject's target."""
    main = summary.main_subject
    for target in found:
        if main is not None and (target.bundle, target.target) == (main.bundle, main.target):
            size = alone(target.total_bytes * _MB)
            yield Tile("to download", size, "MB", f"{target.target}, exact")
