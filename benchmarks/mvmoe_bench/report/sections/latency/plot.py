"""Latency distributions: for each subject its shape, p5 to p95, the middle half, and the median."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mvmoe_bench.report.plots.axis import is_logarithmic, plain_axis
from mvmoe_bench.report.plots.canvas import Canvas
from mvmoe_bench.report.plots.rows import Row, RowPlot, Rows
from mvmoe_bench.report.printed import printed
from mvmoe_bench.report.sections.latency.figures import Histogram, Latency

_PAD = 3
_HILL = 0.2
"""Height of a hill in rows."""


@dataclass(frozen=True)
class LatencyRow:
    """One subject: its name, its latency, and the name of its colour."""

    name: str
    latency: Latency
    colour: str
    strong: bool = False
    """Whether it is the product."""


@dataclass(frozen=True)
class LatencyPlot(RowPlot):
    """One row for each subject."""

    rows: Sequence[LatencyRow]

    def texts(self) -> list[Row]:
        """Each median with interval and n."""
        return [_text(row) for row in self.rows]

    def draw(self, canvas: Canvas) -> None:
        """Draw all rows; the axis holds every hill from foot to foot."""
        frame = Rows(canvas, self.texts(), "milliseconds an image")
        hills = [row.latency.histogram_ms.edges(_PAD) for row in self.rows]
        walls = [row.latency.wall_ms for row in self.rows]
        low = min(*(float(edges[0]) for edges in hills), *(wall.p5 for wall in walls))
        high = max(float(edges[-1]) for edges in hills)
        low, high = low * 0.99, max(high * 1.01, low * 1.05)
        for position, row in enumerate(self.rows):
            _draw(frame, position, row, is_logarithmic(low, high))
        plain_axis(frame.axes, low, high)


def _text(row: LatencyRow) -> Row:
    """Its median with interval and n."""
    wall = row.latency.wall_ms
    median = printed(wall)
    note = f"{median.marked}, n = {wall.n:,}"
    return Row(row.name, f"{median.value} ms", note, strong=row.strong)


def _draw(frame: Rows, position: int, row: LatencyRow, logarithmic: bool) -> None:
    """Shape above the line; whisker, box and median on it; the interval below."""
    wall, y, axes = row.latency.wall_ms, frame.y(position) + 0.08, frame.axes
    colour = frame.canvas.colours[row.colour]
    _hill(frame, row.latency.histogram_ms, y, colour, logarithmic)
    axes.plot([wall.p5, wall.p95], [y, y], color=colour, linewidth=1.5, solid_capstyle="butt")
    axes.plot([wall.p25, wall.p75], [y, y], color=colour, linewidth=5, solid_capstyle="butt")
    if wall.low is not None and wall.high is not None:
        ends, below = [wall.low, wall.high], y + 0.12
        axes.plot(ends, [below, below], color=colour, linewidth=1.5, marker="|", markersize=6)
    edge = frame.canvas.colours["surface"]
    axes.plot(wall.value, y, "o", markersize=8, color=colour, mec=edge, mew=1.2)


def _hill(frame: Rows, histogram: Histogram, y: float, colour: str, logarithmic: bool) -> None:
    """The histogram, smoothed a little, as a hill on the row's line: its area is the answers.

    On a logarithmic axis all bins are of one width, on a plain one the later ones are wider.
    """
    from scipy.ndimage import gaussian_filter1d

    if len(histogram.counts) < 2:
        return
    # Empty bins at both ends let the hill run out.
    edges = histogram.edges(_PAD)
    counts = gaussian_filter1d(np.pad(np.array(histogram.counts, dtype=float), _PAD), 1.0)
    heights = counts if logarithmic else counts / np.diff(edges)
    middles = np.sqrt(edges[:-1] * edges[1:])
    hill = y - 0.02 - _HILL * heights / heights.max()
    frame.axes.fill_between(middles, hill, y - 0.02, color=colour, alpha=0.22, linewidth=0)
