"""The time of an answer over minutes, and below it how warm the device was."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mvmoe_bench.report.plots.axis import plain_axis
from mvmoe_bench.report.plots.canvas import Canvas
from mvmoe_bench.report.printed import alone
from mvmoe_bench.report.sections.sustained.figures import STATUSES, LongRun, Moment
from mvmoe_deploy.picture_look import SMALL

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LATENCY = 220.0
_HEAT = 150.0
_SPOKEN = 12
"""Moments that are read out, at most."""


@dataclass(frozen=True)
class TimelinePlot:
    """One long run; the lower panel is there if the device says how warm it is."""

    run: LongRun

    def height(self) -> float:
        """Pixels that it needs."""
        return _LATENCY + (_HEAT if self.run.warmest is not None else 0)

    def spoken(self) -> str:
        """Some moments from the first to the last."""
        moments = self.run.moments
        step = max(1, -(-len(moments) // _SPOKEN))
        chosen = [*moments[:-1:step], moments[-1]]
        return "; ".join(map(_spoken, chosen))

    def draw(self, canvas: Canvas) -> None:
        """Latency above, heat below, over the same minutes."""
        below = canvas.height - _LATENCY
        # Both panels are as wide: what happens at one time stands below each other.
        left = 74 if below else 44
        self._latency(canvas.axes(left, 26, 14, below + 46), canvas)
        if below:
            self._heat(canvas.axes(left, _LATENCY + 22, 14, 40), canvas)

    def _latency(self, axes: "Axes", canvas: Canvas) -> None:
        """The median and the slowest answer of each moment."""
        minutes, shade = self._minutes(), canvas.colours
        slowest = [moment.slowest_ms for moment in self.run.moments]
        medians = [moment.median_ms for moment in self.run.moments]
        axes.plot(minutes, slowest, color=shade["c2"], linewidth=1, marker=".", markersize=3)
        axes.plot(minutes, medians, color=shade["c1"], linewidth=2)
        for low, high, level in self._quarters():
            axes.plot(
                [low, high], [level, level], color=shade["ink"], linewidth=1.5, linestyle="--"
            )
        # One very slow answer does not flatten all others; it is in the table.
        axes.set_ylim(0, min(max(slowest), 3 * max(medians)) * 1.2)
        _frame(axes, canvas, "milliseconds: median, • slowest")
        self._time(axes, canvas)

    def _heat(self, axes: "Axes", canvas: Canvas) -> None:
        """The thermal status, or where there is none the processor's temperature."""
        if self.run.hottest is None:
            self._degrees(axes, canvas)
        else:
            self._status(axes, canvas)
        self._time(axes, canvas)

    def _degrees(self, axes: "Axes", canvas: Canvas) -> None:
        """Degrees Celsius, as a line over an axis from 0."""
        found = [(m.seconds / 60, m.celsius) for m in self.run.moments if m.celsius is not None]
        axes.plot(*zip(*found, strict=True), color=canvas.colours["c3"], linewidth=2)
        axes.set_ylim(0, max(degrees for _, degrees in found) * 1.2)
        _frame(axes, canvas, "processor, degrees Celsius")

    def _status(self, axes: "Axes", canvas: Canvas) -> None:
        """The thermal status, as steps over the names that were reached."""
        found = [(m.seconds / 60, STATUSES.index(m.thermal)) for m in self.run.moments if m.thermal]
        top = max(1, *(status for _, status in found))
        axes.step(*zip(*found, strict=True), color=canvas.colours["c3"], linewidth=2, where="pre")
        axes.set_ylim(-0.3, top + 0.3)
        axes.set_yticks(range(top + 1), STATUSES[: top + 1])
        _frame(axes, canvas, "thermal status")

    def _quarters(self) -> list[tuple[float, float, float]]:
        """From which minute to which the first quarter and the last go, and their medians."""
        end, run = self.run.seconds / 60, self.run
        return [(0, end / 4, run.first_ms), (3 * end / 4, end, run.last_ms)]

    def _minutes(self) -> list[float]:
        """When each moment ended."""
        return [moment.seconds / 60 for moment in self.run.moments]

    def _time(self, axes: "Axes", canvas: Canvas) -> None:
        """The axis of time."""
        plain_axis(axes, 0, self.run.seconds / 60)
        axes.set_xlabel("minutes", fontsize=SMALL, color=canvas.colours["muted"])


def _spoken(moment: Moment) -> str:
    """One moment in words."""
    degrees = "" if moment.celsius is None else f", {moment.celsius:.0f} °C"
    warm = f", {moment.thermal}" if moment.thermal else degrees
    return f"{alone(moment.seconds / 60)} min: {alone(moment.median_ms)} ms{warm}"


def _frame(axes: "Axes", canvas: Canvas, title: str) -> None:
    """What a panel shows, and lines to read it by."""
    axes.grid(False)
    axes.grid(True, axis="y", color=canvas.colours["grid"], linewidth=1)
    axes.set_title(title, fontsize=SMALL, color=canvas.colours["muted"], loc="left", x=-0.03)
