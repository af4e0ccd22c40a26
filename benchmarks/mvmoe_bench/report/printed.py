"""How a figure is printed: its interval says how many digits it deserves.

The last digit that is printed is that of half the interval's width: its first digit, or its second
if the first is a 1 (8.63 between 8.39 and 10.4 is printed as 8.6, 8.4 to 10.4). Value and ends have
the same last digit, so rounding never puts the value outside of its interval. At most `MOST_DIGITS`
significant digits are printed. Where an interval leaves out 0, or that of a ratio 1, and
rounding would put its end there, digits are added until it does not: what is printed never
contradicts a verdict, which is taken before rounding. A figure without an interval has three
significant digits.
"""

import math
from dataclasses import dataclass

from mvmoe_bench.report.formatting import count
from mvmoe_bench.report.statistics import Estimate, Ratio

MOST_DIGITS = 4
_ALONE_DIGITS = 3


@dataclass(frozen=True)
class Printed:
    """A figure as text."""

    value: str
    low: str | None
    high: str | None
    repeats: int
    rough: bool

    @property
    def span(self) -> str:
        """Both ends of the interval: `8.4 to 10.4`; a dash if there is none."""
        return "-" if self.low is None else f"{self.low} to {self.high}"

    @property
    def marked(self) -> str:
        """The same, marked if it is of too few repeats: `8.4 to 10.4 (rough)`."""
        return self.span + " (rough)" * (self.rough and self.low is not None)

    @property
    def interval(self) -> str:
        """For sentences: `95%: 8.4 to 10.4`; of too few repeats `roughly`, and how many."""
        if self.low is None:
            return f"{count(self.repeats, 'repeat')}, no interval"
        if self.rough:
            return f"roughly {self.span}, {count(self.repeats, 'repeat')}"
        return f"95%: {self.span}"


def printed(figure: Estimate, scale: float = 1.0, suffix: str = "") -> Printed:
    """A figure with its interval, each times `scale` and followed by `suffix`."""
    value, low, high = figure.value * scale, figure.low, figure.high
    if low is None or high is None:
        return Printed(alone(value) + suffix, None, None, figure.repeats, True)
    low, high = low * scale, high * scale
    borders = (0.0, scale) if isinstance(figure, Ratio) else (0.0,)
    places = _places(value, low, high, borders)
    shown, least, most = (fixed(number, places) + suffix for number in (value, low, high))
    return Printed(shown, least, most, figure.repeats, figure.rough)


def percents(share: Estimate) -> Printed:
    """A share of 0 to 1 as per cent."""
    return printed(share, 100, "%")


def alone(value: float) -> str:
    """Three significant digits, without an exponent where that stays short: `8.21`, `1,240`."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else str(value)
    if 0 < abs(value) < 0.001:
        return f"{value:.1e}"
    # The exponent after rounding: 9.996 has the digits of 10.0.
    rounded = float(f"{value:.{_ALONE_DIGITS - 1}e}")
    return fixed(value, max(_ALONE_DIGITS - 1 - _exponent(rounded), 0))


def fixed(value: float, places: int) -> str:
    """A number with so many decimals; with fewer than none it is rounded to tens, hundreds, ..."""
    text = f"{round(value, places) if places < 0 else value:,.{max(places, 0)}f}"
    return text.lstrip("-") if float(text.replace(",", "")) == 0 else text


def _places(value: float, low: float, high: float, borders: tuple[float, ...]) -> int:
    """Decimals that an interval supports, and more where an end would cross a border."""
    largest = max(abs(value), abs(low), abs(high))
    half = (high - low) / 2
    if largest == 0:
        return 0
    if half > 0:
        # Below a millionth of the number an interval is rounding of the machine's arithmetic.
        half = max(half, 1e-6 * largest)
        exponent = _exponent(half)
        places = -exponent + (half / 10.0**exponent < 2)
        places = min(places, MOST_DIGITS - 1 - _exponent(largest))
    else:
        places = max(_ALONE_DIGITS - 1 - _exponent(largest), 0)
    while any(_crosses(low, high, places, border) for border in borders):
        places += 1
    return places


def _crosses(low: float, high: float, places: int, border: float) -> bool:
    """Whether rounding puts the near end of an interval that leaves out a border onto it."""
    shown = [float(fixed(end, places).replace(",", "")) for end in (low, high)]
    return low > border >= shown[0] or high < border <= shown[1]


def _exponent(value: float) -> int:
    """The power of ten of a number's first digit."""
    return math.floor(math.log10(abs(value)))
