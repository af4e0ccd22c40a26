"""What keeping fewer experts in memory costs, over a recorded sequence of images."""

from collections.abc import Callable

import numpy as np

from mvmoe_bench.measure.schema.records import StreamSample, SubjectRecord
from mvmoe_bench.report.estimates import MS, Estimate, Figure, median_of, quick_median
from mvmoe_bench.report.index import Index
from mvmoe_bench.report.statistics import (
    ENOUGH_GROUPS,
    Distribution,
    GroupedMedian,
    distribution,
    interval,
)


class Switch(Figure):
    """What changing the expert adds to an answer."""

    n: int
    """Answers that changed it."""
    against: int
    """Answers that did not."""
    ms: Estimate | None
    """Difference of the two medians; None if there are none of either. The interval is over the
    repeats that have both."""


class Budget(Figure):
    """One budget."""

    experts: int
    """That may be in memory in each routed stage."""
    n: int
    cold_share: float
    """Answers for which an expert had to be loaded."""
    switched_share: float
    """Answers whose route was not the one of the image before."""
    total_ms: Distribution
    """Its interval is over the processes that ran the sequence."""
    mean_ms: float
    cold: Switch
    """An expert had to be loaded, against no change of route."""
    warm: Switch
    """Another route than before, its experts in memory, against no change."""
    held_bytes: Estimate | None
    """What a process with this budget held after its images; median. Another one: those that are
    timed are not looked into."""
    memory_of: str | None


class Residency(Figure):
    """The curve over budgets of one subject."""

    subject: str
    bundle: str
    target: str | None
    order: str
    """How the sequence was ordered."""
    length: int
    """Images in the sequence."""
    budgets: tuple[Budget, ...]


def residency(index: Index, subject: SubjectRecord) -> Residency | None:
    """The curve of one subject; None if no sequence was run."""
    lines = index.stream.get(subject.key, [])
    if not lines:
        return None
    by_budget: dict[int, list[StreamSample]] = {}
    for line in lines:
        by_budget.setdefault(line.budget, []).append(line)
    return Residency(
        subject=subject.key,
        bundle=subject.bundle,
        target=subject.target,
        order=index.run.inputs.order,
        length=1 + max(line.number for line in lines),
        budgets=tuple(_budget(index, its) for _, its in sorted(by_budget.items())),
    )


def _budget(index: Index, lines: list[StreamSample]) -> Budget:
    """One point of the curve."""
    subject, experts, seed = lines[0].subject, lines[0].budget, index.run.seed
    held = [line for line in index.memory.get(subject, []) if line.budget == experts]
    total = [line.ns * MS for line in lines]
    return Budget(
        experts=experts,
        n=len(lines),
        cold_share=sum(any(line.cold) for line in lines) / len(lines),
        switched_share=sum(any(line.switched) for line in lines) / len(lines),
        total_ms=distribution(total, [line.repeat for line in lines], seed),
        mean_ms=float(np.mean(total)),
        cold=_switch(lines, lambda line: any(line.cold), seed),
        warm=_switch(lines, lambda line: any(line.switched) and not any(line.cold), seed),
        held_bytes=median_of([line.loaded.total for line in held], seed=seed) if held else None,
        memory_of=held[0].memory_of if held else None,
    )


def _switch(
    lines: list[StreamSample], changed: Callable[[StreamSample], bool], seed: int
) -> Switch:
    """Median of answers for which `changed` holds less that of answers that changed nothing."""
    some = [line for line in lines if changed(line)]
    none = [line for line in lines if not any(line.switched) and not any(line.cold)]
    if not some or not none:
        return Switch(n=len(some), against=len(none), ms=None)
    value = quick_median([x.ns * MS for x in some]) - quick_median([x.ns * MS for x in none])
    both = {line.repeat for line in some} & {line.repeat for line in none}
    low = high = None
    rough = len(both) < ENOUGH_GROUPS
    if len(both) >= 2:
        above, below = (_median([x for x in its if x.repeat in both], both) for its in (some, none))
        bounds = interval(
            lambda drawn: above.resampled(drawn) - below.resampled(drawn), (len(both),), seed=seed
        )
        low, high = bounds.low, bounds.high
    estimate = Estimate(value=value, low=low, high=high, n=len(some), groups=len(both), rough=rough)
    return Switch(n=len(some), against=len(none), ms=estimate)


def _median(lines: list[StreamSample], repeats: set[int]) -> GroupedMedian:
    """The median in ms over these repeats' numbers, so that both sides take the same draws."""
    codes = {repeat: code for code, repeat in enumerate(sorted(repeats))}
    values = np.array([line.ns * MS for line in lines])
    return GroupedMedian(values, np.array([codes[line.repeat] for line in lines]), len(repeats))
