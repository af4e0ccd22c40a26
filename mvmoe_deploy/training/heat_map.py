"""The class-to-expert heat map: which share of each class's test images each expert gets."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mvmoe_deploy.matplotlib_import import prepare_matplotlib
from mvmoe_deploy.system import files, output_places
from mvmoe_deploy.training.training_report import RoutingReport, TrainReport

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage
    from matplotlib.ticker import Formatter

_MADE_BY = "mvmoe train"
"""What the file says of itself, by which it is recognised."""

foreign_to_picture = output_places.foreign_without([f"Software\0{_MADE_BY}".encode()], "heat map")
"""Why a file is no heat map of a run that may be replaced; None if it is one."""

_ANNOTATED = 30
"""Up to so many classes the shares are written into their cells."""


def draw_class_to_expert(report: TrainReport, path: Path) -> None:
    """Write one panel for each routing and routed stage to `path` (PNG), in one step.

    Raises MissingExtraError without matplotlib, OutputError if `path` cannot be written.
    """
    prepare_matplotlib("matplotlib, which draws the heat map,", "train")
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    # A class or a folder may be called a$b$c: it is a name, not a formula.
    with rc_context({"text.parse_math": False}):
        figure = Figure(figsize=_size(report, len(_panels(report))), layout="constrained")
        FigureCanvasAgg(figure)
        _draw(figure, report, PercentFormatter(xmax=1))
    metadata = {"Software": _MADE_BY}
    files.write_file(
        path,
        lambda partial: figure.savefig(partial, format="png", dpi=150, metadata=metadata),
        foreign_to_picture,
    )


def _panels(report: TrainReport) -> list[tuple[RoutingReport, int]]:
    """Every routing with each of its routed stages."""
    return [
        (routing, stage)
        for routing in report.routings
        for stage in range(len(routing.class_to_expert))
    ]


def _draw(figure: "Figure", report: TrainReport, percent: "Formatter") -> None:
    """Fill the figure."""
    panels = _panels(report)
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axis, (routing, stage) in zip(axes, panels, strict=True):
        image = _panel(axis, report, routing, stage)
    axes[0].set_ylabel("class")
    bar = figure.colorbar(image, ax=list(axes), format=percent, pad=0.02)
    bar.set_label("share of the class's test images")
    figure.suptitle(f"Which expert gets which class ({report.data})", fontsize=12)


def _size(report: TrainReport, panels: int) -> tuple[float, float]:
    """Width and height in inches: room for every cell, within what a viewer can show."""
    experts = max(map(len, report.routings[0].expert_usage))
    names = min(0.09 * max(map(len, report.classes)), 2.5)
    width = 1.6 + panels * (names + max(2.6, 0.5 * experts))
    height = 1.6 + 0.34 * len(report.classes)
    return min(width, 40.0), min(max(height, 3.6), 30.0)


def _panel(axis: "Axes", report: TrainReport, routing: RoutingReport, stage: int) -> "AxesImage":
    """Draw one routing's shares `[C, E]`."""
    classes = report.classes
    shares = np.asarray(routing.class_to_expert[stage])
    order = _order(classes, routing)
    shares, names = shares[order], [classes[row] for row in order]
    image = axis.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axis.set_title(_title(routing, stage, report.measure), fontsize=10)
    axis.set_xlabel("expert")
    axis.set_xticks(range(shares.shape[1]))
    _label_classes(axis, names)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    _separate(axis, [_owner(classes, routing)[row] for row in order])
    if len(names) <= _ANNOTATED:
        _annotate(axis, shares)
    return image


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


def _title(routing: RoutingReport, stage: int, measure: str) -> str:
    """Routing, stage if there are several, accuracy and router accuracy."""
    name = routing.routing
    if len(routing.class_to_expert) > 1:
        name += f", router {stage + 1}"
    title = f"{name}\n{measure} {100 * routing.accuracy:.2f} %"
    if routing.router_accuracy is not None:
        title += f", router {100 * routing.router_accuracy:.2f} %"
    return title


def _label_classes(axis: "Axes", names: list[str]) -> None:
    """Class names while they can be read; among too many, every n-th."""
    every = 1 + (len(names) - 1) // 100
    axis.set_yticks(range(0, len(names), every), [_short(name) for name in names[::every]])
    if len(names) > _ANNOTATED:
        axis.tick_params(axis="y", labelsize=6)


def _short(name: str, most: int = 24) -> str:
    """A name that leaves room for the picture."""
    return name if len(name) <= most else name[: most - 1] + "…"


def _separate(axis: "Axes", owners: list[int]) -> None:
    """A line between the rows of one super-class and the next."""
    for row in range(1, len(owners)):
        if owners[row] != owners[row - 1]:
            axis.axhline(row - 0.5, color="0.35", linewidth=0.8)


def _annotate(axis: "Axes", shares: np.ndarray) -> None:
    """Write the shares in per cent into their cells; an empty cell says enough."""
    for (row, column), share in np.ndenumerate(shares):
        if share > 0:
            color = "white" if share > 0.6 else "0.15"
            axis.text(
                column, row, _percent(share), ha="center", va="center", fontsize=8, color=color
            )


def _percent(share: float) -> str:
    """A share in per cent with one decimal, where there is one."""
    return f"{100 * share:.1f}".removesuffix(".0")
