"""Which expert gets which class."""

from mvmoe_bench.report import words as say
from mvmoe_bench.report.blocks import (
    Block,
    Cell,
    Chart,
    Section,
    Table,
    number,
    numbers,
    text,
    words,
)
from mvmoe_bench.report.blocks import rows as as_rows
from mvmoe_bench.report.sections.classes.figures import ClassMap
from mvmoe_bench.report.sections.classes.plot import ClassPlot, cut
from mvmoe_bench.report.summary import Summary
from mvmoe_bench.report.words import percent

MOST_STAGES = 4
"""Routed stages that are drawn for each bundle."""


def classes(summary: Summary) -> Section | None:
    """A grid for each bundle and routed stage."""
    if not summary.class_maps:
        return None
    blocks: list[Block] = []
    for found in summary.class_maps:
        if found.stage < MOST_STAGES:
            blocks.append(chart(summary, found))
        blocks.append(_table(summary, found))
    return Section(
        "classes",
        "Classes and experts",
        tuple(blocks),
        "Each image of the run counts once. A dark block is a class whose images nearly all take "
        "one route; of a class with few images that says little.",
    )


def chart(summary: Summary, found: ClassMap) -> Chart:
    """One grid, of the classes and routes with most images."""
    shown = cut(found)
    left = len(found.classes) - len(shown.classes)
    beyond = f" {left} classes with fewer images are in the table only." if left else ""
    return Chart(
        f"Which route images of each class take{_of(summary, found)}",
        f"Per cent of a row's images; rows: {found.of}; n = {found.images} images.{beyond}",
        ClassPlot(shown),
        "; ".join(
            f"{cell.name}: {percent(cell.share)} route {say.route(cell.route)}"
            for cell in found.cells[:40]
        ),
    )


def _of(summary: Summary, found: ClassMap) -> str:
    """Bundle and stage, where there are several."""
    of = f" ({found.bundle})" if len(summary.bundles) > 1 else ""
    stages = {other.stage for other in summary.class_maps if other.bundle == found.bundle}
    return of + (f", stage {found.stage + 1}" if len(stages) > 1 else "")


def _table(summary: Summary, found: ClassMap) -> Table:
    """Pairs that occur."""
    cells = [
        [
            text(cell.name),
            Cell(say.route(cell.route), float(cell.route[0]) if cell.route else None),
            number(cell.share, percent(cell.share)),
            number(cell.images, f"{cell.images:,}"),
        ]
        for cell in found.cells
    ]
    columns = (*words(found.of, "route"), *numbers("share of the class", "images"))
    caption = f"Classes and routes{_of(summary, found)}"
    return Table(caption, columns, as_rows(cells), folded=True)
