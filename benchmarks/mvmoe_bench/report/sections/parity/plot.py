"""Errors beside their bounds, on a logarithmic axis."""

from collections.abc import Sequence
from dataclasses import dataclass

from mvmoe_bench.report.plots.canvas import Canvas
from mvmoe_bench.report.plots.rows import Row, RowPlot, Rows
from mvmoe_deploy.picture_look import SMALL

_LEAST = 1e-12


@dataclass(frozen=True)
class BoundsRow:
    """A largest error and its bound."""

    name: str
    error: float
    bound: float


@dataclass(frozen=True)
class BoundsPlot(RowPlot):
    """One row for each error."""

    rows: Sequence[BoundsRow]

    def texts(self) -> list[Row]:
        """Each error with its bound."""
        return [Row(row.name, f"{row.error:.1e}", f"bound {row.bound:.0e}") for row in self.rows]

    def draw(self, canvas: Canvas) -> None:
        """A dot for the error, a line for its bound."""
        from matplotlib.ticker import FuncFormatter

        frame = Rows(canvas, self.texts(), "largest relative error (each step is ten times)")
        axes = frame.axes
        axes.set_xscale("log")
        shade = canvas.colours
        for position, row in enumerate(self.rows):
            y = frame.y(position)
            colour = shade["c3" if row.error <= row.bound else "c2"]
            error, bound = max(row.error, _LEAST), max(row.bound, _LEAST)
            axes.plot([error, bound], [y, y], color=shade["grid"], linewidth=6)
            axes.plot([error], [y], marker="o", markersize=9, color=colour)
            axes.plot([bound], [y], marker="|", markersize=18, color=shade["ink"],
                      markeredgewidth=2)  # fmt: skip
        values = [max(v, _LEAST) for row in self.rows for v in (row.error, row.bound)]
        axes.set_xlim(min(values) / 5, max(values) * 5)
        axes.tick_params(labelsize=SMALL)
        axes.minorticks_off()
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0e}"))
