"""Two runs side by side, two commits or two devices: a verdict for each row.

On the same CPU model a time counts as changed only if the machine's own change does not explain
it: with y the interval of the yardstick's time, second run over first, and r the interval of a
row's ratio, a row is faster if `r.high < min(1, y.low)` and slower if `r.low > max(1, y.high)`.
Between different CPUs, and without a yardstick, the interval has to leave out 1. Bytes of files are
exact. Every row is judged by itself: of many rows without any change, about one in twenty would be
told apart by accident if that were all; the yardstick's part makes it fewer.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from mvmoe_bench.figures.bundles import bundle
from mvmoe_bench.figures.common import MS, Estimate, Figure
from mvmoe_bench.figures.index import Index
from mvmoe_bench.figures.regime import differences
from mvmoe_bench.figures.routes import distributions, expectation, routed_samples
from mvmoe_bench.figures.summary import Summary, summarize_run
from mvmoe_bench.records import SubjectRecord
from mvmoe_bench.statistics import GroupedMedian, Ratio, interval, unpaired_ratio

if TYPE_CHECKING:
    from mvmoe_bench.results import RunLines

Verdict = Literal[
    "faster", "slower", "not told apart", "smaller", "larger", "same", "only in A", "only in B"
]
Kind = Literal["latency", "expected latency", "start", "memory", "size"]


class Resampled(Protocol):
    """A number that can be asked for draws of groups."""

    value: float
    groups: int
    n: int
    fell_back: bool

    def resampled(self, drawn: np.ndarray) -> np.ndarray:
        """The number for each row of drawn groups `[R, G]`."""


class VerdictRow(Figure):
    """One thing in both runs."""

    kind: Kind
    name: str
    """Of the subject, or bundle and target."""
    unit: Literal["ms", "bytes"]
    a: Estimate | None
    b: Estimate | None
    ratio: Ratio | None
    """B over A."""
    verdict: Verdict


class Difference(Figure):
    """Something in which two runs differ."""

    name: str
    a: str
    b: str
    weighty: bool
    """True for what makes times hard to compare, whatever the verdict: threads, images, forcing."""


class Comparison(Figure):
    """Two runs, A and B."""

    a: Summary
    b: Summary
    same_machine: bool
    """The same CPU model on the same kind of device."""
    yardstick: Ratio | None
    """Time of the yardstick, B over A."""
    differences: tuple[Difference, ...]
    rows: tuple[VerdictRow, ...]
    headline: tuple[str, ...]


def compare_runs(a: "RunLines", b: "RunLines") -> Comparison:
    """Compare two runs; subjects are matched by key."""
    one, two = Index(a), Index(b)
    same = _machine(one) == _machine(two)
    yardstick = _yardstick(one, two)
    rule = _Rule(yardstick if same else None, one.run.seed)
    keys = list(dict.fromkeys([*one.subjects, *two.subjects]))
    rows = [
        *_rows("latency", keys, _latency, (one, two), rule),
        *_rows("expected latency", keys, _expected, (one, two), rule),
        *_rows("start", keys, _start, (one, two), rule),
        *_rows("memory", keys, _memory, (one, two), rule),
        *_sizes(one, two),
    ]
    found = tuple(_difference(*item) for item in differences(a.run, b.run))
    return Comparison(
        a=summarize_run(a),
        b=summarize_run(b),
        same_machine=same,
        yardstick=yardstick,
        differences=found,
        rows=tuple(rows),
        headline=_headline(rows, found, same, yardstick),
    )


class _Rule:
    """How a ratio becomes a verdict."""

    def __init__(self, yardstick: Ratio | None, seed: int) -> None:
        """`yardstick` is None between machines that it does not connect."""
        self.seed = seed
        low, high = (yardstick.low, yardstick.high) if yardstick is not None else (None, None)
        self.least = min(1.0, low) if low is not None else 1.0
        self.most = max(1.0, high) if high is not None else 1.0

    def time(self, ratio: Ratio) -> Verdict:
        """Of a time."""
        if ratio.low is None or ratio.high is None:
            return "not told apart"
        if ratio.high < self.least:
            return "faster"
        return "slower" if ratio.low > self.most else "not told apart"

    def size(self, ratio: Ratio) -> Verdict:
        """Of memory, which the machine's speed does not touch."""
        if ratio.low is None or ratio.high is None:
            return "not told apart"
        if ratio.high < 1:
            return "smaller"
        if ratio.low > 1:
            return "larger"
        return "same" if ratio.low == ratio.high == 1 else "not told apart"


def _rows(
    kind: Kind, keys: Sequence[str], take: Any, sides: tuple[Index, Index], rule: _Rule
) -> list[VerdictRow]:
    """Rows of one kind, one for each subject that either run has it of."""
    rows = []
    for key in keys:
        first, second = (take(side, key) for side in sides)
        if first is not None or second is not None:
            rows.append(_row(kind, key, first, second, rule))
    return rows


def _row(
    kind: Kind, key: str, first: Resampled | None, second: Resampled | None, rule: _Rule
) -> VerdictRow:
    """One row from what both sides have."""
    ratio: Ratio | None = None
    verdict: Verdict
    if first is None or second is None:
        verdict = "only in B" if first is None else "only in A"
    elif not first.value:
        verdict = "not told apart"
    else:
        ratio = unpaired_ratio(second, first, rule.seed)
        verdict = rule.size(ratio) if kind == "memory" else rule.time(ratio)
    return VerdictRow(
        kind=kind,
        name=key,
        unit="bytes" if kind == "memory" else "ms",
        a=_estimate(first, rule.seed),
        b=_estimate(second, rule.seed),
        ratio=ratio,
        verdict=verdict,
    )


def _estimate(side: Resampled | None, seed: int) -> Estimate | None:
    """A side's number with its own interval."""
    if side is None:
        return None
    bounds = interval(side.resampled, (side.groups,), side.fell_back, seed)
    return Estimate(
        value=side.value,
        low=bounds.low,
        high=bounds.high,
        n=side.n,
        groups=side.groups,
        rough=bounds.rough,
    )


def _latency(index: Index, key: str) -> GroupedMedian | None:
    """Median latency in ms over repeats."""
    samples = index.natural(key)
    if not samples:
        return None
    return GroupedMedian.of([s.ns * MS for s in samples], [s.repeat for s in samples])


def _expected(index: Index, key: str) -> Resampled | None:
    """Expected latency in ms under the given distribution, else under the usage prior."""
    subject: SubjectRecord | None = index.subjects.get(key)
    samples = routed_samples(index, key)
    if subject is None or not samples:
        return None
    known = distributions(index, subject, index.bundles.get(subject.bundle))
    shares = known.get("given distribution") or known.get("usage prior")
    found = expectation(samples, shares) if shares else None
    return found[0] if found is not None else None


def _start(index: Index, key: str) -> GroupedMedian | None:
    """Process start to first answer in ms."""
    lines = index.starts.get(key, [])
    return GroupedMedian.of([line.total * MS for line in lines], None) if lines else None


def _memory(index: Index, key: str) -> GroupedMedian | None:
    """Bytes that a process holds with all experts resident (or under the largest budget)."""
    lines = index.memory.get(key, [])
    budgets = {line.budget for line in lines}
    if not budgets:
        return None
    most = None if None in budgets else max(budget for budget in budgets if budget is not None)
    return GroupedMedian.of([x.loaded for x in lines if x.budget == most], None)


def _sizes(one: Index, two: Index) -> list[VerdictRow]:
    """Bytes of every bundle's targets, which are exact."""
    sides = [
        {
            f"{its.name}, {target.name}": target.size.total_bytes
            for its in map(bundle, index.run.bundles)
            for target in its.targets
        }
        for index in (one, two)
    ]
    return [
        _size_row(name, sides[0].get(name), sides[1].get(name))
        for name in dict.fromkeys([*sides[0], *sides[1]])
    ]


def _size_row(name: str, first: int | None, second: int | None) -> VerdictRow:
    """One target's files."""
    verdict: Verdict
    if first is None or second is None:
        verdict = "only in B" if first is None else "only in A"
    else:
        verdict = "same" if first == second else "smaller" if second < first else "larger"
    both = bool(first) and bool(second)
    value = second / first if both else 1.0  # type: ignore[operator]
    return VerdictRow(
        kind="size",
        name=name,
        unit="bytes",
        a=_exact(first),
        b=_exact(second),
        ratio=Ratio(value, value, value, value, 1, 1) if both else None,
        verdict=verdict,
    )


def _exact(size: int | None) -> Estimate | None:
    """A number that nothing is uncertain about."""
    if size is None:
        return None
    return Estimate(value=size, low=size, high=size, n=1, groups=1, rough=False)


def _machine(index: Index) -> tuple[str, Any]:
    """What must be equal for the yardstick to connect two runs."""
    return index.run.device, index.run.identity.get("cpu")


def _yardstick(one: Index, two: Index) -> Ratio | None:
    """Time of the yardstick's operation, second run over first; None without one."""
    sides = []
    for index in (one, two):
        lines = [line for line in index.yardsticks if line.ns and line.flop]
        if not lines:
            return None
        sides.append(GroupedMedian.of([x.ns / x.flop for x in lines], [x.repeat for x in lines]))
    return unpaired_ratio(sides[1], sides[0], one.run.seed)


_WEIGHTY = ("threads", "images", "forced routes", "distribution", "preset")


def _difference(name: str, a: Any, b: Any) -> Difference:
    """One difference for people."""
    return Difference(name=name, a=_text(a), b=_text(b), weighty=name in _WEIGHTY)


def _text(value: Any) -> str:
    """A value of a run as text."""
    if value is None:
        return "-"
    if isinstance(value, SubjectRecord):
        choice = value.requested
        parts = (value.target, choice.engine, choice.provider, choice.compute_unit)
        return ", ".join(str(part) for part in parts if part)
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)


def _headline(
    rows: Sequence[VerdictRow],
    found: Sequence[Difference],
    same: bool,
    yardstick: Ratio | None,
) -> tuple[str, ...]:
    """What changed, in sentences."""
    result = [_count_sentence(rows)]
    others = [difference.name for difference in found if not difference.weighty]
    if others:
        more = f" and {len(others) - 5} more" if len(others) > 5 else ""
        result.append(f"A and B differ in {', '.join(others[:5])}{more}.")
    weighty = [difference.name for difference in found if difference.weighty]
    if weighty:
        result.append(
            f"Beware: the runs differ in {', '.join(weighty)}, which changes times by itself."
        )
    if not same:
        result.append("They were made on different machines: the yardstick does not connect them.")
    elif yardstick is None:
        result.append("Without a yardstick in both runs, a change of the machine goes unnoticed.")
    elif yardstick.low is not None and yardstick.high is not None:
        result.append(
            f"On the same CPU model, the machine itself took {yardstick.value:.3f} times as long "
            f"in B (95%: {yardstick.low:.3f} to {yardstick.high:.3f}); only what goes beyond that "
            "counts as faster or slower."
        )
    return tuple(result)


def _count_sentence(rows: Sequence[VerdictRow]) -> str:
    """How many latencies changed, and which most."""
    timed = [row for row in rows if row.kind == "latency" and row.ratio is not None]
    if not timed:
        return "No subject's latency was measured in both runs."
    slower = [row for row in timed if row.verdict == "slower"]
    faster = [row for row in timed if row.verdict == "faster"]
    rest = len(timed) - len(slower) - len(faster)
    parts = [f"Of {len(timed)} subjects in both runs, B is "]
    parts.append(
        f"faster for {len(faster)}, slower for {len(slower)}, and not told apart for {rest}."
    )
    changed = [row for row in (*slower, *faster) if row.ratio is not None]
    if changed:
        most = max(changed, key=lambda row: abs(np.log(row.ratio.value)))  # type: ignore[union-attr]
        assert most.ratio is not None
        parts.append(
            f" The largest change: {most.name} takes {most.ratio.value:.3f} times as long in B."
        )
    return "".join(parts)
