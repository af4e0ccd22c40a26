"""Routes: how long each takes, and how often it is taken.

A bar as long as the route's median and as high as its share: the area is what the route
contributes to the expected latency. Of many routes the rarest are left to the table.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from mvmoe_bench.report.formatting import percent, route
from mvmoe_bench.report.plots.axis import bar_axis
from mvmoe_bench.report.plots.canvas import Canvas
from mvmoe_bench.report.plots.rows import BAR, Row, RowPlot, Rows
from mvmoe_bench.report.printed import printed
from mvmoe_bench.report.sections.routes.figures import Expected, RouteRow
from mvmoe_deploy.picture_look import SMALL

_HEAD = 22.0
MOST = 12
"""Routes that are drawn."""


@dataclass(frozen=True)
class RoutesPlot(RowPlot):
    """The routes of one stage, the most used first, with the share that each has."""

    rows: Sequence[tuple[RouteRow, float]]
    """Row and share; at most `MOST`."""
    whole: bool
    """Whether the whole answer is drawn, or (of several stages) the stage's step."""
    expected: Expected | None
    """Its line is drawn where the whole answer is."""

    def top(self) -> float:
        """Pixels of the line that names the expected latency, less those above any first row."""
        return _HEAD - 4

    def texts(self) -> list[Row]:
        """Each route with its median, its share and n."""
        return [self._row(*row) for row in self.rows]

    def draw(self, canvas: Canvas) -> None:
        """Draw all bars and the expected latency."""
        unit = "milliseconds an image" if self.whole else "milliseconds of the stage"
        frame = Rows(canvas, self.texts(), unit, _HEAD)
        most = max(share for _, share in self.rows) or 1.0
        for position, (row, share) in enumerate(self.rows):
            self._bar(frame, position, row, share / most)
        top = max(self._high(row) for row, _ in self.rows)
        if self.whole and self.expected is not None:
            self._line(frame, canvas, self.expected)
            top = max(top, self.expected.ms.value)
        bar_axis(frame.axes, top)

    def _high(self, row: RouteRow) -> float:
        """How far right a row reaches."""
        return max(row.total_ms.value, row.total_ms.high or 0) if self.whole else row.step_ms.value

    def _row(self, row: RouteRow, share: float) -> Row:
        """Route, median, share and n."""
        shown = printed(row.total_ms if self.whole else row.step_ms)
        note = f"{percent(share)} of images, n = {row.n:,}"
        return Row(f"route {route(row.route)}", f"{shown.value} ms", note)

    def _bar(self, frame: Rows, position: int, row: RouteRow, share: float) -> None:
        """One bar with the interval of its median; a thin trace is left of the rarest."""
        canvas = frame.canvas
        y = frame.y(position)
        height = BAR * max(share, 0.06) * 1.2
        value = row.total_ms.value if self.whole else row.step_ms.value
        expert = min(row.expert_ms.value, value)
        common = canvas.colours["c6"]
        frame.axes.barh(y, value - expert, height=height, color=common, alpha=0.55)
        frame.axes.barh(y, expert, left=value - expert, height=height, color=canvas.colours["c3"])
        low, high = row.total_ms.low, row.total_ms.high
        if self.whole and low is not None and high is not None:
            frame.axes.plot(
                [low, high], [y, y], color=canvas.colours["ink"], linewidth=1.6, marker="|",
                markersize=7,
            )  # fmt: skip

    def _line(self, frame: Rows, canvas: Canvas, expected: Expected) -> None:
        """The expected latency over all rows."""
        value = expected.ms.value
        frame.axes.axvline(value, color=canvas.colours["c2"], linewidth=1.4, linestyle=(0, (4, 3)))
        frame.axes.annotate(
            f"expected {printed(expected.ms).value} ms",
            xy=(value, 1),
            xycoords=frame.axes.get_xaxis_transform(),
            xytext=(3, 6),
            textcoords="offset points",
            ha="right",
            fontsize=SMALL,
            color=canvas.colours["c2"],
        )
