"""Words for counts, shares, routes and engines: the same in sentences, tables and plots.

Numbers with intervals are in `printed.py`.
"""

from mvmoe_bench.measure.schema.records import EngineChoice
from mvmoe_bench.report.statistics import ENOUGH_GROUPS, Sure
from mvmoe_deploy.routing import Route


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`one expert`, `2 experts`; nouns that take more than an s give their `plural`."""
    return f"one {noun}" if number == 1 else f"{number:,} {plural or noun + 's'}"


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


def no_verdict(figure: Sure) -> str:
    """Why nothing is concluded from a figure: `3 repeats, and a verdict needs six`."""
    if figure.groups < ENOUGH_GROUPS:
        return f"{count(figure.groups, 'repeat')}, and a verdict needs six"
    return f"{count(figure.groups, 'repeat')} of which some are zero, so there is no interval"


def route(experts: Route) -> str:
    """A route as `3` or `2+7`."""
    return "+".join(map(str, experts)) or "-"


def engine(choice: EngineChoice) -> str:
    """An engine with where it runs."""
    place = choice.provider or choice.compute_unit
    if not place or place.lower() in choice.engine.lower():
        return choice.engine
    return f"{choice.engine} ({place.removesuffix('ExecutionProvider')})"
