"""Ratios with their intervals beside the line of 1: a forest plot."""

from collections.abc import Sequence
from dataclasses import dataclass

from mvmoe_bench.report.plots.axis import plain_axis
from mvmoe_bench.report.plots.canvas import SMALL, Canvas
from mvmoe_bench.report.plots.rows import Row, Rows, rows_height, shorten
from mvmoe_bench.report.printed import printed
from mvmoe_bench.report.statistics import Ratio


@dataclass(frozen=True)
class IntervalPlot:
    """One row for each ratio; `left` and `right` say what the sides of 1 mean."""

    rows: tuple[tuple[str, Ratio, str], ...]
    """Name, ratio, name of the colour."""
    x_label: str
    left: str
    right: str

    def height(self, narrow: bool) -> float:
        """Pixels that it needs: the sides' meanings have a line of their own."""
        return rows_height(len(self.rows), narrow) + 20

    def draw(self, canvas: Canvas) -> None:
        """Draw all rows and the line of 1."""
        lower = Canvas(
            canvas.figure,
            canvas.width,
            canvas.height - 20,
            canvas.colours,
            canvas.narrow,
            canvas.left,
            canvas.top + 20,
        )
        frame = Rows(lower, [_row(*row) for row in self.rows], self.x_label)
        _limits(frame, [ratio for _, ratio, _ in self.rows])
        frame.axes.axvline(1, color=canvas.colours["ink"], linewidth=1.2)
        for position, (_, ratio, colour) in enumerate(self.rows):
            y, shade = frame.y(position), canvas.colours[colour]
            if ratio.low is not None and ratio.high is not None:
                ends = [ratio.low, ratio.high]
                frame.axes.plot(ends, [y, y], color=shade, linewidth=3, marker="|", markersize=10)
            frame.axes.plot([ratio.value], [y], marker="o", markersize=8, color=shade)
        self._sides(frame, canvas)

    def _sides(self, frame: Rows, canvas: Canvas) -> None:
        """What it means to stand left or right of 1."""
        at = frame.axes.transData.transform((1, 0))[0] - frame.axes.get_window_extent().x0
        room = {"right": at, "left": frame.axes.get_window_extent().width - at}
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
    left, right = max(low - 0.2 * room, low / 1.6), high + 0.2 * room
    plain_axis(frame.axes, left, right, frame.canvas.narrow)


def _row(name: str, ratio: Ratio, colour: str) -> Row:
    """The ratio with interval and n."""
    its = printed(ratio)
    note = f"{its.marked}, n = {ratio.n:,}"
    return Row(shorten(name), f"{its.value} times", note, strong=colour == "c1")
