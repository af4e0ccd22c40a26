"""Where an answer's time goes: stem, select, load, expert, rest."""

from collections.abc import Callable

from mvmoe_bench.measure.jobs.latency import Sample
from mvmoe_bench.measure.schema.records import Laps
from mvmoe_bench.report.index import Index
from mvmoe_bench.report.statistics import MS, Estimate, Figure, PerRepeat

PART_NAMES = ("stem", "select", "load", "expert", "rest")


class PartTime(Figure, frozen=True):
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
    parts: tuple[PartTime, ...]
    """Stem, select, load, expert, rest; summed over stages."""
    by_stage: tuple[PartTime, ...]
    """Select, load and expert of each stage; empty where there is one."""
    router_share: Estimate
    """Of selecting the route on the host; the router's own matmul is inside the stem."""


def parts(index: Index) -> dict[str, Parts] | None:
    """The parts of every subject's answers that says them, by its key."""
    measured = {key: [s for s in index.natural(key) if s.laps] for key in index.subjects}
    return {key: _parts(index, samples) for key, samples in measured.items() if samples} or None


def _parts(index: Index, samples: list[Sample]) -> Parts:
    """The parts of one subject's answers."""
    medians = {name: _medians(index, samples, _summed(name)) for name in PART_NAMES}
    first, *others = medians.values()
    total = first.each(lambda *ms: sum(ms), *others)

    def part(name: str, stage: int | None, ms: PerRepeat) -> PartTime:
        share = ms.each(lambda its, whole: its / max(whole, MS), total)
        return PartTime(name=name, stage=stage, ms=ms.estimate(), share=share.estimate())

    found = {name: part(name, None, ms) for name, ms in medians.items()}
    stages = min(len(sample.laps.expert) for sample in samples if sample.laps)
    return Parts(
        n=len(samples),
        total_ms=total.estimate(),
        parts=tuple(found.values()),
        by_stage=tuple(
            part(name, stage, _medians(index, samples, _of_stage(name, stage)))
            for stage in range(stages if stages > 1 else 0)
            for name in ("select", "load", "expert")
        ),
        router_share=found["select"].share,
    )


def _summed(name: str) -> Callable[[Laps], int]:
    """What takes a part out of laps, summed over stages."""
    if name in ("stem", "rest"):
        return lambda laps: int(getattr(laps, name))
    return lambda laps: sum(getattr(laps, name))


def _of_stage(name: str, stage: int) -> Callable[[Laps], int]:
    """What takes one stage's part out of laps."""
    return lambda laps: int(getattr(laps, name)[stage])


def _medians(index: Index, samples: list[Sample], take: Callable[[Laps], int]) -> PerRepeat:
    """Each repeat's median of one part in milliseconds."""
    return index.per_repeat(samples, lambda s: take(s.laps) * MS if s.laps else None)
