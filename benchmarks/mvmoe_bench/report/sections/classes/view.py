"""Which expert gets which class."""

from mvmoe_bench.report import columns
from mvmoe_bench.report.blocks import Block, Chart, TableBlock, route_cell
from mvmoe_bench.report.run_summary import Summary
from mvmoe_bench.report.section_part import View
from mvmoe_bench.report.sections.classes.figures import ClassMap
from mvmoe_bench.report.sections.classes.plot import ClassPlot, cut

Found = tuple[ClassMap, ...]
MOST_STAGES = 4
"""Routed stages that are drawn for each bundle."""


def view(summary: Summary, found: Found) -> View:
    """A grid for each bundle and routed stage."""
    blocks: list[Block] = []
    for class_map in found:
        of = _of(summary, found, class_map)
        if class_map.stage < MOST_STAGES:
            blocks.append(_chart(class_map, of))
        blocks.append(_table(class_map, of))
    return View(
        tuple(blocks),
        "Each image of the run counts once. A dark block is a class whose images nearly all take "
        "one route; of a class with few images that says little.",
    )


def _chart(found: ClassMap, of: str) -> Chart:
    """One grid, of the classes and routes with most images."""
    shown = cut(found)
    left = len(found.classes) - len(shown.classes)
    beyond = f" {left} classes with fewer images are in the table only." if left else ""
    return Chart(
        f"Which route images of each class take{of}",
        f"Per cent of a row's images; rows: {found.of}; n = {found.images} images.{beyond}",
        ClassPlot(shown),
    )


def _of(summary: Summary, found: Found, class_map: ClassMap) -> str:
    """Bundle and stage, where there are several."""
    of = f" ({class_map.bundle})" if len(summary.bundles) > 1 else ""
    stages = {other.stage for other in found if other.bundle == class_map.bundle}
    return of + (f", stage {class_map.stage + 1}" if len(stages) > 1 else "")


def _table(found: ClassMap, of: str) -> TableBlock:
    """Pairs that occur."""
    return columns.table(
        f"Classes and routes{of}",
        ((cell,) for cell in found.cells),
        columns.text(found.of, lambda cell: cell.name),
        columns.text("route", lambda cell: route_cell(cell.route)),
        columns.share("share of the class", lambda cell: cell.share),
        columns.count("images", lambda cell: cell.images),
        folded=True,
    )
