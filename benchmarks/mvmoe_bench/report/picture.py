"""One picture with the most telling plots of a run, for a README."""

from pathlib import Path
from typing import TYPE_CHECKING

from mvmoe_bench.report.blocks import Chart
from mvmoe_bench.report.document import alerts, subtitle, title
from mvmoe_bench.report.marking import MADE_BY
from mvmoe_bench.report.plots.canvas import WIDTH, Canvas
from mvmoe_bench.report.plots.rows import shorten
from mvmoe_bench.report.run_summary import Summary
from mvmoe_deploy.picture_look import DPI, LIGHT, blank_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MARGIN = 28.0
_HEAD = 74.0
_WARNING = 20.0
_TITLE = 32.0
_GAP = 20.0
_COLUMNS = 2
_FULL = 2 * _MARGIN + _COLUMNS * WIDTH + (_COLUMNS - 1) * 2 * _GAP
"""Its natural width in pixels."""
_SCALE = 2
"""Dots for each pixel, so that it is sharp on dense screens."""


def draw_picture(summary: Summary, path: Path) -> None:
    """Write a PNG of the main subject's plots to `path`, light, in two columns.

    What a reader must know before believing a number stands in it too: a picture of a busy machine
    says so wherever it is shown.
    """
    warned = alerts(summary)
    head = _HEAD + _WARNING * bool(warned)
    places, height = _arrange(_charts(summary), head)
    with blank_figure(_FULL, height, LIGHT["surface"]) as figure:
        _write(figure, shorten(title(summary), 70), (_MARGIN, 26), 17)
        _write(figure, shorten(subtitle(summary), 120), (_MARGIN, 51), 11.5)
        if warned:
            more = f" (and {len(warned) - 1} more)" if len(warned) > 1 else ""
            _write(figure, f"{shorten(warned[0], 116)}{more}", (_MARGIN, _HEAD - 4), 11.5, "c2")
        for chart, left, top in places:
            _write(figure, shorten(chart.title, 52), (left, top + 10), 13)
            area = Canvas(figure, WIDTH, chart.plot.height(), LIGHT, left, top + _TITLE)
            chart.plot.draw(area)
        figure.savefig(path, format="png", dpi=DPI * _SCALE, metadata={"Software": MADE_BY})


def _charts(summary: Summary) -> list[Chart]:
    """The plots that sections give for the main subject."""
    if summary.main is None:
        return []
    return [chart for part, found in summary.measured() for chart in part.picture(summary, found)]


def _arrange(charts: list[Chart], head: float) -> tuple[list[tuple[Chart, float, float]], float]:
    """Each chart with its left edge and its top, in the shorter column; and the whole height."""
    bottoms = [head] * _COLUMNS
    places = []
    for chart in charts:
        column = bottoms.index(min(bottoms))
        places.append((chart, _MARGIN + column * (WIDTH + 2 * _GAP), bottoms[column]))
        bottoms[column] += chart.plot.height() + _TITLE + _GAP
    return places, max(bottoms) + 4


def _write(
    figure: "Figure", text: str, place: tuple[float, float], size: float, colour: str = ""
) -> None:
    """A line of text, `place` from the left and from the top in pixels; large text is a title."""
    height = figure.get_size_inches()[1] * DPI
    large = size > 12
    figure.text(
        place[0] / _FULL,
        1 - place[1] / height,
        text,
        fontsize=size,
        fontweight="bold" if large else "normal",
        color=LIGHT[colour or ("ink" if large else "muted")],
        va="center",
    )
