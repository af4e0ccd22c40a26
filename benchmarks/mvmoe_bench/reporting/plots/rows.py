"""The frame that most plots share: a row for each thing, its name before it and its number after.

On a narrow canvas name and number stand above the row, so that they need no column of their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mvmoe_bench.reporting.plots.canvas import SMALL, TEXT, Canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDE_ROW = 42.0
_NARROW_ROW = 58.0
_FOOT = 46.0
_LETTER = 6.7
"""Pixels that a letter takes on average, generously."""


@dataclass(frozen=True)
class Row:
    """What is written at a row."""

    name: str
    value: str = ""
    """The number, at the right."""
    note: str = ""
    """Its interval and n, smaller, below the number."""
    strong: bool = False


class Rows:
    """Axes with rows 0, 1, ... from the top; y is the row, x is the plot's own."""

    def __init__(self, canvas: Canvas, rows: Sequence[Row], x_label: str) -> None:
        self.canvas = canvas
        self._rows = rows
        left, right = _margins(canvas.narrow, rows)
        self.axes: Axes = canvas.axes(left, 4, right, _FOOT)
        self.axes.set_ylim(len(rows) - 0.5, -0.5)
        self.axes.set_yticks([])
        self.axes.set_xlabel(x_label, fontsize=SMALL, color=canvas.colours["muted"], labelpad=6)
        # Above the marks of a narrow row there is the text: they are drawn a bit lower.
        self.shift = 0.2 if canvas.narrow else 0.0
        self.thick = 0.36 if canvas.narrow else 0.5
        """Height of a bar in rows."""
        pixels = self.axes.get_window_extent().width
        for position, row in enumerate(rows):
            self._write(position, row, left, right, pixels)

    def y(self, position: int) -> float:
        """Where the marks of a row are centred."""
        return position + self.shift

    def _write(self, position: int, row: Row, left: float, right: float, pixels: float) -> None:
        """Name and number of a row."""
        if self.canvas.narrow:
            self._text(position - 0.26, (0, 0), "left", row.name, _style(row))
            both = f"{row.value}  {row.note}".strip() if not row.note else row.value
            self._text(position - 0.26, (1, 0), "right", both, _style(row))
            return
        self._text(position, (0, -left), "left", row.name, _style(row))
        if row.note:
            self._text(position - 0.17, (1, 14), "left", row.value, _style(row))
            self._text(position + 0.22, (1, 14), "left", row.note, (SMALL, "normal", "muted"))
        else:
            self._text(position, (1, 14), "left", row.value, _style(row))

    def _text(
        self,
        y: float,
        place: tuple[float, float],
        side: str,
        text: str,
        style: tuple[float, str, str],
    ) -> None:
        """Text at a row: `place` is a share of the axes' width and pixels added to it."""
        size, weight, colour = style
        self.axes.annotate(
            text,
            xy=(place[0], y),
            xycoords=self.axes.get_yaxis_transform(),
            xytext=(place[1], 0),
            textcoords="offset points",
            ha=side,
            va="center",
            fontsize=size,
            fontweight=weight,
            color=self.canvas.colours[colour],
            annotation_clip=False,
        )


def rows_height(count: int, narrow: bool) -> float:
    """Pixels that so many rows need."""
    return count * (_NARROW_ROW if narrow else _WIDE_ROW) + _FOOT + 4


def _margins(narrow: bool, rows: Sequence[Row]) -> tuple[float, float]:
    """Left and right margin."""
    if narrow:
        return 4, 8
    name = max((len(row.name) for row in rows), default=0)
    value = max((max(len(row.value), len(row.note) * 0.92) for row in rows), default=0)
    return min(name * _LETTER, 250) + 14, min(value * _LETTER + 22, 260)


def _style(row: Row) -> tuple[float, str, str]:
    """Size, weight and colour of a row's text."""
    return (TEXT, "bold", "ink") if row.strong else (TEXT, "normal", "ink")


def shorten(text: str, most: int = 32) -> str:
    """A name that leaves room for the plot, without characters that move the cursor."""
    clean = "".join(char if char.isprintable() else " " for char in text).strip()
    return clean if len(clean) <= most else clean[: most - 1] + "…"
