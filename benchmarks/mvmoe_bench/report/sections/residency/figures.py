"""What keeping fewer experts in memory costs, over a recorded sequence of images."""

import math
import operator
from collections.abc import Callable

import numpy as np

from mvmoe_bench.measure.jobs.stream import StreamSample
from mvmoe_bench.report.index import Index
from mvmoe_bench.report.statistics import MS, Distribution, Estimate, Figure


class Switch(Figure, frozen=True):
    """What changing the expert adds to an answer."""

    n: int
    """Answers that changed it."""
    against: int
    """Answers that did not."""
    ms: Estimate | None
    """Difference of the two medians, repeat by repeat; None if no repeat has both."""


class Budget(Figure, frozen=True):
    """One budget."""

    experts: int | None
    """That may be in memory in each routed stage; None for all."""
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

    @property
    def room(self) -> int | str:
        """The budget as tables name it."""
        return "all" if self.experts is None else self.experts


class ResidencyCurve(Figure, frozen=True):
    """The curve over budgets of one subject."""

    order: str
    """How the sequence was ordered."""
    length: int
    """Images in the sequence."""
    budgets: tuple[Budget, ...]


def residency(index: Index) -> dict[str, ResidencyCurve] | None:
    """The curve of every subject that a sequence was run of, by its key."""
    return {key: _residency(index, lines) for key, lines in index.stream.items()} or None


def _residency(index: Index, lines: list[StreamSample]) -> ResidencyCurve:
    """The curve of one subject."""
    by_budget: dict[int | None, list[StreamSample]] = {}
    for line in lines:
        by_budget.setdefault(line.budget, []).append(line)
    return ResidencyCurve(
        order=index.run.inputs.order,
        length=1 + max(line.number for line in lines),
        budgets=tuple(
            _budget(index, by_budget[experts]) for experts in sorted(by_budget, key=_size)
        ),
    )


def _size(budget: int | None) -> float:
    """What budgets are sorted by."""
    return math.inf if budget is None else budget


def _budget(index: Index, lines: list[StreamSample]) -> Budget:
    """One point of the curve."""
    subject, experts = lines[0].subject, lines[0].budget
    held = [line for line in index.memory.get(subject, []) if line.budget == experts]
    return Budget(
        experts=experts,
        n=len(lines),
        cold_share=sum(any(line.cold) for line in lines) / len(lines),
        switched_share=sum(any(line.switched) for line in lines) / len(lines),
        total_ms=index.distribution(lines, _ms),
        mean_ms=float(np.mean([_ms(line) for line in lines])),
        cold=_switch(index, lines, lambda line: any(line.cold)),
        warm=_switch(index, lines, lambda line: any(line.switched) and not any(line.cold)),
        held_bytes=index.per_repeat(held, lambda line: line.loaded.total).estimate_if_any(),
        memory_of=held[0].memory_of if held else None,
    )


def _switch(
    index: Index, lines: list[StreamSample], changed: Callable[[StreamSample], bool]
) -> Switch:
    """Median of answers for which `changed` holds less that of answers that changed nothing."""
    some = [line for line in lines if changed(line)]
    none = [line for line in lines if not any(line.switched) and not any(line.cold)]
    added = index.per_repeat(some, _ms).each(operator.sub, index.per_repeat(none, _ms))
    return Switch(n=len(some), against=len(none), ms=added.estimate_if_any())


def _ms(line: StreamSample) -> float:
    """What an answer took."""
    return line.ns * MS
