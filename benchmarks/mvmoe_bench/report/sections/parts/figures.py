"""Where an answer's time goes: stem, select, load, expert, rest."""

from collections.abc import Callable, Hashable

from mvmoe_bench.measure.jobs.latency import Sample
from mvmoe_bench.measure.schema.records import Laps
from mvmoe_bench.report.index import Index
from mvmoe_bench.report.statistics import MS, Estimate, Figure, PerRepeat, by_repeat

PART_NAMES = ("stem", "select", "load", "expert", "rest")


class Part(Figure, frozen=True):
    """One part of an answer."""

    name: str
    stage: int | None
    """The routed stage, from 0; None for what is there once, and for the sum over stages."""
    ms: Estimate
    """The median."""
    share: Estimate
    """Of the sum of all parts' medians in the same repeat."""


class Parts(Figure, frozen=True):
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


Medians = dict[Hashable, float]
"""Milliseconds by repeat."""


def parts(index: Index) -> dict[str, Parts] | None:
    """The parts of every subject's answers that says them, by its key."""
    found = {key: its for key in index.subjects if (its := _parts(index, key)) is not None}
    return found or None


def _parts(index: Index, subject: str) -> Parts | None:
    """The parts of one subject's answers; None if it has none."""
    samples = [sample for sample in index.natural(subject) if sample.laps is not None]
    if not samples:
        return None
    seed = index.run.seed
    medians = {name: _medians(samples, _summed(name)) for name in PART_NAMES}
    totals = {repeat: sum(its[repeat] for its in medians.values()) for repeat in medians["stem"]}

    def part(name: str, stage: int | None, its: Medians) -> Part:
        shares = [ms / max(totals[repeat], MS) for repeat, ms in its.items()]
        return Part(
            name=name,
            stage=stage,
            ms=_estimate(list(its.values()), samples, seed),
            share=_estimate(shares, samples, seed),
        )

    found = {name: part(name, None, its) for name, its in medians.items()}
    stages = min(len(sample.laps.expert) for sample in samples if sample.laps)
    return Parts(
        n=len(samples),
        total_ms=_estimate(list(totals.values()), samples, seed),
        parts=tuple(found.values()),
        by_stage=tuple(
            part(name, stage, _medians(samples, _of_stage(name, stage)))
            for stage in range(stages if stages > 1 else 0)
            for name in ("select", "load", "expert")
        ),
        router_share=found["select"].share,
    )


def _estimate(numbers: list[float], samples: list[Sample], seed: int) -> Estimate:
    """The median of one number a repeat."""
    return PerRepeat(tuple(numbers), len(samples)).estimate(seed)


def _summed(name: str) -> Callable[[Laps], int]:
    """What takes a part out of laps, summed over stages."""
    if name in ("stem", "rest"):
        return lambda laps: int(getattr(laps, name))
    return lambda laps: sum(getattr(laps, name))


def _of_stage(name: str, stage: int) -> Callable[[Laps], int]:
    """What takes one stage's part out of laps."""
    return lambda laps: int(getattr(laps, name)[stage])


def _medians(samples: list[Sample], take: Callable[[Laps], int]) -> Medians:
    """Each repeat's median of one part."""
    found = [(take(sample.laps) * MS, sample.repeat) for sample in samples if sample.laps]
    return by_repeat([ms for ms, _ in found], [repeat for _, repeat in found])
