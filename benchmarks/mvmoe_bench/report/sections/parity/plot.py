"""Errors beside their bounds, on a logarithmic axis."""

from dataclasses import dataclass

from mvmoe_bench.report.plots.canvas import SMALL, Canvas
from mvmoe_bench.report.plots.rows import Row, Rows, rows_height, shorten

_LEAST = 1e-12


@dataclass(frozen=True)
class BoundsPlot:
    """Rows of name, error, bound."""

    rows: tuple[tuple[str, float, float], ...]

    def height(self, narrow: bool) -> float:
        """Pixels that it needs."""
        return rows_height(len(self.rows), narrow)

    def draw(self, canvas: Canvas) -> None:
        """A dot for the error, a line for its bound."""
        from matplotlib.ticker import FuncFormatter

        texts = [
            Row(shorten(name, 40), f"{error:.1e}", f"bound {bound:.0e}")
            for name, error, bound in self.rows
        ]
        frame = Rows(canvas, texts, "largest relative error (each step is ten times)")
        axes = frame.axes
        axes.set_xscale("log")
        shade = canvas.colours
        for position, (_, error, bound) in enumerate(self.rows):
            y = frame.y(position)
            colour = shade["c3" if error <= bound else "c2"]
            value = max(error, _LEAST)
            axes.plot([value, max(bound, _LEAST)], [y, y], color=shade["grid"], linewidth=6)
            axes.plot([value], [y], marker="o", markersize=9, color=colour)
            axes.plot([max(bound, _LEAST)], [y], marker="|", markersize=18, color=shade["ink"],
                      markeredgewidth=2)  # fmt: skip
        values = [max(v, _LEAST) for row in self.rows for v in row[1:]]
        axes.set_xlim(min(values) / 5, max(values) * 5)
        axes.tick_params(labelsize=SMALL)
        axes.minorticks_off()
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0e}"))
