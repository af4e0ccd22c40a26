"""The frame that most plots share: a row for each thing, its name before it and its number after.

On a narrow canvas name and number stand above the row, so that they need no column of their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mvmoe_bench.report.plots.canvas import SMALL, TEXT, Canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDE_ROW = 42.0
_NARROW_ROW = 72.0
_FOOT = 46.0
_EDGE = 16.0
"""Room at both sides of a narrow plot, where numbers of the axis stick out."""
_LETTER = 6.7
"""Pixels that a letter takes on average, generously."""
_NOTE = (SMALL, "normal", "muted")


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

    def __init__(
        self, canvas: Canvas, rows: Sequence[Row], x_label: str, head: float = 4.0
    ) -> None:
        self.canvas = canvas
        self._rows = rows
        left, right = _margins(canvas.narrow, rows)
        self.axes: Axes = canvas.axes(left, head, right, _FOOT)
        self.axes.set_ylim(len(rows) - 0.5, -0.5)
        self.axes.set_yticks([])
        self.axes.set_xlabel(x_label, fontsize=SMALL, color=canvas.colours["muted"], labelpad=6)
        # Above the marks of a narrow row there is the text: they are drawn lower.
        self.shift = 0.14 if canvas.narrow else 0.0
        self.thick = 0.26 if canvas.narrow else 0.5
        """Height of a bar in rows."""
        self.reach = 0.2 if canvas.narrow else 0.36
        """Height of a hill in rows."""
        for position, row in enumerate(rows):
            if canvas.narrow:
                self._write_above(position, row)
            else:
                self._write_beside(position, row, left)

    def y(self, position: int) -> float:
        """Where the marks of a row are centred."""
        return position + self.shift

    def _write_beside(self, position: int, row: Row, left: float) -> None:
        """Name before the row, number and note after it."""
        self._text(position, (0, -left), "left", row.name, _style(row))
        up = 0.17 if row.note else 0.0
        self._text(position - up, (1, 14), "left", row.value, _style(row))
        if row.note:
            self._text(position + 0.22, (1, 14), "left", row.note, _NOTE)

    def _write_above(self, position: int, row: Row) -> None:
        """Name and number over the row, the note below the number."""
        self._text(position - 0.37, (0, 4 - _EDGE), "left", row.name, _style(row))
        self._text(position - 0.37, (1, _EDGE - 4), "right", row.value, _style(row))
        if row.note:
            self._text(position - 0.17, (1, _EDGE - 4), "right", row.note, _NOTE)

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
            zorder=5,
            bbox=self._ground(),
        )

    def _ground(self) -> dict[str, object] | None:
        """On a narrow canvas text stands on lines: the background under it keeps it legible."""
        if not self.canvas.narrow:
            return None
        return {"facecolor": self.canvas.colours["surface"], "edgecolor": "none", "pad": 1.0}


def rows_height(count: int, narrow: bool) -> float:
    """Pixels that so many rows need."""
    return count * (_NARROW_ROW if narrow else _WIDE_ROW) + _FOOT + 4


def _margins(narrow: bool, rows: Sequence[Row]) -> tuple[float, float]:
    """Left and right margin."""
    if narrow:
        return _EDGE, _EDGE
    name = max((len(row.name) for row in rows), default=0)
    value = max((max(len(row.value), len(row.note) * 0.92) for row in rows), default=0)
    return min(name * _LETTER, 262) + 14, min(value * _LETTER + 22, 260)


def _style(row: Row) -> tuple[float, str, str]:
    """Size, weight and colour of a row's text."""
    return (TEXT, "bold", "ink") if row.strong else (TEXT, "normal", "ink")


def shorten(text: str, most: int = 36) -> str:
    """A name that leaves room for the plot, without characters that move the cursor."""
    clean = "".join(char if char.isprintable() else " " for char in text).strip()
    return clean if len(clean) <= most else clean[: most - 1] + "…"
