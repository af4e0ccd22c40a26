"""What the page shows, from results alone: rows of models, paired differences, dense curves."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from evidence.cases import Case, Cell, Piece, Size
from evidence.piece_results import Latencies, Latency, Result, Results
from evidence.seed_intervals import Interval, interval

BySeed = Mapping[int, Result]

_END = 1.02
"""So far beyond the ends of a curve its end stands for it: a router's own cost."""


@dataclass(frozen=True)
class Row:
    """A model of one size: what its seeds say, and what it costs."""

    size: Size
    cell: Cell
    found: BySeed
    top1: Interval
    over_dense: Interval | None
    """The paired difference to the dense model that was trained for as many steps."""
    at_start: Interval | None
    """Before fine-tuning."""
    over_curve: Interval | None
    """The paired difference to dense models of as many multiply-accumulates, which lie between
    those that were trained."""
    over_latency_curve: Interval | None
    """The same of dense models whose bundles take as long."""
    router_accuracy: float | None
    agreement: float | None
    macs: int
    params_total: int
    params_active: int
    latency: Latency | None


@dataclass(frozen=True)
class CaseFigures:
    """A data set: the rows of all its sizes, and what has no result yet."""

    case: Case
    rows: tuple[Row, ...]
    missing: tuple[str, ...]
    """Models without a result of any seed."""
    seeds: tuple[int, ...]
    """Asked for."""
    latencies: Mapping[str, Latencies]

    def row(self, cell: str, size: str | None = None) -> Row | None:
        """The row of a model at a size, the main one without."""
        size = size or self.case.sizes[0].name
        return next((r for r in self.rows if (r.cell.name, r.size.name) == (cell, size)), None)

    def of_size(self, size: Size) -> tuple[Row, ...]:
        """The rows of one size."""
        return tuple(row for row in self.rows if row.size.name == size.name)


def figures(case: Case, seeds: tuple[int, ...], results: Results) -> CaseFigures:
    """Everything of a data set; raises InputError for a file that is no result."""
    found = {
        (size.name, cell.name): _by_seed(Piece(case, size, cell, 0), seeds, results)
        for size in case.sizes
        for cell in size.cells
    }
    timed = {size.name: results.latencies(case.name, size.name) for size in case.sizes}
    latencies = {name: its for name, its in timed.items() if its is not None}
    curves = _Curves(case, found, latencies)
    rows, missing = [], []
    for size in case.sizes:
        for cell in size.cells:
            of = found[size.name, cell.name]
            if of:
                rows.append(_row(size, cell, of, curves))
            else:
                missing.append(f"{size.name}: {cell.title}")
    return CaseFigures(case, tuple(rows), tuple(missing), seeds, latencies)


def paired(first: BySeed, second: BySeed) -> Interval | None:
    """How much more of the test images the first gets right, over the seeds of both."""
    return interval([first[s].top1 - second[s].top1 for s in first if s in second])


def _by_seed(piece: Piece, seeds: tuple[int, ...], results: Results) -> BySeed:
    """The results of a model."""
    pieces = (Piece(piece.case, piece.size, piece.cell, seed) for seed in seeds)
    found = {each.seed: results.of(each) for each in pieces}
    return {seed: result for seed, result in found.items() if result is not None}


def _row(size: Size, cell: Cell, found: BySeed, curves: "_Curves") -> Row:
    """The row of a model that has results."""
    some = next(iter(found.values()))
    latency = curves.latency(size.name, cell.name)
    reference = curves.reference(size.name)
    top1 = interval([result.top1 for result in found.values()])
    assert top1 is not None
    return Row(
        size=size,
        cell=cell,
        found=found,
        top1=top1,
        over_dense=paired(found, reference) if found is not reference else None,
        at_start=interval(_numbers(found, lambda r: r.top1_at_start)),
        over_curve=None if cell.is_dense else curves.over(found, some.macs, curves.macs),
        over_latency_curve=(
            None
            if cell.is_dense or latency is None
            else curves.over(found, latency.ms, curves.milliseconds)
        ),
        router_accuracy=_mean(_numbers(found, lambda r: r.router_accuracy)),
        agreement=_mean(_numbers(found, lambda r: r.agreement)),
        macs=some.macs,
        params_total=some.params_total,
        params_active=some.params_active,
        latency=latency,
    )


class _Curves:
    """The dense models of all sizes as curves: accuracy over what they cost, for each seed."""

    def __init__(
        self,
        case: Case,
        found: Mapping[tuple[str, str], BySeed],
        latencies: Mapping[str, Latencies],
    ) -> None:
        self._latencies = latencies
        self._references = {
            size.name: found[size.name, cell.name]
            for size in case.sizes
            for cell in size.cells
            if cell.is_reference
        }
        self._names = {
            size.name: cell.name for size in case.sizes for cell in size.cells if cell.is_reference
        }

    def reference(self, size: str) -> BySeed:
        """The dense model of a size that has been trained for as many steps as the others."""
        return self._references[size]

    def latency(self, size: str, cell: str) -> Latency | None:
        """What an answer of a model takes; None if it was not measured."""
        return self._latencies[size].cells.get(cell) if size in self._latencies else None

    def macs(self, size: str) -> float | None:
        """Multiply-accumulates of the dense model of a size."""
        return next((float(result.macs) for result in self._references[size].values()), None)

    def milliseconds(self, size: str) -> float | None:
        """What an answer of the dense model of a size takes."""
        found = self.latency(size, self._names[size])
        return None if found is None else found.ms

    def over(
        self, found: BySeed, cost: float, cost_of: Callable[[str], float | None]
    ) -> Interval | None:
        """The paired difference to the dense curve at a cost; None beyond its ends.

        Between two sizes accuracy is a straight line over the logarithm of the cost.
        """
        differences = []
        for seed, result in found.items():
            points = sorted(
                (at, of[seed].top1)
                for size, of in self._references.items()
                if seed in of and (at := cost_of(size)) is not None
            )
            if len(points) < 2 or not points[0][0] / _END <= cost <= points[-1][0] * _END:
                continue
            at, top1 = np.array(points).T
            differences.append(result.top1 - float(np.interp(np.log(cost), np.log(at), top1)))
        return interval(differences)


def _numbers(found: BySeed, of: Callable[[Result], float | None]) -> list[float]:
    """A field of all seeds that have it."""
    return [value for result in found.values() if (value := of(result)) is not None]


def _mean(values: Iterable[float]) -> float | None:
    """The mean; None without any."""
    found = list(values)
    return float(np.mean(found)) if found else None
