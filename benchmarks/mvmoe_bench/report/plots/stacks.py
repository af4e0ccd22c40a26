"""Stacked bars: parts of an answer, components of a start, what a bundle's bytes are for."""

from dataclasses import dataclass

from mvmoe_bench.report.plots.axis import bar_axis
from mvmoe_bench.report.plots.canvas import WIDTH, Canvas
from mvmoe_bench.report.plots.rows import BAR, Row, RowPlot, Rows
from mvmoe_bench.report.printed import alone
from mvmoe_deploy.picture_look import SMALL

_LEGEND = 22.0


@dataclass(frozen=True)
class Stack:
    """One bar."""

    name: str
    parts: tuple[float, ...]
    """One for each of the plot's kinds; 0 where it has none."""
    value: str
    note: str = ""


@dataclass(frozen=True)
class StackPlot(RowPlot):
    """Bars of the same kinds of parts."""

    kinds: tuple[tuple[str, str], ...]
    """Name and colour of each part."""
    stacks: tuple[Stack, ...]
    x_label: str

    def top(self) -> float:
        """Pixels of the legend."""
        return _LEGEND * (1 + max(line for line, _ in self._places()))

    def texts(self) -> list[Row]:
        """What is written at the bars."""
        return [Row(s.name, s.value, s.note, drawn=self._parts(s)) for s in self.stacks]

    def draw(self, canvas: Canvas) -> None:
        """Draw the legend and all bars."""
        frame = Rows(canvas.below(self.top()), self.texts(), self.x_label)
        for position, stack in enumerate(self.stacks):
            self._bar(frame, position, stack)
        bar_axis(frame.axes, max(sum(stack.parts) for stack in self.stacks))
        self._legend(canvas)

    def _parts(self, stack: Stack) -> str:
        """The parts of a bar as text."""
        sizes = zip(self.kinds, stack.parts, strict=True)
        return ", ".join(f"{kind} {alone(size)}" for (kind, _), size in sizes if size > 0)

    def _bar(self, frame: Rows, position: int, stack: Stack) -> None:
        """One bar, its parts from left to right with a gap of the background between them."""
        start = 0.0
        for (_, colour), size in zip(self.kinds, stack.parts, strict=True):
            if size > 0:
                frame.axes.barh(
                    frame.y(position),
                    size,
                    left=start,
                    height=BAR,
                    color=frame.canvas.colours[colour],
                    edgecolor=frame.canvas.colours["surface"],
                    linewidth=1.2,
                )
            start += size

    def _places(self) -> list[tuple[int, float]]:
        """Line and left edge of each entry of the legend: as many in a line as fit."""
        places, line, x = [], 0, 6.0
        for name, _ in self.kinds:
            needed = 34 + 6.7 * len(name)
            if x > 6 and x + needed - 18 > WIDTH:
                line, x = line + 1, 6.0
            places.append((line, x))
            x += needed
        return places

    def _legend(self, canvas: Canvas) -> None:
        """Names of the parts beside their colours, above the bars."""
        area = canvas.axes(0, 0, 0, canvas.height - self.top())
        area.grid(False)
        area.set_axis_off()
        area.set_xlim(0, canvas.width)
        area.set_ylim(self.top(), 0)
        for (name, colour), (line, x) in zip(self.kinds, self._places(), strict=True):
            y, shade = 9 + line * _LEGEND, canvas.colours[colour]
            area.plot([x], [y], marker="s", markersize=9, color=shade, clip_on=False)
            ink = canvas.colours["ink"]
            area.text(x + 11, y, name, va="center", fontsize=SMALL, color=ink)
