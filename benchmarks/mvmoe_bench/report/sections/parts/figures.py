"""Where an answer's time goes: decode, resize, stem, select, load, expert, rest.

Decoding and resizing were measured by themselves, of each bundle; the others are the laps of
answers.
"""

from collections.abc import Callable

from mvmoe_bench.measure.jobs.latency import Sample
from mvmoe_bench.measure.jobs.preparation import PreparationSample
from mvmoe_bench.measure.schema.records import Laps
from mvmoe_bench.report.index import Index
from mvmoe_bench.report.statistics import MS, Estimate, Figure, PerRepeat

PART_NAMES = ("decode", "resize", "stem", "select", "load", "expert", "rest")


BEFORE, ONCE = PART_NAMES[:2], ("decode", "resize", "stem", "rest")
"""Parts that come before an answer, and those that are there once, whatever the stages."""
_LAPS = PART_NAMES[2:]
"""Those of an answer itself."""


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
    """Answers."""
    pictures: int
    """That were decoded and resized; 0 where nobody measured that."""
    total_ms: Estimate
    """The sum of the parts' medians."""
    before_ms: Estimate | None
    """Of it, decoding and resizing; None where they were not measured."""
    parts: tuple[PartTime, ...]
    """Decode, resize, stem, select, load, expert, rest, those that were measured; summed over
    stages."""
    by_stage: tuple[PartTime, ...]
    """Select, load and expert of each stage; empty where there is one."""
    router_share: Estimate
    """Of selecting the route on the host; the router's own matmul is inside the stem."""


def parts(index: Index) -> dict[str, Parts] | None:
    """The parts of every subject's answers that says them, by its key."""
    measured = {key: [s for s in index.natural(key) if s.laps] for key in index.subjects}
    return {
        key: _parts(index, key, samples) for key, samples in measured.items() if samples
    } or None


def _parts(index: Index, key: str, samples: list[Sample]) -> Parts:
    """The parts of one subject's answers."""
    pictures = _pictures(index, key)
    before = _preparation(index, pictures)
    laps = {name: _medians(index, samples, _summed(name)) for name in _LAPS}
    medians = {**before, **laps}
    total = _sum(medians)

    def part(name: str, stage: int | None, ms: PerRepeat) -> PartTime:
        share = ms.each(lambda its, whole: its / max(whole, MS), total)
        return PartTime(name=name, stage=stage, ms=ms.estimate(), share=share.estimate())

    found = {name: part(name, None, ms) for name, ms in medians.items()}
    stages = min(len(sample.laps.expert) for sample in samples if sample.laps)
    return Parts(
        n=len(samples),
        pictures=len(pictures),
        total_ms=total.estimate(),
        before_ms=_sum(before).estimate() if before else None,
        parts=tuple(found.values()),
        by_stage=tuple(
            part(name, stage, _medians(index, samples, _of_stage(name, stage)))
            for stage in range(stages if stages > 1 else 0)
            for name in ("select", "load", "expert")
        ),
        router_share=found["select"].share,
    )


def _pictures(index: Index, key: str) -> list[PreparationSample]:
    """Pictures that became inputs of the subject's bundle, in repeats that it answered in."""
    bundle = index.subjects[key].bundle
    alike = (k for k in index.preparation if index.subjects[k].bundle == bundle)
    return [line for other in alike for line in index.preparation[other]]


def _preparation(index: Index, pictures: list[PreparationSample]) -> dict[str, PerRepeat]:
    """Each repeat's medians of decoding and resizing; empty where they were not measured."""
    if not pictures:
        return {}
    return {
        "decode": index.per_repeat(pictures, lambda line: line.decode_ns * MS),
        "resize": index.per_repeat(pictures, lambda line: line.resize_ns * MS),
    }


def _sum(medians: dict[str, PerRepeat]) -> PerRepeat:
    """The sum of parts, of the repeats that have all of them."""
    first, *others = medians.values()
    return first.each(lambda *ms: sum(ms), *others)


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
