"""A short series of numbers in their order."""

from dataclasses import dataclass

from mvmoe_bench.report.plots.canvas import Canvas
from mvmoe_bench.report.printed import alone
from mvmoe_deploy.picture_look import SMALL


@dataclass(frozen=True)
class StepsPlot:
    """Values by number, from 1."""

    values: tuple[float, ...]
    x_label: str
    y_label: str

    def height(self) -> float:
        """Pixels that it needs."""
        return 190.0

    def spoken(self) -> str:
        """All values."""
        return ", ".join(alone(value) for value in self.values)

    def draw(self, canvas: Canvas) -> None:
        """A line with dots over an axis from 0."""
        from matplotlib.ticker import MaxNLocator

        axes = canvas.axes(44, 26, 14, 46)
        axes.grid(False)
        axes.grid(True, axis="y", color=canvas.colours["grid"], linewidth=1)
        x = range(1, len(self.values) + 1)
        axes.plot(x, self.values, color=canvas.colours["c1"], linewidth=2, marker="o", markersize=6)
        axes.set_ylim(0, max(self.values) * 1.15)
        axes.set_xlim(0.5, len(self.values) + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(4, steps=(1, 2, 5, 10)))
        muted = canvas.colours["muted"]
        axes.set_xlabel(self.x_label, fontsize=SMALL, color=muted)
        axes.set_title(self.y_label, fontsize=SMALL, color=muted, loc="left", x=-0.03)
