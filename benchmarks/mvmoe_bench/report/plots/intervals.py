"""Ratios with their intervals beside the line of 1: a forest plot."""

from collections.abc import Sequence
from dataclasses import dataclass

from mvmoe_bench.report.plots.axis import plain_axis
from mvmoe_bench.report.plots.canvas import Canvas
from mvmoe_bench.report.plots.rows import Row, RowPlot, Rows
from mvmoe_bench.report.printed import printed
from mvmoe_bench.report.statistics import Ratio
from mvmoe_deploy.picture_look import SMALL


@dataclass(frozen=True)
class IntervalRow:
    """One ratio, and the name of its colour."""

    name: str
    ratio: Ratio
    colour: str
    meaning: str = ""
    """What the colour says."""
    strong: bool = False


@dataclass(frozen=True)
class IntervalPlot(RowPlot):
    """One row for each ratio; `left` and `right` say what the sides of 1 mean."""

    rows: Sequence[IntervalRow]
    x_label: str
    left: str
    right: str

    def top(self) -> float:
        """Pixels of the line that says what the sides of 1 mean."""
        return 20.0

    def texts(self) -> list[Row]:
        """Each ratio with interval and n."""
        return [_row(row) for row in self.rows]

    def draw(self, canvas: Canvas) -> None:
        """Draw all rows and the line of 1."""
        frame = Rows(canvas.below(self.top()), self.texts(), self.x_label)
        _limits(frame, [row.ratio for row in self.rows])
        frame.axes.axvline(1, color=canvas.colours["ink"], linewidth=1.2)
        for position, row in enumerate(self.rows):
            y, shade, ratio = frame.y(position), canvas.colours[row.colour], row.ratio
            if ratio.low is not None and ratio.high is not None:
                ends = [ratio.low, ratio.high]
                frame.axes.plot(ends, [y, y], color=shade, linewidth=3, marker="|", markersize=10)
            frame.axes.plot([ratio.value], [y], marker="o", markersize=8, color=shade)
        self._sides(frame, canvas)

    def _sides(self, frame: Rows, canvas: Canvas) -> None:
        """What it means to stand left or right of 1, where there is room."""
        extent = frame.axes.get_window_extent()
        at = frame.axes.transData.transform((1, 0))[0] - extent.x0
        room = {"right": at, "left": extent.width - at}
        for text, side, shift in ((f"◂ {self.left}", "right", -7), (f"{self.right} ▸", "left", 7)):
            if room[side] < 6.4 * len(text):
                continue
            frame.axes.annotate(
                text,
                xy=(1, 1),
                xycoords=frame.axes.get_xaxis_transform(),
                xytext=(shift, 8),
                textcoords="offset points",
                ha=side,
                fontsize=SMALL,
                color=canvas.colours["muted"],
                annotation_clip=False,
            )


def _limits(frame: Rows, ratios: Sequence[Ratio]) -> None:
    """Room for all intervals and, at both sides of 1, for what the side means."""
    low = min([1.0, *(ratio.low or ratio.value for ratio in ratios)])
    high = max([1.0, *(ratio.high or ratio.value for ratio in ratios)])
    room = (high - low) or 0.1
    plain_axis(frame.axes, max(low - 0.2 * room, low / 1.6), high + 0.2 * room)


def _row(row: IntervalRow) -> Row:
    """The ratio with interval and n."""
    ratio = printed(row.ratio)
    note = f"{ratio.marked}, n = {row.ratio.n:,}"
    return Row(row.name, f"{ratio.value} times", note, row.strong, row.meaning)
