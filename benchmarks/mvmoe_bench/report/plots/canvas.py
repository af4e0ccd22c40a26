"""What plots draw on: a part of a figure, measured in pixels, with named colours.

Colours, sizes of text and the unit of length are those of all pictures (`picture_look.py`).
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from mvmoe_deploy.picture_look import DPI, SMALL, Colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 400
"""The width that plots are drawn at; a phone shows them smaller, a screen a little larger."""


class Plot(Protocol):
    """Something that draws itself."""

    def height(self) -> float:
        """Pixels that it needs."""

    def draw(self, canvas: "Canvas") -> None:
        """Draw it; the canvas is as high as `height` says."""

    def spoken(self) -> str:
        """Its numbers as text, for screen readers."""


@dataclass
class Canvas:
    """A rectangle of a figure."""

    figure: "Figure"
    width: float
    height: float
    colours: Colours
    left: float = 0.0
    """Distance from the figure's left edge."""
    top: float = 0.0
    """Distance from its upper edge."""

    def axes(self, left: float, top: float, right: float, bottom: float) -> "Axes":
        """New axes with these margins inside the canvas, bare but for a light grid of x."""
        size = self.figure.get_size_inches() * DPI
        width, height = self.width - left - right, self.height - top - bottom
        low = size[1] - self.top - top - height
        axes = self.figure.add_axes(
            ((self.left + left) / size[0], low / size[1], width / size[0], height / size[1])
        )
        axes.set_facecolor("none")
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0, labelsize=SMALL, colors=self.colours["muted"], pad=5)
        axes.set_axisbelow(True)
        axes.grid(True, axis="x", color=self.colours["grid"], linewidth=1)
        return axes

    def below(self, height: float) -> "Canvas":
        """The canvas without its topmost pixels."""
        return replace(self, height=self.height - height, top=self.top + height)
