"""One picture with the most telling plots of a run, for a README."""

from pathlib import Path
from typing import TYPE_CHECKING

from mvmoe_bench.report.blocks import Chart
from mvmoe_bench.report.document import subtitle, title
from mvmoe_bench.report.headline import main_subject
from mvmoe_bench.report.marking import MADE_BY
from mvmoe_bench.report.plots.canvas import DPI, LIGHT, WIDE, Canvas
from mvmoe_bench.report.plots.rows import shorten
from mvmoe_bench.report.sections.latency.view import chart as latency_chart
from mvmoe_bench.report.sections.parts.view import chart as parts_chart
from mvmoe_bench.report.sections.parts.view import having
from mvmoe_bench.report.sections.ratios.view import chart as ratio_chart
from mvmoe_bench.report.sections.residency.view import chart as residency_chart
from mvmoe_bench.report.summary import Summary
from mvmoe_bench.report.svg import SETTINGS, quiet_about_glyphs
from mvmoe_deploy.matplotlib_import import prepare_matplotlib

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MARGIN = 28.0
_HEAD = 74.0
_TITLE = 32.0
_GAP = 20.0
_SCALE = 2
"""Dots for each pixel, so that it is sharp on dense screens."""


Place = tuple[Chart, float, float, float, bool]
"""A chart with its left edge, its top (of its title), its width, and whether it is narrow."""


def draw_picture(summary: Summary, path: Path) -> None:
    """Write a PNG of the run to `path`, light, 900 pixels wide at its natural size."""
    prepare_matplotlib("matplotlib, which draws reports,", "bench")
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    places, height = _arrange(summary)
    with mpl.rc_context(SETTINGS), quiet_about_glyphs():
        size = (WIDE / DPI, height / DPI)
        figure = Figure(figsize=size, dpi=DPI, facecolor=LIGHT["surface"])
        FigureCanvasAgg(figure)
        _write(figure, shorten(title(summary), 70), (_MARGIN, 26), 17)
        _write(figure, shorten(subtitle(summary), 120), (_MARGIN, 51), 11.5)
        for chart, left, top, width, narrow in places:
            _write(figure, shorten(chart.title, 46 if narrow else 90), (left, top + 10), 13)
            high = chart.plot.height(narrow)
            area = Canvas(figure, width, high, LIGHT, narrow, left, top + _TITLE)
            chart.plot.draw(area)
        figure.savefig(path, format="png", dpi=DPI * _SCALE, metadata={"Software": MADE_BY})


def _arrange(summary: Summary) -> tuple[list[Place], float]:
    """Wide charts over the whole width, small ones in pairs below; and the height of it all."""
    wide, small = _charts(summary)
    if len(small) == 1:
        wide, small = [*wide, *small], []
    inner = WIDE - 2 * _MARGIN
    half = (inner - 2 * _GAP) / 2
    places: list[Place] = []
    top = _HEAD
    for chart in wide:
        places.append((chart, _MARGIN, top, inner, False))
        top += chart.plot.height(narrow=False) + _TITLE + _GAP
    for first in range(0, len(small), 2):
        pair = small[first : first + 2]
        for number, chart in enumerate(pair):
            places.append((chart, _MARGIN + number * (half + 2 * _GAP), top, half, True))
        top += max(chart.plot.height(narrow=True) for chart in pair) + _TITLE + _GAP
    return places, top + 4


def _charts(summary: Summary) -> tuple[list[Chart], list[Chart]]:
    """The main subject's latency beside the others and its parts; its ratios and residency."""
    main = main_subject(summary)
    if main is None:
        return [], []
    its = [subject for subject in summary.subjects if subject.bundle == main.bundle]
    wide = [latency_chart(summary, its, main.bundle)]
    if having(summary):
        wide.append(parts_chart(summary))
    small = []
    if any(main.key in (figure.first, figure.second) for figure in summary.ratios):
        small.append(ratio_chart(summary, main.key))
    small += [
        residency_chart(summary, curve) for curve in summary.residency if curve.subject == main.key
    ]
    return wide, small


def _write(figure: "Figure", text: str, place: tuple[float, float], size: float) -> None:
    """A line of text, `place` from the left and from the top in pixels; large text is a title."""
    height = figure.get_size_inches()[1] * DPI
    title_like = size > 12
    figure.text(
        place[0] / WIDE,
        1 - place[1] / height,
        text,
        fontsize=size,
        fontweight="bold" if title_like else "normal",
        color=LIGHT["ink" if title_like else "muted"],
        va="center",
    )
