"""Counts, shares, routes, engines and causes as text: the same in sentences, tables and plots.

Numbers with intervals are in `printed.py`.
"""

from collections.abc import Sequence

from mvmoe_bench.measure.schema.records import EngineChoice
from mvmoe_bench.report.statistics import ENOUGH_REPEATS, Estimate
from mvmoe_deploy.routing import Route


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`one expert`, `2 experts`; nouns that take more than an s give their `plural`."""
    return f"one {noun}" if number == 1 else f"{number:,} {plural or noun + 's'}"


def from_to(numbers: Sequence[int]) -> str:
    """A number, or `least to most` where they differ."""
    least, most = min(numbers), max(numbers)
    return f"{most:,}" if least == most else f"{least:,} to {most:,}"


def repeats_of(numbers: Sequence[int]) -> str:
    """How many repeats rows come from: a subject that failed has fewer than others."""
    same = min(numbers) == max(numbers)
    return count(max(numbers), "repeat") if same else f"{from_to(numbers)} repeats"


def percent(share: float) -> str:
    """A share with one decimal below 10%; only nothing is shown as 0%, only all as 100%."""
    if share in (0, 1):
        return f"{share:.0%}"
    if 0 < share < 0.0005:
        return "<0.1%"
    if 0.9995 <= share < 1:
        return ">99.9%"
    return f"{share:.1%}" if share < 0.0995 or 0.99 <= share < 1 else f"{share:.0%}"


def agreement(share: float) -> str:
    """A share with two decimals that is never rounded up to all."""
    return "100%" if share == 1 else f"{min(share, 0.9999):.2%}"


def no_verdict(figure: Estimate) -> str:
    """Why nothing is concluded from a figure: `3 repeats, and a verdict needs six`."""
    if figure.repeats < ENOUGH_REPEATS:
        return f"{count(figure.repeats, 'repeat')}, and a verdict needs six"
    return f"{count(figure.repeats, 'repeat')} of which some are zero, so there is no interval"


def threads(number: int) -> str:
    """`one thread`, `2 threads`."""
    return count(number, "thread")


def room_for(experts: int | None) -> str:
    """A budget of resident experts; None for all."""
    if experts is None:
        return "every expert resident"
    return f"room for {count(experts, 'expert')}"


def route(experts: Route) -> str:
    """A route as `3` or `2+7`."""
    return "+".join(map(str, experts)) or "-"


def engine(choice: EngineChoice) -> str:
    """An engine with where it runs."""
    place = choice.provider
    if not place or place.lower() in choice.engine.lower():
        return choice.engine
    return f"{choice.engine} ({place.removesuffix('ExecutionProvider')})"
