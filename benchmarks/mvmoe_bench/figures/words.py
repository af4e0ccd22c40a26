"""Numbers as people read them: the same in sentences, tables and plots."""

from mvmoe_bench.records import EngineChoice
from mvmoe_bench.statistics import Ratio
from mvmoe_deploy.routing import Route


def significant(value: float) -> str:
    """Three significant digits, without an exponent where that stays short: `8.21`, `1,240`."""
    size = abs(value)
    if size >= 100:
        return f"{value:,.0f}"
    if size >= 10:
        return f"{value:.1f}"
    if size >= 1:
        return f"{value:.2f}"
    if value == 0:
        return "0"
    return f"{value:#.3g}" if size >= 0.001 else f"{value:.1e}"


def between(low: float | None, high: float | None, rough: bool = False) -> str:
    """An interval in words: `95%: 8.10 to 8.31`; of too few repeats `roughly 8.10 to 8.31`."""
    if low is None or high is None:
        return "one observation, no interval"
    return f"{'roughly' if rough else '95%:'} {span(low, high)}"


def span(low: float, high: float) -> str:
    """Both ends of an interval; ends that would look the same get two more digits."""
    ends = significant(low), significant(high)
    if ends[0] == ends[1] and low != high:
        ends = f"{low:.5g}", f"{high:.5g}"
    return " to ".join(ends)


def times(ratio: Ratio) -> str:
    """A ratio alone: with three decimals near 1, where they matter."""
    return f"{ratio.value:.{digits(ratio)}f}"


def ratio_between(ratio: Ratio) -> str:
    """A ratio's interval in words."""
    if ratio.low is None or ratio.high is None:
        return "one pair, no interval"
    places = digits(ratio)
    how = "roughly" if ratio.rough else "95%:"
    return f"{how} {ratio.low:.{places}f} to {ratio.high:.{places}f}"


def digits(ratio: Ratio) -> int:
    """Decimals that a ratio deserves."""
    return 3 if abs(ratio.value - 1) < 0.2 else 2


def megabytes(size: float) -> str:
    """Bytes as MB of a million."""
    return f"{significant(size / 1e6)} MB"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`one expert`, `2 experts`; nouns that take more than an s give their `plural`."""
    return f"one {noun}" if number == 1 else f"{number:,} {plural or noun + 's'}"


def percent(share: float) -> str:
    """A share with one decimal below 10%; what is there is never shown as nothing."""
    if share == 0:
        return "0%"
    if 0 < share < 0.0005:
        return "<0.1%"
    return f"{share:.1%}" if share < 0.0995 else f"{share:.0%}"


def route(experts: Route) -> str:
    """A route as `3` or `2+7`."""
    return "+".join(map(str, experts)) or "-"


def engine(choice: EngineChoice) -> str:
    """An engine with where it runs."""
    place = choice.provider or choice.compute_unit
    if not place or place.lower() in choice.engine.lower():
        return choice.engine
    return f"{choice.engine} ({place.removesuffix('ExecutionProvider')})"
