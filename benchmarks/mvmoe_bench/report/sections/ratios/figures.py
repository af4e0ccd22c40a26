"""How many times one subject takes what another does, paired by repeat and round."""

from typing import Literal

from mvmoe_bench.measure.schema.records import Sample, SubjectRecord
from mvmoe_bench.report.estimates import Figure
from mvmoe_bench.report.index import Index
from mvmoe_bench.report.statistics import Ratio, paired_ratio

Clock = Literal["wall", "cpu"]


class RatioFigure(Figure):
    """One subject over another."""

    name: str
    """Such as `dispatcher/static`."""
    bundle: str
    target: str | None
    """Of the dispatcher."""
    first: str
    """Key of the subject that is divided."""
    second: str
    """Key of the subject that it is divided by."""
    clock: Clock
    """`cpu` is what the calling thread computed; given where one thread does all the work."""
    ratio: Ratio


def ratios(index: Index) -> tuple[RatioFigure, ...]:
    """Every dispatcher against whatever else was measured with its bundle.

    Only the oracle is divided by: `dispatcher/static` says what not knowing the expert costs. All
    others are over the dispatcher: what it saves.
    """
    result = []
    for dispatcher in _dispatchers(index):
        for other in index.run.subjects:
            if not _comparable(index, dispatcher, other):
                continue
            pair = (dispatcher, other) if other.name == "static" else (other, dispatcher)
            result += _figures(index, dispatcher, *pair)
    return tuple(result)


def _dispatchers(index: Index) -> list[SubjectRecord]:
    """Subjects called so that were measured."""
    return [s for s in index.run.subjects if s.name == "dispatcher" and index.natural(s.key)]


def _comparable(index: Index, dispatcher: SubjectRecord, other: SubjectRecord) -> bool:
    """Whether two subjects answer with the same model, and with the same engine if they have one,
    on as many threads.

    Where the other's engine runs elsewhere than any dispatcher's, it is compared with them all.
    """
    if other.name == "dispatcher" or other.bundle != dispatcher.bundle:
        return False
    if other.threads != dispatcher.threads:
        return False
    if other.target is None:
        return True
    if other.target != dispatcher.target:
        return False
    choices = [
        s.requested
        for s in _dispatchers(index)
        if (s.bundle, s.target) == (dispatcher.bundle, dispatcher.target)
    ]
    return other.requested == dispatcher.requested or other.requested not in choices


def _figures(
    index: Index, dispatcher: SubjectRecord, first: SubjectRecord, second: SubjectRecord
) -> list[RatioFigure]:
    """The ratio of two subjects on the wall, and in CPU time with one thread."""
    clocks: list[Clock] = ["wall"]
    if first.threads == second.threads == 1:
        clocks.append("cpu")
    found = ((clock, _ratio(index, first, second, clock)) for clock in clocks)
    return [
        RatioFigure(
            name=f"{first.name}/{second.name}",
            bundle=dispatcher.bundle,
            target=dispatcher.target,
            first=first.key,
            second=second.key,
            clock=clock,
            ratio=ratio,
        )
        for clock, ratio in found
        if ratio is not None
    ]


def _ratio(index: Index, first: SubjectRecord, second: SubjectRecord, clock: Clock) -> Ratio | None:
    """The paired ratio; None if no round has both."""
    above, below = (_by_round(index.natural(s.key), clock) for s in (first, second))
    rounds = [key for key, value in above.items() if below.get(key) and value]
    if not rounds:
        return None
    return paired_ratio(
        [above[key] for key in rounds],
        [below[key] for key in rounds],
        [repeat for repeat, _ in rounds],
        index.run.seed,
    )


def _by_round(samples: list[Sample], clock: Clock) -> dict[tuple[int, int], int]:
    """Nanoseconds by repeat and round; a subject has one turn in each."""
    return {
        (sample.repeat, sample.round): value
        for sample in samples
        if (value := sample.ns if clock == "wall" else sample.cpu_ns) is not None
    }
