"""Stacked bars: parts of an answer, components of a start, what a bundle's bytes are for."""

from dataclasses import dataclass

from mvmoe_bench.report.plots.axis import bar_axis
from mvmoe_bench.report.plots.canvas import NARROW, SMALL, WIDE, Canvas
from mvmoe_bench.report.plots.rows import Row, Rows, rows_height, shorten

_LEGEND = 24.0


@dataclass(frozen=True)
class Stack:
    """One bar."""

    name: str
    parts: tuple[float, ...]
    """One for each of the plot's kinds; 0 where it has none."""
    value: str
    note: str = ""


@dataclass(frozen=True)
class StackPlot:
    """Bars of the same kinds of parts."""

    kinds: tuple[tuple[str, str], ...]
    """Name and colour of each part."""
    stacks: tuple[Stack, ...]
    x_label: str

    def height(self, narrow: bool) -> float:
        """Pixels that it needs."""
        return rows_height(len(self.stacks), narrow) + _LEGEND * self._lines(narrow)

    def _lines(self, narrow: bool) -> int:
        """Lines of the legend."""
        return 1 + max(line for line, _ in self._places(NARROW if narrow else WIDE - 60))

    def _places(self, width: float) -> list[tuple[int, float]]:
        """Line and left edge of each entry of the legend: as many in a line as fit."""
        places, line, x = [], 0, 6.0
        for name, _ in self.kinds:
            needed = 34 + 6.7 * len(name)
            if x > 6 and x + needed - 18 > width:
                line, x = line + 1, 6.0
            places.append((line, x))
            x += needed
        return places

    def draw(self, canvas: Canvas) -> None:
        """Draw the legend and all bars."""
        legend = _LEGEND * self._lines(canvas.narrow)
        below = Canvas(
            canvas.figure,
            canvas.width,
            canvas.height - legend,
            canvas.colours,
            canvas.narrow,
            canvas.left,
            canvas.top + legend,
        )
        rows = [Row(shorten(s.name), s.value, s.note) for s in self.stacks]
        frame = Rows(below, rows, self.x_label)
        for position, stack in enumerate(self.stacks):
            self._bar(frame, position, stack, canvas)
        bar_axis(frame.axes, max(sum(stack.parts) for stack in self.stacks), canvas.narrow)
        self._legend(canvas, legend)

    def _bar(self, frame: Rows, position: int, stack: Stack, canvas: Canvas) -> None:
        """One bar, its parts from left to right with a gap of the background between them."""
        start = 0.0
        for (_, colour), size in zip(self.kinds, stack.parts, strict=True):
            if size > 0:
                frame.axes.barh(
                    frame.y(position),
                    size,
                    left=start,
                    height=frame.thick,
                    color=canvas.colours[colour],
                    edgecolor=canvas.colours["surface"],
                    linewidth=0.8,
                )
            start += size

    def _legend(self, canvas: Canvas, height: float) -> None:
        """The kinds with their colours, in the order of the bars."""
        area = canvas.axes(0, 0, 0, canvas.height - height)
        area.grid(False)
        area.set_xticks([])
        area.set_yticks([])
        area.set_xlim(0, canvas.width)
        area.set_ylim(height, 0)
        ink = canvas.colours["ink"]
        places = self._places(NARROW if canvas.narrow else WIDE - 60)
        for (name, colour), (line, x) in zip(self.kinds, places, strict=True):
            y, shade = 9 + line * _LEGEND, canvas.colours[colour]
            area.plot([x], [y], marker="s", markersize=9, color=shade, clip_on=False)
            area.text(x + 11, y, name, va="center", fontsize=SMALL, color=ink)
