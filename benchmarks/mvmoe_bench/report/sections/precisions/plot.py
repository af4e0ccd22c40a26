"""Bytes against time: one point for each target, the colour says the format."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mvmoe_bench.report.plots.axis import plain_axis
from mvmoe_bench.report.plots.canvas import Canvas
from mvmoe_bench.report.plots.rows import shorten
from mvmoe_bench.report.printed import alone, printed
from mvmoe_bench.report.statistics import Estimate
from mvmoe_deploy.picture_look import SMALL, TEXT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LEFT, _RIGHT, _TOP, _FOOT = 46.0, 16.0, 26.0, 46.0
_LINE = 16.0
"""Pixels that names need above each other."""
_ROOM = 1.25
"""The axes reach so many times as far as the largest point."""
_COLOURS = ("c1", "c2", "c3", "c4", "c5", "c6")


@dataclass(frozen=True)
class PrecisionPoint:
    """One target: where it stands, and the format that gives its colour."""

    name: str
    format: str
    megabytes: float
    time_ms: Estimate


@dataclass(frozen=True)
class PrecisionPlot:
    """All points; both axes begin at 0, so that distances are proportions."""

    points: Sequence[PrecisionPoint]

    def height(self) -> float:
        """Pixels that it needs."""
        return 300.0

    def spoken(self) -> str:
        """The points."""
        return "; ".join(
            f"{point.name}: {alone(point.megabytes)} MB, {printed(point.time_ms).value} ms"
            for point in self.points
        )

    def draw(self, canvas: Canvas) -> None:
        """Axes from 0, points with intervals and names."""
        axes = canvas.axes(_LEFT, _TOP, _RIGHT, _FOOT)
        axes.grid(True, axis="y", color=canvas.colours["grid"], linewidth=1)
        plain_axis(axes, 0, _ROOM * max(point.megabytes for point in self.points))
        axes.set_ylim(0, _ROOM * max(_top(point.time_ms) for point in self.points))
        muted = canvas.colours["muted"]
        axes.set_xlabel("MB of weights (a million bytes)", fontsize=SMALL, color=muted)
        axes.set_title("milliseconds an image", fontsize=SMALL, color=muted, loc="left", x=-0.1)
        formats = list(dict.fromkeys(point.format for point in self.points))
        for point, shift in zip(self.points, _shifts(axes, self.points), strict=True):
            colour = _COLOURS[formats.index(point.format) % len(_COLOURS)]
            _draw(axes, canvas, point, canvas.colours[colour], shift)


def _shifts(axes: "Axes", points: Sequence[PrecisionPoint]) -> list[float]:
    """How many pixels each name stands above its point, so that no two are at one height."""
    heights = [axes.transData.transform((0, point.time_ms.value))[1] for point in points]
    shifts, taken = [0.0] * len(points), float("-inf")
    for number in sorted(range(len(points)), key=heights.__getitem__):
        taken = max(heights[number], taken + _LINE)
        shifts[number] = float(taken - heights[number])
    return shifts


def _top(time: Estimate) -> float:
    """The upper end of what is drawn."""
    return time.value if time.high is None else max(time.high, time.value)


def _draw(axes: "Axes", canvas: Canvas, point: PrecisionPoint, colour: str, shift: float) -> None:
    """The interval of a median, its dot, and the target's name beside it."""
    x, time = point.megabytes, point.time_ms
    if time.low is not None and time.high is not None:
        axes.plot([x, x], [time.low, time.high], color=colour, linewidth=1.5, marker="_",
                  markersize=9)  # fmt: skip
    edge = canvas.colours["surface"]
    axes.plot([x], [time.value], marker="o", markersize=9, color=colour, mec=edge, mew=1.2)
    beyond = x > axes.get_xlim()[1] * 0.6
    axes.annotate(
        shorten(point.name, 24),
        xy=(x, time.value),
        xytext=(-9 if beyond else 9, shift),
        textcoords="offset points",
        ha="right" if beyond else "left",
        va="center",
        fontsize=TEXT,
        color=canvas.colours["ink"],
        bbox={"facecolor": edge, "edgecolor": "none", "pad": 1.0},
    )
