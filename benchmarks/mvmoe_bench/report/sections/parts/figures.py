"""Where an answer's time goes: stem, select, load, expert, rest."""

from collections.abc import Callable

import numpy as np

from mvmoe_bench.measure.schema.records import Laps, Sample
from mvmoe_bench.report.estimates import MS, Estimate, Figure, made_of
from mvmoe_bench.report.index import Index
from mvmoe_bench.report.statistics import GroupedMedian

PART_NAMES = ("stem", "select", "load", "expert", "rest")


class Part(Figure):
    """One part of an answer."""

    name: str
    stage: int | None
    """The routed stage, from 0; None for what is there once, and for the sum over stages."""
    ms: Estimate
    """The median."""
    share: Estimate
    """Of the sum of all parts' medians."""


class Parts(Figure):
    """The parts of one subject's answers, over all routes."""

    n: int
    total_ms: Estimate
    """The sum of the parts' medians."""
    parts: tuple[Part, ...]
    """Stem, select, load, expert, rest; summed over stages."""
    by_stage: tuple[Part, ...]
    """Select, load and expert of each stage; empty where there is one."""
    router_share: Estimate
    """Of selecting the route on the host; the router's own matmul is inside the stem."""


def parts(index: Index, subject: str) -> Parts | None:
    """The parts of one subject's answers; None if it has none."""
    samples = [sample for sample in index.natural(subject) if sample.laps is not None]
    if not samples:
        return None
    medians = [_median(samples, _taker(name)) for name in PART_NAMES]
    seed = index.run.seed
    found = tuple(
        _part(name, None, median, medians, seed)
        for name, median in zip(PART_NAMES, medians, strict=True)
    )
    return Parts(
        n=len(samples),
        total_ms=made_of(medians, sum, seed),
        parts=found,
        by_stage=_by_stage(samples, medians, seed),
        router_share=found[PART_NAMES.index("select")].share,
    )


def _by_stage(samples: list[Sample], whole: list[GroupedMedian], seed: int) -> tuple[Part, ...]:
    """Parts of each routed stage where there are several."""
    stages = min(len(sample.laps.expert) for sample in samples if sample.laps)
    if stages < 2:
        return ()
    result = []
    for stage in range(stages):
        for name in ("select", "load", "expert"):
            median = _median(samples, lambda lap, n=name, s=stage: getattr(lap, n)[s])
            result.append(_part(name, stage, median, whole, seed))
    return tuple(result)


def _part(
    name: str, stage: int | None, median: GroupedMedian, whole: list[GroupedMedian], seed: int
) -> Part:
    """One part beside the sum of `whole`; its share is taken draw by draw, as ratios are."""
    return Part(
        name=name,
        stage=stage,
        ms=made_of([median], lambda its: its[0], seed),
        share=made_of([median, *whole], lambda its: its[0] / np.maximum(sum(its[1:]), MS), seed),
    )


def _taker(name: str) -> Callable[[Laps], int]:
    """What takes a part out of laps, summed over stages."""
    if name in ("stem", "rest"):
        return lambda lap: getattr(lap, name)
    return lambda lap: sum(getattr(lap, name))


def _median(samples: list[Sample], take: Callable[[Laps], int]) -> GroupedMedian:
    """The median of one part in milliseconds, its repeats apart."""
    its = [(take(sample.laps) * MS, sample.repeat) for sample in samples if sample.laps]
    return GroupedMedian.of([value for value, _ in its], [repeat for _, repeat in its])
