"""What bundles weigh."""

from mvmoe_bench.report.blocks import Chart, Column, Section, Table, number, rows, text
from mvmoe_bench.report.bundles import BundleFigure, TargetFigure
from mvmoe_bench.report.plots.stacks import Stack, StackPlot
from mvmoe_bench.report.printed import alone
from mvmoe_bench.report.summary import Summary

_KINDS = (
    ("weights every image uses", "c1"),
    ("experts' weights", "c3"),
    ("graphs, and weights stored twice", "c6"),
)


def size(summary: Summary) -> Section | None:
    """Bars by bundle and target."""
    found = [(bundle, target) for bundle in summary.bundles for target in bundle.targets]
    found = [(bundle, target) for bundle, target in found if target.size.total_bytes]
    if not found:
        return None
    return Section(
        "size",
        "Bundle size",
        (_chart(found), _table(found)),
        "Exact sizes of the files, from the manifest: nothing here is measured, so there is no "
        "interval.",
    )


def _chart(found: list[tuple[BundleFigure, TargetFigure]]) -> Chart:
    """One bar for each target."""
    stacks = tuple(
        Stack(
            f"{bundle.name}, {target.name}",
            tuple(value / 1e6 for value in _parts(target)),
            f"{alone(target.size.total_bytes / 1e6)} MB",
            f"{target.graphs} graphs, {target.precision}",
        )
        for bundle, target in found
    )
    spoken = "; ".join(f"{stack.name} {stack.value}" for stack in stacks)
    return Chart(
        "What a bundle weighs on disk",
        "Blue and green: each weight once, however many graphs read it; grey: graphs, and weights "
        "that are stored more than once; n = 1, exact.",
        StackPlot(_KINDS, stacks, "MB (a million bytes)"),
        f"Bundle sizes: {spoken}",
    )


def _parts(target: TargetFigure) -> tuple[float, float, float]:
    """Shared, experts', other bytes."""
    its = target.size
    return its.shared_bytes or 0, sum(map(sum, its.expert_bytes)), its.other_bytes


def _table(found: list[tuple[BundleFigure, TargetFigure]]) -> Table:
    """All sizes."""
    columns = (
        Column("bundle", number=False),
        Column("target", number=False),
        Column("precision", number=False),
        Column("total MB"),
        Column("shared MB"),
        Column("experts MB"),
        Column("an expert MB", number=False, help="Least to most."),
        Column("other MB"),
        Column("graphs"),
    )
    cells = []
    for bundle, target in found:
        shared, experts, other = _parts(target)
        cells.append(
            [
                text(bundle.name),
                text(target.name),
                text(f"{target.precision}, {target.strategy}"),
                number(target.size.total_bytes / 1e6),
                number(None if target.size.shared_bytes is None else shared / 1e6),
                number(experts / 1e6 if experts else None),
                text(_each(target)),
                number(other / 1e6),
                number(target.graphs, str(target.graphs)),
            ]
        )
    return Table("Bundle sizes", columns, rows(cells))


def _each(target: TargetFigure) -> str | None:
    """What one expert weighs."""
    each = [size / 1e6 for stage in target.size.expert_bytes for size in stage]
    if not each:
        return None
    least, most = alone(min(each)), alone(max(each))
    return least if least == most else f"{least} to {most}"
