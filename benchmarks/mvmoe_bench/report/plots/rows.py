"""The frame that most plots share: a row for each thing, name and number above its marks."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mvmoe_bench.report.plots.canvas import Canvas
from mvmoe_deploy.picture_look import SMALL, TEXT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROW = 62.0
_FOOT = 46.0
_EDGE = 16.0
"""Room at both sides, where numbers of the axis stick out."""
BAR = 0.26
"""Height of a bar in rows."""


@dataclass(frozen=True)
class Row:
    """What is written at a row."""

    name: str
    value: str = ""
    """The number, at the right."""
    note: str = ""
    """Its interval and n, smaller, below the number."""
    strong: bool = False
    drawn: str = ""
    """What only its marks show, for screen readers: a verdict, the parts of a bar."""


class Rows:
    """Axes with rows 0, 1, ... from the top; x is the plot's own."""

    def __init__(
        self, canvas: Canvas, rows: Sequence[Row], x_label: str, head: float = 4.0
    ) -> None:
        self.canvas = canvas
        self.axes: Axes = canvas.axes(_EDGE, head, _EDGE, _FOOT)
        self.axes.set_ylim(len(rows) - 0.5, -0.5)
        self.axes.set_yticks([])
        self.axes.set_xlabel(x_label, fontsize=SMALL, color=canvas.colours["muted"], labelpad=6)
        for position, row in enumerate(rows):
            weight = "bold" if row.strong else "normal"
            style: dict[str, Any] = {"fontsize": TEXT, "fontweight": weight, "color": "ink"}
            self._text(position - 0.36, 0, shorten(row.name), style)
            self._text(position - 0.36, 1, row.value, style)
            self._text(position - 0.11, 1, row.note, {"fontsize": SMALL, "color": "muted"})

    def y(self, position: int) -> float:
        """Where the marks of a row are centred: below its text."""
        return position + 0.18

    def _text(self, y: float, side: int, text: str, style: dict[str, Any]) -> None:
        """Text at the left (0) or right (1) end of a row, legible on the lines below it."""
        if not text:
            return
        colours = self.canvas.colours
        self.axes.annotate(
            text,
            xy=(side, y),
            xycoords=self.axes.get_yaxis_transform(),
            xytext=((_EDGE - 4) * (1 if side else -1), 0),
            textcoords="offset points",
            ha="right" if side else "left",
            va="center",
            annotation_clip=False,
            zorder=5,
            bbox={"facecolor": colours["surface"], "edgecolor": "none", "pad": 1.0},
            **{**style, "color": colours[style["color"]]},
        )


class RowPlot(ABC):
    """A plot of such rows; it says what is written at each, and draws their marks."""

    @abstractmethod
    def texts(self) -> list[Row]:
        """What is written at the rows."""

    def top(self) -> float:
        """Pixels above the rows."""
        return 0.0

    def height(self) -> float:
        """Pixels that it needs."""
        return len(self.texts()) * _ROW + _FOOT + 4 + self.top()

    def spoken(self) -> str:
        """What is written at the rows, for screen readers."""
        return "; ".join(
            f"{row.name} {row.value} ({row.note}){', ' * bool(row.drawn)}{row.drawn}"
            for row in self.texts()
        )


def shorten(text: str, most: int = 40) -> str:
    """A name that leaves room for the plot, without characters that move the cursor."""
    clean = "".join(char if char.isprintable() else " " for char in text).strip()
    return clean if len(clean) <= most else clean[: most - 1] + "…"
