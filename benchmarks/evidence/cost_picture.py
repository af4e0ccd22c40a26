"""The picture of a data set: accuracy over multiply-accumulates, parameters and latency."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evidence.row_figures import CaseFigures, Row
from mvmoe_bench.report.plots.canvas import Canvas
from mvmoe_deploy.picture_look import DPI, LIGHT, SMALL, TEXT, blank_figure
from mvmoe_deploy.system import files, output_places

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MADE_BY = "mvmoe evidence"
"""What the file says of itself, by which it is recognised."""

foreign_to_picture = output_places.foreign_without(
    [f"Software\0{MADE_BY}".encode()], "picture of `make evidence`"
)
"""Why a file is no picture that may be replaced; None if it is one."""

_WIDTH, _PANEL, _HEAD, _LEGEND_LINE = 1080.0, 330.0, 58.0, 22.0
_LEFT = 22 / _WIDTH
_SCALE = 2
_LEGEND_COLUMNS = 4
_COLOURS = (
    LIGHT["ink"], LIGHT["c1"], LIGHT["c2"], LIGHT["c6"], LIGHT["c3"], LIGHT["c4"], LIGHT["c5"],
    "#b3246d", "#4d7a12",
)  # fmt: skip
_MARKERS = "osDX^vPph"

Axis = tuple[str, Callable[[Row], float | None]]

_PANELS: tuple[Axis, ...] = (
    ("active multiply-accumulates, millions", lambda row: row.macs / 1e6),
    ("parameters, thousands", lambda row: row.params_total / 1e3),
    ("measured latency, ms", lambda row: None if row.latency is None else row.latency.ms),
)


def draw(found: CaseFigures, path: Path) -> None:
    """Write the PNG file in one step, over one that this has written."""
    rows = [row for row in found.rows if row.cell.phases != ("dense",)]
    kinds = list(dict.fromkeys(cell.kind for size in found.case.sizes for cell in size.cells))
    lines = -(-len(kinds) // _LEGEND_COLUMNS)
    height = _HEAD + _PANEL + lines * _LEGEND_LINE + 12
    with blank_figure(_WIDTH, height, LIGHT["surface"]) as figure:
        title: dict[str, Any] = {"fontsize": 17, "fontweight": "bold", "color": LIGHT["ink"]}
        figure.text(_LEFT, 1 - 22 / height, found.case.title, va="center", **title)
        figure.text(
            _LEFT, 1 - 44 / height, _subtitle(rows), va="center", fontsize=SMALL,
            color=LIGHT["muted"],
        )  # fmt: skip
        for number, panel in enumerate(_PANELS):
            _panel(figure, number, panel, rows, kinds)
        _legend(figure, height, kinds)
        files.write_file(
            path,
            lambda partial: figure.savefig(
                partial, format="png", dpi=DPI * _SCALE, metadata={"Software": MADE_BY}
            ),
            foreign_to_picture,
        )


def _subtitle(rows: list[Row]) -> str:
    """How many seeds the points are of."""
    counts = sorted({row.top1.seeds for row in rows})
    seeds = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else "".join(map(str, counts))
    word = "seed" if seeds == "1" else "seeds"
    return (
        f"Top-1 of the test images, the mean over {seeds or 'no'} {word}; "
        "bars are 95% of the mean. A line joins one kind of model at several sizes."
    )


def _panel(figure: "Figure", number: int, panel: Axis, rows: list[Row], kinds: list[str]) -> None:
    """One plot of accuracy over a cost."""
    label, cost = panel
    width = _WIDTH / len(_PANELS)
    canvas = Canvas(figure, width, _PANEL, LIGHT, number * width, _HEAD)
    axes = canvas.axes(left=62, top=8, right=16, bottom=48)
    axes.grid(True, axis="y", color=LIGHT["grid"], linewidth=1)
    axes.set_xlabel(label, fontsize=TEXT, color=LIGHT["ink"], labelpad=6)
    if number == 0:
        axes.set_ylabel("top-1, %", fontsize=TEXT, color=LIGHT["ink"])
    placed = [(row, at) for row in rows if (at := cost(row)) is not None]
    if not placed:
        axes.text(
            0.5, 0.5, "not measured yet", transform=axes.transAxes, ha="center",
            fontsize=TEXT, color=LIGHT["muted"],
        )  # fmt: skip
        axes.set_xticks([])
        axes.set_yticks([])
        return
    for kind in kinds:
        _draw_kind(axes, kinds.index(kind), [pair for pair in placed if pair[0].cell.kind == kind])
    _scale(axes, [at for _, at in placed])


def _draw_kind(axes: "Axes", number: int, placed: list[tuple[Row, float]]) -> None:
    """The points of one kind, those of one model at several sizes joined."""
    colour, marker = _style(number)
    names = dict.fromkeys(row.cell.name for row, _ in placed)
    for name in names:
        points = sorted(
            (at, 100 * row.top1.mean, 100 * (row.top1.half or 0.0))
            for row, at in placed
            if row.cell.name == name
        )
        at, top1, half = zip(*points, strict=True)
        axes.errorbar(
            at, top1, yerr=half, color=colour, marker=marker, markersize=7.5, linewidth=1.4,
            elinewidth=1.2, capsize=2.5, markeredgecolor=LIGHT["surface"], markeredgewidth=0.8,
            zorder=3 if number else 2,
        )  # fmt: skip


def _scale(axes: "Axes", costs: list[float]) -> None:
    """A logarithmic axis with plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

    low, high = min(costs), max(costs)
    axes.set_xscale("log")
    subs = (1, 2, 5) if high / low > 4 else (1, 1.5, 2, 3, 4, 5, 6, 8)
    axes.xaxis.set_major_locator(LogLocator(base=10, subs=subs))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axes.set_xlim(low / 1.25, high * 1.25)


def _legend(figure: "Figure", height: float, kinds: list[str]) -> None:
    """The colours, below the plots."""
    from matplotlib.lines import Line2D

    handles = []
    for number, kind in enumerate(kinds):
        colour, marker = _style(number)
        handles.append(
            Line2D([], [], color=colour, marker=marker, markersize=7.5, linewidth=1.4, label=kind)
        )
    figure.legend(
        handles=handles, loc="lower center", ncols=_LEGEND_COLUMNS, frameon=False,
        fontsize=TEXT, labelcolor=LIGHT["ink"], bbox_to_anchor=(0.5, 2 / height),
    )  # fmt: skip


def _style(number: int) -> tuple[str, str]:
    """Colour and marker of a kind; no two of a plan have one colour."""
    return _COLOURS[number], _MARKERS[number]
