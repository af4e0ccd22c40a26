"""Which route the images of each class take: a grid of shares."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from mvmoe_bench.report.formatting import percent, route
from mvmoe_bench.report.plots.canvas import Canvas
from mvmoe_bench.report.plots.rows import shorten
from mvmoe_bench.report.sections.classes.figures import ClassMap
from mvmoe_deploy.picture_look import SMALL

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_CLASSES = 40
MOST_ROUTES = 24
_CELL = 24.0


@dataclass(frozen=True)
class ClassPlot:
    """The grid of one stage: at most `MOST_CLASSES` by `MOST_ROUTES`, those with most images."""

    shown: ClassMap

    def height(self) -> float:
        """Pixels that it needs."""
        return _CELL * len(self.shown.classes) + 58

    def spoken(self) -> str:
        """The first cells."""
        return "; ".join(
            f"{cell.name}: {percent(cell.share)} route {route(cell.route)}"
            for cell in self.shown.cells[:40]
        )

    def draw(self, canvas: Canvas) -> None:
        """Draw all cells that are not empty."""
        names = [shorten(name, 14) for name in self.shown.classes]
        routes = self.shown.routes
        left = max(len(name) for name in names) * 7.0 + 18
        width = min(canvas.width - left - 8, 46 * len(routes))
        axes = canvas.axes(left, 4, canvas.width - left - width, 54)
        axes.grid(False)
        axes.set_xlim(-0.5, len(routes) - 0.5)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set_yticks(range(len(names)), names, color=canvas.colours["ink"])
        axes.set_xticks(range(len(routes)), [route(r) for r in routes], color=canvas.colours["ink"])
        if len(routes) > 8:
            axes.tick_params(axis="x", rotation=90)
        axes.set_xlabel("route", fontsize=SMALL, color=canvas.colours["muted"])
        self._cells(axes, canvas, width / len(routes) >= 28)

    def _cells(self, axes: "Axes", canvas: Canvas, annotated: bool) -> None:
        """Rectangles as strong as their share, with the share written in where it fits."""
        from matplotlib.patches import Rectangle

        rows = {name: i for i, name in enumerate(self.shown.classes)}
        columns = {r: i for i, r in enumerate(self.shown.routes)}
        for row in range(len(rows)):
            for column in range(len(columns)):
                corner = (column - 0.47, row - 0.45)
                empty = Rectangle(corner, 0.94, 0.9, color=canvas.colours["grid"], alpha=0.45, lw=0)
                axes.add_patch(empty)
        for cell in self.shown.cells:
            if cell.name not in rows or cell.route not in columns:
                continue
            x, y = columns[cell.route], rows[cell.name]
            strong = 0.12 + 0.88 * cell.share
            shade = canvas.colours["c1"]
            axes.add_patch(
                Rectangle((x - 0.47, y - 0.45), 0.94, 0.9, color=shade, alpha=strong, lw=0)
            )
            if annotated:
                colour = canvas.colours["surface" if cell.share > 0.5 else "ink"]
                text = f"{100 * cell.share:.0f}"
                axes.text(x, y, text, ha="center", va="center", fontsize=SMALL, color=colour)


def cut(whole: ClassMap) -> ClassMap:
    """The classes and routes with most images, in the map's order."""
    by_class: dict[str, int] = {}
    by_route: dict[tuple[int, ...], int] = {}
    for cell in whole.cells:
        by_class[cell.name] = by_class.get(cell.name, 0) + cell.images
        by_route[cell.route] = by_route.get(cell.route, 0) + cell.images
    classes = set(sorted(by_class, key=lambda name: -by_class[name])[:MOST_CLASSES])
    routes = set(sorted(by_route, key=lambda r: -by_route[r])[:MOST_ROUTES])
    return msgspec.structs.replace(
        whole,
        classes=tuple(name for name in whole.classes if name in classes),
        routes=tuple(r for r in whole.routes if r in routes),
    )
