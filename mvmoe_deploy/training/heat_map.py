"""The class-to-expert heat map: which share of each class's test images each expert gets."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mvmoe_deploy.picture_look import DPI, LIGHT, SMALL, TEXT, TITLE, blank_figure
from mvmoe_deploy.system import files, output_places
from mvmoe_deploy.training.training_report import RoutingReport, TrainReport

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

_MADE_BY = "mvmoe train"
"""What the file says of itself, by which it is recognised."""

foreign_to_picture = output_places.foreign_without([f"Software\0{_MADE_BY}".encode()], "heat map")
"""Why a file is no heat map of a run that may be replaced; None if it is one."""

_ANNOTATED = 30
"""Up to so many classes the shares are written into their cells."""
_DARK = 0.65
"""From such a share on a cell is dark enough for white numbers."""
_SCALE = 2
"""Dots for each pixel, so that it is sharp on dense screens."""
_EDGE, _HEAD, _CAPTION, _FOOT, _KEY = 24.0, 62.0, 44.0, 44.0, 40.0
"""Pixels: at the sides, of the title, of a panel's own, of its axis, of the scale of colours."""
_CELL, _ROW, _GAP = 46.0, 24.0, 28.0
_HEADING: dict[str, Any] = {"fontsize": TITLE, "fontweight": "bold", "color": LIGHT["ink"]}
_NAME: dict[str, Any] = {"fontsize": TEXT, "fontweight": "bold", "color": LIGHT["ink"]}
_NOTE: dict[str, Any] = {"fontsize": SMALL, "color": LIGHT["muted"]}
_LEAST_WIDTH, _LEAST_CELLS, _MOST_PANEL, _MOST_ROWS = 430.0, 200.0, 900.0, 2100.0


@dataclass(frozen=True)
class _Layout:
    """Where panels lie, in pixels."""

    panels: int
    names: float
    """Room for the names of classes."""
    cells: float
    """The width of a panel's cells."""
    rows: float
    """The height of all its rows."""
    annotated: bool

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the picture."""
        panel = self.names + self.cells
        width = 2 * _EDGE + self.panels * panel + (self.panels - 1) * _GAP
        height = _HEAD + _CAPTION + self.rows + _FOOT + (0 if self.annotated else _KEY)
        return max(width, _LEAST_WIDTH), height

    def left(self, panel: int) -> float:
        """Where the cells of a panel begin."""
        return _EDGE + panel * (self.names + self.cells + _GAP) + self.names


def draw_class_to_expert(report: TrainReport, path: Path) -> None:
    """Write one panel for each routing and routed stage to `path` (PNG), in one step.

    Raises MissingExtraError without matplotlib, OutputError if `path` cannot be written.
    """
    layout = _layout(report, len(_panels(report)))
    with blank_figure(*layout.size, LIGHT["surface"], "train") as figure:
        _draw(figure, report, layout)
        files.write_file(
            path,
            lambda partial: figure.savefig(
                partial, format="png", dpi=DPI * _SCALE, metadata={"Software": _MADE_BY}
            ),
            foreign_to_picture,
        )


def _panels(report: TrainReport) -> list[tuple[RoutingReport, int]]:
    """Every routing with each of its routed stages."""
    return [
        (routing, stage)
        for routing in report.routings
        for stage in range(len(routing.class_to_expert))
    ]


def _layout(report: TrainReport, panels: int) -> _Layout:
    """Room for every cell, within what a viewer can show."""
    experts = max(map(len, report.routings[0].expert_usage))
    classes = len(report.classes)
    names = min(7.2 * max(len(_short(name)) for name in report.classes), 190) + 12
    wide = (_LEAST_WIDTH - 2 * _EDGE - (panels - 1) * _GAP) / panels - names
    return _Layout(
        panels=panels,
        names=names,
        cells=min(max(_CELL * experts, wide, _LEAST_CELLS), _MOST_PANEL),
        rows=min(_ROW * classes, _MOST_ROWS),
        annotated=classes <= _ANNOTATED,
    )


def _draw(figure: "Figure", report: TrainReport, layout: _Layout) -> None:
    """Title, panels, and the scale of colours where no numbers are written."""
    title = f"Which expert gets which class ({report.data})"
    _write(figure, layout, title, (_EDGE, 24), _HEADING)
    share = "per cent of a class's test images" if layout.annotated else "darker: a larger share"
    _write(figure, layout, share, (_EDGE, 47), _NOTE)
    for number, (routing, stage) in enumerate(_panels(report)):
        place = (layout.left(number), _HEAD + _CAPTION)
        axes = figure.add_axes(_box(layout, place, (layout.cells, layout.rows)))
        _panel(axes, report, routing, stage, layout)
        name, accuracy = _title(routing, stage, report.measure)
        _write(figure, layout, name, (place[0], place[1] - 32), _NAME)
        _write(figure, layout, accuracy, (place[0], place[1] - 14), _NOTE)
    if not layout.annotated:
        top = _HEAD + _CAPTION + layout.rows + _FOOT + 4
        _scale(figure.add_axes(_box(layout, (layout.left(0), top), (200, 10))))


def _box(
    layout: _Layout, place: tuple[float, float], size: tuple[float, float]
) -> tuple[float, float, float, float]:
    """A rectangle in pixels from the upper left corner, as a figure has them."""
    width, height = layout.size
    low = height - place[1] - size[1]
    return place[0] / width, low / height, size[0] / width, size[1] / height


def _write(
    figure: "Figure", layout: _Layout, text: str, place: tuple[float, float], style: dict[str, Any]
) -> None:
    """A line of text, `place` from the left and from the top in pixels."""
    width, height = layout.size
    figure.text(place[0] / width, 1 - place[1] / height, text, va="center", **style)


def _colours() -> "Colormap":
    """From nothing, which is nearly the background, to all."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("shares", ["#f3f5f8", LIGHT["c1"]])


def _panel(
    axes: "Axes", report: TrainReport, routing: RoutingReport, stage: int, layout: _Layout
) -> None:
    """Draw one routing's shares `[C, E]`."""
    classes, shares = report.classes, np.asarray(routing.class_to_expert[stage])
    order = _order(classes, routing)
    shares, names = shares[order], [classes[row] for row in order]
    axes.imshow(shares, cmap=_colours(), vmin=0, vmax=1, aspect="auto")
    axes.set_xlabel("expert", fontsize=SMALL, color=LIGHT["muted"])
    axes.set_xticks(*_experts(shares.shape[1], layout.cells))
    _label_classes(axes, names, layout)
    axes.tick_params(length=0, labelsize=SMALL, labelcolor=LIGHT["ink"], pad=6)
    axes.spines[:].set_visible(False)
    if layout.annotated:
        _separate_cells(axes, shares.shape)
        _annotate(axes, shares)
    else:
        axes.tick_params(axis="y", labelsize=6)
    _separate(axes, [_owner(classes, routing)[row] for row in order])


def _experts(count: int, width: float) -> tuple[list[int], list[str]]:
    """Places and names of the experts; among too many, every n-th."""
    every = max(1, -(-count * 24 // int(width)))
    places = list(range(0, count, every))
    return places, [str(place) for place in places]


def _scale(axes: "Axes") -> None:
    """The colours of all shares, with their ends."""
    axes.imshow(np.linspace(0, 1, 100)[None], cmap=_colours(), aspect="auto", extent=(0, 1, 0, 1))
    axes.set_yticks([])
    axes.set_xticks([0, 1], ["0%", "100%"])
    axes.tick_params(length=0, labelsize=SMALL, labelcolor=LIGHT["muted"])
    axes.spines[:].set_visible(False)


def _owner(classes: list[str], routing: RoutingReport) -> list[int]:
    """The expert that owns each class; 0 for all without super-classes."""
    owner = dict.fromkeys(classes, 0)
    for expert, names in enumerate(routing.super_classes or []):
        owner.update(dict.fromkeys(names, expert))
    return [owner[name] for name in classes]


def _order(classes: list[str], routing: RoutingReport) -> list[int]:
    """Rows sorted by super-class, so that a good router gives blocks."""
    owner = _owner(classes, routing)
    return sorted(range(len(classes)), key=lambda row: (owner[row], row))


def _title(routing: RoutingReport, stage: int, measure: str) -> tuple[str, str]:
    """Routing, with the stage if there are several; accuracy and router accuracy."""
    name = routing.routing
    if len(routing.class_to_expert) > 1:
        name += f", router {stage + 1}"
    accuracy = f"{measure} of test images {100 * routing.test_accuracy:.2f}%"
    if routing.router_accuracy is not None:
        accuracy += f", router {100 * routing.router_accuracy:.2f}%"
    return name, accuracy


def _label_classes(axes: "Axes", names: list[str], layout: _Layout) -> None:
    """Class names while they can be read; among too many, every n-th."""
    every = max(1, int(-(-len(names) * 9 // layout.rows)))
    axes.set_yticks(range(0, len(names), every), [_short(name) for name in names[::every]])


def _short(name: str, most: int = 24) -> str:
    """A name that leaves room for the picture."""
    return name if len(name) <= most else name[: most - 1] + "…"


def _separate_cells(axes: "Axes", shape: tuple[int, ...]) -> None:
    """Gaps of the background between cells, as the report's own map has them."""
    for row in range(1, shape[0]):
        axes.axhline(row - 0.5, color=LIGHT["surface"], linewidth=2)
    for column in range(1, shape[1]):
        axes.axvline(column - 0.5, color=LIGHT["surface"], linewidth=2)


def _separate(axes: "Axes", owners: list[int]) -> None:
    """A line between the rows of one super-class and the next."""
    for row in range(1, len(owners)):
        if owners[row] != owners[row - 1]:
            axes.axhline(row - 0.5, color=LIGHT["muted"], linewidth=1.2)


def _annotate(axes: "Axes", shares: np.ndarray) -> None:
    """Write the shares in per cent into their cells; an empty cell says enough."""
    for (row, column), share in np.ndenumerate(shares):
        if share > 0:
            axes.text(
                column, row, _percent(share), ha="center", va="center", fontsize=SMALL,
                color=LIGHT["surface" if share > _DARK else "ink"],
            )  # fmt: skip


def _percent(share: float) -> str:
    """A share in per cent with one decimal, where there is one."""
    return f"{100 * share:.1f}".removesuffix(".0")
