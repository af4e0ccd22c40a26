"""Where an answer's time goes: stem, select, load, expert, rest."""

from collections.abc import Callable

from mvmoe_bench.figures.common import MS, Figure, quick_median
from mvmoe_bench.figures.index import Index
from mvmoe_bench.records import Laps

PART_NAMES = ("stem", "select", "load", "expert", "rest")


class Part(Figure):
    """One part of an answer."""

    name: str
    stage: int | None
    """The routed stage, from 0; None for what is there once, and for the sum over stages."""
    median_ms: float
    share: float
    """Of the sum of all parts' medians."""


class Parts(Figure):
    """The parts of one subject's answers, over all routes."""

    n: int
    total_ms: float
    """The sum of the parts' medians."""
    parts: tuple[Part, ...]
    """Stem, select, load, expert, rest; summed over stages."""
    by_stage: tuple[Part, ...]
    """Select, load and expert of each stage; empty where there is one."""
    router_share: float
    """Of selecting the route on the host; the router's own matmul is inside the stem."""


def parts(index: Index, subject: str) -> Parts | None:
    """The parts of one subject's answers; None if it has none."""
    laps = [sample.laps for sample in index.natural(subject) if sample.laps is not None]
    if not laps:
        return None
    medians = {name: _median(laps, _taker(name)) for name in PART_NAMES}
    total = sum(medians.values())
    of = total or 1.0
    return Parts(
        n=len(laps),
        total_ms=total,
        parts=tuple(
            Part(name=name, stage=None, median_ms=value, share=value / of)
            for name, value in medians.items()
        ),
        by_stage=_by_stage(laps, of),
        router_share=medians["select"] / of,
    )


def _by_stage(laps: list[Laps], total: float) -> tuple[Part, ...]:
    """Parts of each routed stage where there are several."""
    stages = min(len(lap.expert) for lap in laps)
    if stages < 2:
        return ()
    result = []
    for stage in range(stages):
        for name in ("select", "load", "expert"):
            value = _median(laps, lambda lap, n=name, s=stage: getattr(lap, n)[s])
            part = Part(name=name, stage=stage, median_ms=value, share=value / total)
            result.append(part)
    return tuple(result)


def _taker(name: str) -> Callable[[Laps], int]:
    """What takes a part out of laps, summed over stages."""
    if name in ("stem", "rest"):
        return lambda lap: getattr(lap, name)
    return lambda lap: sum(getattr(lap, name))


def _median(laps: list[Laps], take: Callable[[Laps], int]) -> float:
    """The median of one part in milliseconds."""
    return quick_median([take(lap) * MS for lap in laps])
