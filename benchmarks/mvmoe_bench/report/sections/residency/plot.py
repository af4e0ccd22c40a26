"""The residency curve: what an answer takes, by how many experts may stay in memory."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mvmoe_bench.report.formatting import percent, room_for
from mvmoe_bench.report.plots.canvas import Canvas
from mvmoe_bench.report.printed import alone, printed
from mvmoe_bench.report.sections.residency.figures import Budget, ResidencyCurve
from mvmoe_deploy.picture_look import SMALL

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class ResidencyPlot:
    """One subject's curve: latency above, the share of loads and the memory held below."""

    curve: ResidencyCurve

    def height(self) -> float:
        """Pixels that it needs."""
        return 470.0

    def spoken(self) -> str:
        """The points of the curve."""
        return "; ".join(
            f"{room_for(point.experts)}: median {printed(point.total_ms).value} ms, p90 "
            f"{alone(point.total_ms.p90)} ms, p95 {alone(point.total_ms.p95)} ms, "
            f"{percent(point.cold_share)} cold"
            for point in self.curve.budgets
        )

    def draw(self, canvas: Canvas) -> None:
        """Two panels, one above the other."""
        half = canvas.height / 2
        self._latency(canvas.axes(34, 24, 10, half + 46), canvas)
        self._cost(canvas.axes(34, half + 24, 10, 46), canvas)

    def _latency(self, axes: "Axes", canvas: Canvas) -> None:
        """Median with its interval, and p95."""
        budgets, shade = self.curve.budgets, canvas.colours
        x = list(range(len(budgets)))
        p50 = [budget.total_ms.value for budget in budgets]
        p95 = [budget.total_ms.p95 for budget in budgets]
        mean = [budget.mean_ms for budget in budgets]
        for values, colour, style in ((p95, "c2", "s"), (mean, "c6", "^"), (p50, "c1", "o")):
            axes.plot(x, values, color=shade[colour], linewidth=2, marker=style, markersize=6)
        for position, budget in enumerate(budgets):
            _whisker(axes, position, budget, shade["c1"])
        _title(axes, canvas, "milliseconds an image")
        _legend(axes, canvas, (("● median", "c1"), ("▲ mean", "c6"), ("■ p95", "c2")))
        _budgets(axes, canvas, budgets)
        top = max(*p95, *mean)
        axes.set_ylim(0, top * 1.22)

    def _cost(self, axes: "Axes", canvas: Canvas) -> None:
        """Share of answers that loaded an expert, as bars; memory written above them."""
        budgets, shade = self.curve.budgets, canvas.colours
        shares = [100 * budget.cold_share for budget in budgets]
        axes.bar(range(len(budgets)), shares, width=0.55, color=shade["c3"])
        for position, budget in enumerate(budgets):
            text = percent(budget.cold_share)
            if budget.held_bytes is not None:
                text += f"\n{printed(budget.held_bytes, 1e-6).value} MB"
            axes.annotate(
                text, xy=(position, shares[position]), xytext=(0, 4), textcoords="offset points",
                ha="center", fontsize=SMALL, color=shade["ink"],
            )  # fmt: skip
        held = any(budget.held_bytes is not None for budget in budgets)
        what = "; memory held" if held else ""
        _title(axes, canvas, f"% of images that loaded an expert{what}")
        _budgets(axes, canvas, budgets)
        axes.set_ylim(0, max(*shares, 1) * 1.35)


def _whisker(axes: "Axes", position: int, budget: Budget, colour: str) -> None:
    """The interval of a median."""
    low, high = budget.total_ms.low, budget.total_ms.high
    if low is not None and high is not None:
        axes.plot(
            [position, position], [low, high], color=colour, linewidth=1.5, marker="_",
            markersize=9,
        )  # fmt: skip


def _title(axes: "Axes", canvas: Canvas, text: str) -> None:
    """What a panel shows."""
    axes.set_title(text, fontsize=SMALL, color=canvas.colours["muted"], loc="left", pad=8, x=-0.08)
    axes.grid(False)
    axes.grid(True, axis="y", color=canvas.colours["grid"], linewidth=1)


def _legend(axes: "Axes", canvas: Canvas, entries: tuple[tuple[str, str], ...]) -> None:
    """Names of the lines in their colours, inside the panel."""
    for number, (name, colour) in enumerate(entries):
        axes.text(
            0.98 - 0.2 * (len(entries) - 1 - number), 0.95, name, transform=axes.transAxes,
            ha="right", va="center", fontsize=SMALL, color=canvas.colours[colour],
        )  # fmt: skip


def _budgets(axes: "Axes", canvas: Canvas, budgets: tuple[Budget, ...]) -> None:
    """One tick a budget."""
    axes.set_xticks(range(len(budgets)), [str(budget.room) for budget in budgets])
    axes.set_xlim(-0.5, len(budgets) - 0.5)
    axes.set_xlabel(
        "experts that may stay in memory", fontsize=SMALL, color=canvas.colours["muted"]
    )
