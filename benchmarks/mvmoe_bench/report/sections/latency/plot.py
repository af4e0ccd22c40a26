"""Latency distributions: for each subject its shape, p5 to p95, the middle half, and the median."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mvmoe_bench.report.plots.axis import plain_axis
from mvmoe_bench.report.plots.canvas import Canvas
from mvmoe_bench.report.plots.rows import Row, RowPlot, Rows
from mvmoe_bench.report.printed import printed
from mvmoe_bench.report.sections.latency.figures import Latency

_PAD = 3
_HILL = 0.2
"""Height of a hill in rows."""


@dataclass(frozen=True)
class LatencyRow:
    """One subject: its name, its latency, and the name of its colour."""

    name: str
    latency: Latency
    colour: str


@dataclass(frozen=True)
class LatencyPlot(RowPlot):
    """One row for each subject."""

    rows: Sequence[LatencyRow]

    def texts(self) -> list[Row]:
        """Each median with interval and n."""
        return [_text(row) for row in self.rows]

    def draw(self, canvas: Canvas) -> None:
        """Draw all rows."""
        frame = Rows(canvas, self.texts(), "milliseconds an image")
        for position, row in enumerate(self.rows):
            _draw(frame, position, row.latency, canvas.colours[row.colour])
        shapes = [(row.latency.wall_ms, row.latency.histogram_ms) for row in self.rows]
        low = min(min(wall.p5, shape.low) for wall, shape in shapes)
        high = max(shape.high for _, shape in shapes)
        plain_axis(frame.axes, low * 0.98, max(high * 1.02, low * 1.05))


def _text(row: LatencyRow) -> Row:
    """Its median with interval and n."""
    wall = row.latency.wall_ms
    median = printed(wall)
    note = f"{median.marked}, n = {wall.n:,}"
    return Row(row.name, f"{median.value} ms", note, strong=row.colour == "c1")


def _draw(frame: Rows, position: int, latency: Latency, colour: str) -> None:
    """Shape above the line; whisker, box and median on it; the interval below."""
    wall, y, axes = latency.wall_ms, frame.y(position) + 0.08, frame.axes
    _shape(frame, latency, y, colour)
    axes.plot([wall.p5, wall.p95], [y, y], color=colour, linewidth=1.5, solid_capstyle="butt")
    axes.plot([wall.p25, wall.p75], [y, y], color=colour, linewidth=5, solid_capstyle="butt")
    if wall.low is not None and wall.high is not None:
        ends, below = [wall.low, wall.high], y + 0.12
        axes.plot(ends, [below, below], color=colour, linewidth=1.5, marker="|", markersize=6)
    edge = frame.canvas.colours["surface"]
    axes.plot(wall.value, y, "o", markersize=8, color=colour, mec=edge, mew=1.2)


def _shape(frame: Rows, latency: Latency, y: float, colour: str) -> None:
    """The histogram, smoothed a little, as a hill on the row's line."""
    from scipy.ndimage import gaussian_filter1d

    histogram = latency.histogram_ms
    if len(histogram.counts) < 2:
        return
    # Empty bins at both ends let the hill run out.
    padded = np.pad(np.array(histogram.counts, dtype=float), _PAD)
    counts = gaussian_filter1d(padded, 1.0)
    step = (histogram.high - histogram.low) / len(histogram.counts)
    middles = histogram.low + step * (np.arange(len(counts)) - _PAD + 0.5)
    hill = y - 0.02 - _HILL * counts / counts.max()
    frame.axes.fill_between(middles, hill, y - 0.02, color=colour, alpha=0.22, linewidth=0)
