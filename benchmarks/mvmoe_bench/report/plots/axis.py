"""Axes with plain numbers: linear, or logarithmic where subjects lie far apart."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FAR = 5.0
"""Highest over lowest from which an axis is logarithmic."""
_STEPS = (1, 2, 2.5, 5, 10)
"""Round numbers."""


def plain_axis(axes: "Axes", low: float, high: float) -> None:
    """Set the limits of x, whose numbers are never written with an exponent."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    if low > 0 and high / low > _FAR:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(base=10, subs=(1, 2, 5)))
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(4, steps=_STEPS))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axes.set_xlim(low, high)


def bar_axis(axes: "Axes", high: float) -> None:
    """Limits for bars, which begin at 0."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(4, steps=_STEPS))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axes.set_xlim(0, high * 1.03 or 1)
