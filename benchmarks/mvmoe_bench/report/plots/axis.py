"""Axes with plain numbers: linear, or logarithmic where subjects lie far apart."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FAR = 5.0
"""Highest over lowest from which an axis is logarithmic."""
_STEPS = (1, 2, 2.5, 5, 10)
"""Round numbers."""
_MANY = 100.0
"""Highest over lowest from which a logarithmic axis has room for powers of ten only."""


def plain_axis(axes: "Axes", low: float, high: float) -> None:
    """Set the limits of x, whose numbers are never written with an exponent."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

    if is_logarithmic(low, high):
        axes.set_xscale("log")
        subs = (1, 2, 5) if high / low <= _MANY else (1,)
        axes.xaxis.set_major_locator(LogLocator(base=10, subs=subs))
        # A tick without a number tells nobody anything.
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(4, steps=_STEPS))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axes.set_xlim(low, high)


def is_logarithmic(low: float, high: float) -> bool:
    """Whether an axis from `low` to `high` is."""
    return low > 0 and high / low > _FAR


def bar_axis(axes: "Axes", high: float) -> None:
    """Limits for bars, which begin at 0."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(4, steps=_STEPS))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axes.set_xlim(0, high * 1.03 or 1)
