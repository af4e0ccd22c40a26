"""Two runs side by side, two commits or two devices: a verdict for each row.

A verdict needs six repeats on both sides (see `statistics.py`), and two runs that were asked the
same: with other threads, images or routes a row has its ratio, and no verdict.

On the same CPU model a time counts as changed only if the machine's own change does not explain
it: with y the interval of the yardstick's time, second run over first, and r the interval of a
row's ratio, a row is faster if `r.high < min(1, y.low)` and slower if `r.low > max(1, y.high)`.
Between different CPUs, and without a yardstick, the interval has to leave out 1. Memory has to
differ by more than `MEMORY_NOISE` too. Bytes of files are exact. Every row is judged by itself: of
many rows without any change, about one in twenty would be told apart by accident if that were all;
the yardstick's part makes it fewer.
"""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from mvmoe_bench.measure.schema.records import SubjectRecord
from mvmoe_bench.report.bundles import bundle
from mvmoe_bench.report.estimates import MS, Estimate, Figure
from mvmoe_bench.report.index import Index
from mvmoe_bench.report.printed import printed
from mvmoe_bench.report.regime import differences
from mvmoe_bench.report.sections.routes.figures import distributions, expectation, routed_samples
from mvmoe_bench.report.statistics import (
    ENOUGH_GROUPS,
    GroupedMedian,
    Ratio,
    interval,
    sure,
    unpaired_ratio,
)
from mvmoe_bench.report.summary import Summary, summarize_run
from mvmoe_bench.report.words import count, no_verdict

if TYPE_CHECKING:
    from mvmoe_bench.measure.schema.results import RunLines

Verdict = Literal[
    "faster",
    "slower",
    "not told apart",
    "smaller",
    "larger",
    "same",
    "only in A",
    "only in B",
    "too few repeats",
    "not comparable",
]
Kind = Literal["latency", "expected latency", "start", "memory", "size"]


MEMORY_NOISE = 1_000_000
"""Bytes. ExecuTorch's share of one and the same bundle came out as one of two values 0.7 MB apart,
from one process to the next; ONNX Runtime's varied by 0.02 MB."""


class Resampled(Protocol):
    """A number that can be asked for draws of groups."""

    value: float
    groups: int
    n: int

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
    why: str = ""
    """Why there is no verdict, if there is none: too few repeats, or what differs."""


class Difference(Figure):
    """Something in which two runs differ."""

    name: str
    a: str
    b: str
    weighty: bool
    """True for what changes times and memory by itself: threads, images, forcing."""


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
    same = _same_machine(one, two)
    yardstick = _yardstick(one, two)
    found = tuple(_difference(*item) for item in differences(a.run, b.run))
    unlike = tuple(item.name for item in found if item.name in _UNLIKE)
    rule = _Rule(yardstick if same else None, unlike, one.run.seed)
    keys = list(dict.fromkeys([*one.subjects, *two.subjects]))
    rows = [
        *_rows("latency", keys, _latency, (one, two), rule),
        *_rows("expected latency", keys, _expected, (one, two), rule),
        *_rows("start", keys, _start, (one, two), rule),
        *_rows("memory", keys, partial(_memory, _common_budgets(one, two)), (one, two), rule),
        *_sizes(one, two),
    ]
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

    def __init__(self, yardstick: Ratio | None, unlike: tuple[str, ...], seed: int) -> None:
        """`yardstick` is None between machines that it does not connect; `unlike` are names of what
        was asked differently of the two runs.
        """
        self.seed = seed
        self._yardstick = yardstick
        self._unlike = unlike
        low, high = (yardstick.low, yardstick.high) if yardstick is not None else (None, None)
        self.least = min(1.0, low) if low is not None else 1.0
        self.most = max(1.0, high) if high is not None else 1.0

    def judge(
        self, kind: Kind, ratio: Ratio, apart: float, differs: str = ""
    ) -> tuple[Verdict, str]:
        """The verdict and, if there is none, why.

        `apart` is the distance of the two numbers, `differs` what differs in this subject alone.
        """
        unlike = (*self._unlike, *([differs] if differs and differs not in self._unlike else []))
        if unlike:
            return "not comparable", f"different {', '.join(unlike)}"
        if not sure(ratio):
            few = ratio.groups < ENOUGH_GROUPS
            return "too few repeats" if few else "not told apart", no_verdict(ratio)
        if kind == "memory":
            return self._size(ratio, apart), ""
        if self._yardstick is not None and not sure(self._yardstick):
            return "too few repeats", f"yardstick: {no_verdict(self._yardstick)}"
        return self._time(ratio), ""

    def _time(self, ratio: Ratio) -> Verdict:
        """Of a time."""
        assert ratio.low is not None
        assert ratio.high is not None
        if ratio.high < self.least:
            return "faster"
        return "slower" if ratio.low > self.most else "not told apart"

    def _size(self, ratio: Ratio, apart: float) -> Verdict:
        """Of memory, which the machine's speed does not touch."""
        assert ratio.low is not None
        assert ratio.high is not None
        if ratio.low == ratio.high == 1:
            return "same"
        if apart <= MEMORY_NOISE or ratio.low <= 1 <= ratio.high:
            return "not told apart"
        return "smaller" if ratio.high < 1 else "larger"


def _rows(
    kind: Kind, keys: Sequence[str], take: Any, sides: tuple[Index, Index], rule: _Rule
) -> list[VerdictRow]:
    """Rows of one kind, one for each subject that either run has it of."""
    rows = []
    for key in keys:
        first, second = (take(side, key) for side in sides)
        if first is not None or second is not None:
            differs = _subject_difference(kind, key, sides)
            rows.append(_row(kind, key, (first, second), rule, differs))
    return rows


def _subject_difference(kind: Kind, key: str, sides: tuple[Index, Index]) -> str:
    """What makes one subject's rows incomparable, if anything does."""
    one, two = (side.subjects.get(key) for side in sides)
    if one is not None and two is not None and one.threads != two.threads:
        return "threads"
    if kind != "memory":
        return ""
    lines = [side.memory.get(key, []) for side in sides]
    if {line.memory_of for line in lines[0]} != {line.memory_of for line in lines[1]}:
        return "kinds of memory"
    rooms = [{line.budget for line in its} for its in lines]
    return "" if rooms[0] & rooms[1] else "room for experts"


def _row(
    kind: Kind,
    key: str,
    sides: tuple[Resampled | None, Resampled | None],
    rule: _Rule,
    differs: str,
) -> VerdictRow:
    """One row from what both sides have; `differs` makes them incomparable."""
    first, second = sides
    ratio: Ratio | None = None
    verdict: Verdict
    why = ""
    if first is None or second is None:
        verdict = "only in B" if first is None else "only in A"
    elif not first.value:
        verdict = "not told apart"
    else:
        ratio = unpaired_ratio(second, first, rule.seed)
        verdict, why = rule.judge(kind, ratio, abs(second.value - first.value), differs)
    return VerdictRow(
        kind=kind,
        name=key,
        unit="bytes" if kind == "memory" else "ms",
        a=_estimate(first, rule.seed),
        b=_estimate(second, rule.seed),
        ratio=ratio,
        verdict=verdict,
        why=why,
    )


def _estimate(side: Resampled | None, seed: int) -> Estimate | None:
    """A side's number with its own interval."""
    if side is None:
        return None
    bounds = interval(side.resampled, (side.groups,), seed)
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
    """Opening to first answer in ms; Python's start and imports are left out."""
    lines = index.starts.get(key, [])
    return GroupedMedian.of([line.ready * MS for line in lines], None) if lines else None


def _common_budgets(one: Index, two: Index) -> dict[str, int | None]:
    """By subject the largest budget that both runs have; None means all experts."""
    result: dict[str, int | None] = {}
    for key in one.memory.keys() & two.memory.keys():
        both = {x.budget for x in one.memory[key]} & {x.budget for x in two.memory[key]}
        if both:
            result[key] = _most(both)
    return result


def _most(budgets: set[int | None]) -> int | None:
    """The largest of some budgets; None means all experts."""
    return None if None in budgets else max(budget for budget in budgets if budget is not None)


def _memory(common: dict[str, int | None], index: Index, key: str) -> GroupedMedian | None:
    """Bytes that a process holds with the most experts resident that both runs have measured."""
    lines = index.memory.get(key, [])
    if not lines:
        return None
    budget = common[key] if key in common else _most({line.budget for line in lines})
    return GroupedMedian.of([x.loaded.total for x in lines if x.budget == budget], None)


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


def _same_machine(one: Index, two: Index) -> bool:
    """Whether the yardstick connects two runs: the same kind of device and known CPU model."""
    cpus = [side.run.identity.get("cpu") for side in (one, two)]
    return one.run.device == two.run.device and cpus[0] == cpus[1] and isinstance(cpus[0], str)


def _yardstick(one: Index, two: Index) -> Ratio | None:
    """Time of the yardstick's operation, second run over first; None without one."""
    sides = []
    for index in (one, two):
        lines = [line for line in index.yardsticks if line.ns and line.flop]
        if not lines:
            return None
        sides.append(GroupedMedian.of([x.ns / x.flop for x in lines], [x.repeat for x in lines]))
    return unpaired_ratio(sides[1], sides[0], one.run.seed)


_UNLIKE = ("threads", "images", "forced routes", "distribution")
"""With these different, two runs measured different things: there is no verdict."""
_WEIGHTY = (*_UNLIKE, "preset")


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
        known = any(difference.name in ("CPU model", "device") for difference in found)
        where = "They were made on different machines" if known else "Their CPU model is not known"
        result.append(
            f"{where}: a verdict is of bundle and machine together, and the yardstick does not "
            "connect them."
        )
    elif yardstick is None:
        result.append("Without a yardstick in both runs, a change of the machine goes unnoticed.")
    else:
        its = printed(yardstick)
        beyond = "only what goes beyond that counts as faster or slower"
        if not sure(yardstick):
            beyond = "too few repeats to judge a time by"
        result.append(
            f"On the same CPU model, the machine itself took {its.value} times as long in B "
            f"({its.sure}); {beyond}."
        )
    return tuple(result)


def _count_sentence(rows: Sequence[VerdictRow]) -> str:
    """How many latencies changed, and which most."""
    timed = [row for row in rows if row.kind == "latency" and row.ratio is not None]
    if not timed:
        return "No subject's latency was measured in both runs."
    judged = [row for row in timed if not row.why]
    reasons = dict.fromkeys(row.why for row in timed if row.why)
    if not judged:
        return f"There is no verdict on any latency: {'; '.join(reasons)}."
    counts = {name: _number(judged, name) for name in ("faster", "slower", "not told apart")}
    text = (
        f"Of {count(len(judged), 'subject')} in both runs, B is faster for {counts['faster']}, "
        f"slower for {counts['slower']}, and not told apart for {counts['not told apart']}."
    )
    if reasons:
        text += f" There is no verdict on {len(timed) - len(judged)}: {'; '.join(reasons)}."
    return text + _largest(judged)


def _number(rows: Sequence[VerdictRow], verdict: str) -> int:
    """How many rows have a verdict."""
    return sum(row.verdict == verdict for row in rows)


def _largest(judged: Sequence[VerdictRow]) -> str:
    """The latency that changed most, of those that are told apart."""
    changed = [
        (row.name, row.ratio)
        for row in judged
        if row.verdict in ("faster", "slower") and row.ratio is not None
    ]
    if not changed:
        return ""
    name, ratio = max(changed, key=lambda item: abs(np.log(item[1].value)))
    its = printed(ratio)
    return f" The largest change: {name} takes {its.value} times as long in B ({its.sure})."
