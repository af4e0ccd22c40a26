"""How two runs are told apart: a verdict for each thing that both have measured.

A verdict needs six repeats on both sides (see `statistics.py`), and two runs that were asked the
same: with other threads, images or routes a row has its ratio, and no verdict.

On the same CPU model a time counts as changed only if the machine's own change does not explain
it: with y the interval of the reference matrix product's time, second run over first, and r the
interval of a row's ratio, a row is faster if `r.high < min(1, y.low)` and slower if
`r.low > max(1, y.high)`. Between different CPUs, and without that product, the interval has to
leave out 1. Memory has to differ by more than `MEMORY_NOISE` too. Bytes of files are exact. Every
row is judged by itself: of many rows without any change, about one in twenty would get a verdict by
accident if that were all; the machine's own change makes it fewer.
"""

from collections.abc import Callable, Mapping
from typing import Literal

from mvmoe_bench.report.formatting import no_verdict
from mvmoe_bench.report.index import Index
from mvmoe_bench.report.statistics import (
    ENOUGH_REPEATS,
    Estimate,
    Figure,
    PerRepeat,
    Ratio,
    conclusive,
    unpaired_ratio,
)

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
Unit = Literal["ms", "bytes", "exact bytes"]
"""`bytes` are of memory, `exact bytes` of files."""

MEMORY_NOISE = 1_000_000
"""Bytes. ExecuTorch's share of one and the same bundle came out as one of two values 0.7 MB apart,
from one process to the next; ONNX Runtime's varied by 0.02 MB."""


class VerdictRow(Figure, frozen=True):
    """One thing in both runs."""

    name: str
    """Of the subject, or bundle and target."""
    unit: Unit
    a: Estimate | None
    b: Estimate | None
    ratio: Ratio | None
    """B over A."""
    verdict: Verdict
    why: str = ""
    """Why there is no verdict, if there is none: too few repeats, or what differs."""


class Judge:
    """Makes a verdict of a ratio."""

    def __init__(self, machine: Ratio | None, unlike: tuple[str, ...]) -> None:
        """`machine` is the ratio of the reference product's times, None between machines that it
        does not connect; `unlike` are names of what was asked differently of the two runs.
        """
        self._machine = machine
        self._unlike = unlike
        low, high = (machine.low, machine.high) if machine is not None else (None, None)
        self._least = min(1.0, low) if low is not None else 1.0
        self._most = max(1.0, high) if high is not None else 1.0

    def row(
        self,
        name: str,
        sides: tuple[PerRepeat, PerRepeat],
        unit: Unit = "ms",
        differs: str = "",
    ) -> VerdictRow:
        """One row; a side that was not measured is empty.

        `differs` says what makes this row's sides incomparable, if anything does.
        """
        first, second = sides
        ratio: Ratio | None = None
        verdict: Verdict
        why = ""
        if not first or not second:
            verdict = "only in A" if first else "only in B"
        elif not first.value:
            verdict = "not told apart"
        else:
            ratio = unpaired_ratio(second, first)
            verdict, why = self._verdict(unit, ratio, abs(second.value - first.value), differs)
        return VerdictRow(
            name=name,
            unit=unit,
            a=first.estimate_if_any(),
            b=second.estimate_if_any(),
            ratio=ratio,
            verdict=verdict,
            why=why,
        )

    def _verdict(self, unit: Unit, ratio: Ratio, apart: float, differs: str) -> tuple[Verdict, str]:
        """The verdict and, if there is none, why; `apart` is the distance of the two numbers."""
        unlike = list(dict.fromkeys([*self._unlike, *filter(None, [differs])]))
        if unlike:
            return "not comparable", f"different {', '.join(unlike)}"
        if not conclusive(ratio):
            few = ratio.repeats < ENOUGH_REPEATS
            return "too few repeats" if few else "not told apart", no_verdict(ratio)
        if unit == "bytes":
            return self._of_memory(ratio, apart), ""
        if self._machine is not None and not conclusive(self._machine):
            return "too few repeats", f"reference product: {no_verdict(self._machine)}"
        return self._of_time(ratio), ""

    def _of_time(self, ratio: Ratio) -> Verdict:
        """Of a time, which the machine's speed changes."""
        assert ratio.low is not None
        assert ratio.high is not None
        if ratio.high < self._least:
            return "faster"
        return "slower" if ratio.low > self._most else "not told apart"

    def _of_memory(self, ratio: Ratio, apart: float) -> Verdict:
        """Of memory, which the machine's speed does not change."""
        assert ratio.low is not None
        assert ratio.high is not None
        if ratio.low == ratio.high == 1:
            return "same"
        if apart <= MEMORY_NOISE or ratio.low <= 1 <= ratio.high:
            return "not told apart"
        return "smaller" if ratio.high < 1 else "larger"


def time_rows(
    take: Callable[[Index, str], PerRepeat], one: Index, two: Index, judge: Judge
) -> list[VerdictRow]:
    """A row for each subject of which either run has a time in ms, as `take` finds it by key."""
    rows = []
    for key in dict.fromkeys([*one.subjects, *two.subjects]):
        sides = (take(one, key), take(two, key))
        if any(sides):
            rows.append(judge.row(key, sides, differs=other_threads(one, two, key)))
    return rows


def other_threads(one: Index, two: Index, key: str) -> str:
    """`threads` if a subject of both runs had another number of them in each, else nothing."""
    threads = {side.subjects[key].threads for side in (one, two) if key in side.subjects}
    return "threads" if len(threads) > 1 else ""


def exact_rows(first: Mapping[str, int], second: Mapping[str, int]) -> list[VerdictRow]:
    """Rows of bytes that are exact, by name."""
    return [
        _exact_row(name, first.get(name), second.get(name))
        for name in dict.fromkeys([*first, *second])
    ]


def _exact_row(name: str, first: int | None, second: int | None) -> VerdictRow:
    """One number of bytes in both runs."""
    verdict: Verdict
    ratio: Ratio | None = None
    if first is None or second is None:
        verdict = "only in B" if first is None else "only in A"
    else:
        verdict = "same" if first == second else "smaller" if second < first else "larger"
        if first and second:
            value = second / first
            ratio = Ratio(value=value, low=value, high=value, of_medians=value, n=1, repeats=1,
                          rough=False)  # fmt: skip
    return VerdictRow(
        name=name, unit="exact bytes", a=_exact(first), b=_exact(second), ratio=ratio,
        verdict=verdict,
    )  # fmt: skip


def _exact(size: int | None) -> Estimate | None:
    """A number without uncertainty."""
    if size is None:
        return None
    return Estimate(value=size, low=size, high=size, n=1, repeats=1, rough=False)
