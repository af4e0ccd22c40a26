"""What speaks for each target: time, memory, size, right answers, first answer; and the choice.

The choice leaves out targets that lose more than `MOST_LOSS` of PyTorch's right answers beyond
doubt. Of the others it takes the fastest; those that are not slower beyond doubt are equal, and of
equal ones the one with the fewest bytes is taken. A target that was measured in several ways (by
providers, in two languages) stands in the choice once, as it was measured first: the others have
rows of their own, and answers of two languages are not of the same rounds.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from mvmoe_bench.measure.schema.records import EngineChoice, SubjectRecord
from mvmoe_bench.report.index import Index
from mvmoe_bench.report.manifest_record import read
from mvmoe_bench.report.right_answers import RightAnswers, right_answers
from mvmoe_bench.report.statistics import MS, Estimate, Figure, Ratio, conclusive
from mvmoe_bench.report.subjects import is_product
from mvmoe_deploy.bundle.precisions import MOST_LOSS


class ShippedTarget(Figure, frozen=True):
    """One target of a bundle where it was measured; None of what was not."""

    subject: str
    """Key of its dispatcher."""
    bundle: str
    target: str | None
    requested: EngineChoice
    precision: str
    time_ms: Estimate | None
    """The median of an answer."""
    considered: bool
    """Whether it stands in the choice, for its target."""
    over_fastest: Ratio | None
    """How many times as long it takes as the fastest of its bundle, round by round; None of that
    one, and without rounds of both."""
    added_bytes: Estimate | None
    """Memory that the model adds to a process, with as many experts as were measured at most."""
    bytes: int | None
    """Of all its files."""
    answers: RightAnswers | None
    first_ms: Estimate | None
    """From opening it to its first answer."""
    chosen: bool = False
    """Whether it is the one to ship."""

    @property
    def slower(self) -> bool:
        """Whether it takes longer than the fastest, beyond doubt."""
        over = self.over_fastest
        return over is not None and conclusive(over) and over.low is not None and over.low > 1

    @property
    def loses(self) -> bool:
        """Whether it loses more right answers than may be, beyond doubt."""
        found = self.answers
        return found is not None and found.least_loss is not None and found.least_loss > MOST_LOSS


Shipping = tuple[ShippedTarget, ...]


def shipping(index: Index) -> Shipping | None:
    """Every product of the run, bundle by bundle."""
    rows: list[ShippedTarget] = []
    answers = right_answers(index)
    for bundle in index.run.bundles:
        products = [s for s in index.run.subjects if is_product(s) and s.bundle == bundle.name]
        rows += _of_bundle(index, products, answers)
    return tuple(rows) or None


def _of_bundle(
    index: Index, products: Sequence[SubjectRecord], answers: tuple[RightAnswers, ...]
) -> list[ShippedTarget]:
    """The targets of one bundle, of which one may be chosen."""
    times = {
        subject.key: found.estimate()
        for subject in products
        if (found := index.per_repeat(index.natural(subject.key), lambda line: line.ns * MS))
    }
    usual = {s.target: s.key for s in reversed(products) if s.key in times}.values()
    fastest = min(usual, key=lambda key: times[key].value, default=None)
    rows = [
        _row(index, subject, times, fastest if subject.key in usual else None, answers)
        for subject in products
    ]
    chosen = choice(rows)
    return [_chosen(row) if row is chosen else row for row in rows]


def _row(
    index: Index,
    subject: SubjectRecord,
    times: dict[str, Estimate],
    fastest: str | None,
    answers: tuple[RightAnswers, ...],
) -> ShippedTarget:
    """All that is known of one target."""
    record = index.bundles[subject.bundle].targets.get(subject.target or "", {})
    return ShippedTarget(
        subject=subject.key,
        bundle=subject.bundle,
        target=subject.target,
        requested=subject.requested,
        precision=str(record.get("precision", "-")),
        time_ms=times.get(subject.key),
        considered=fastest is not None,
        over_fastest=index.paired_ratio(subject.key, fastest, lambda line: line.ns)
        if fastest not in (None, subject.key)
        else None,
        added_bytes=_added(index, subject.key),
        bytes=read(record.get("bytes"), int),
        answers=_answers(subject, answers),
        first_ms=index.per_repeat(
            index.starts.get(subject.key, []), lambda line: line.ready * MS
        ).estimate_if_any(),
    )


def _added(index: Index, key: str) -> Estimate | None:
    """With the largest budget of experts that was measured; None means all."""
    lines = index.memory.get(key, [])
    budgets = {line.budget for line in lines}
    most = None if None in budgets else max((b for b in budgets if b is not None), default=None)
    taken = [line for line in lines if line.budget == most]
    return index.per_repeat(
        taken, lambda line: line.loaded.total - line.base.total
    ).estimate_if_any()


def _answers(subject: SubjectRecord, answers: tuple[RightAnswers, ...]) -> RightAnswers | None:
    """Its own right answers of this run, else what the export says of its target."""
    own = [row for row in answers if row.subject == subject.key]
    said = [
        row
        for row in answers
        if row.subject is None
        and row.who == "target"
        and (row.bundle, row.target) == (subject.bundle, subject.target)
    ]
    return next(iter((*own, *said)), None)


def choice(rows: Sequence[ShippedTarget]) -> ShippedTarget | None:
    """The target to ship, of one bundle; None where nothing may be concluded."""
    timed = [row for row in rows if row.considered]
    if len(timed) > 1 and not all(row.time_ms and conclusive(row.time_ms) for row in timed):
        return None
    fitting = [row for row in timed if not row.loses]
    equal = [row for row in fitting if not row.slower] or fitting
    if not equal:
        return None
    if all(row.slower for row in equal):
        return min(equal, key=lambda row: row.time_ms.value if row.time_ms else 0.0)
    return min(equal, key=lambda row: (row.bytes is None, row.bytes or 0))


def _chosen(row: ShippedTarget) -> ShippedTarget:
    """The row, marked."""
    return replace(row, chosen=True)
