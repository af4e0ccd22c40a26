"""How many times one subject takes what another does, paired by repeat and round."""

from collections.abc import Callable
from typing import Literal

from mvmoe_bench.measure.jobs.latency import Sample
from mvmoe_bench.measure.schema.records import SubjectRecord
from mvmoe_bench.report.index import Index
from mvmoe_bench.report.statistics import MS, Estimate, Figure, Ratio, conclusive
from mvmoe_bench.report.subjects import is_oracle, is_product

Clock = Literal["wall", "CPU"]

_TAKEN: dict[Clock, Callable[[Sample], float | None]] = {
    "wall": lambda sample: sample.ns,
    "CPU": lambda sample: sample.cpu_ns,
}


class RatioFigure(Figure, frozen=True):
    """One subject over another, of which one is the product."""

    name: str
    """Such as `dispatcher/static`: the oracle divides the product, which divides all others."""
    bundle: str
    target: str | None
    """Of the product."""
    product: str
    """Key of the product."""
    product_name: str
    """Name of the product."""
    other: str
    """Key of the other subject."""
    other_name: str
    """Name of the other subject."""
    clock: Clock
    """`CPU` is what the calling thread computed; given where one thread does all the work."""
    ratio: Ratio
    steadier: bool
    """Whether it is much surer than the product's milliseconds: their interval is wide, because
    repeats differ, and that of the ratio is not."""


_WIDE = 0.25
"""How far apart the ends of an interval are, relative to the lower, to be called wide."""


def ratios(index: Index) -> tuple[RatioFigure, ...] | None:
    """Every product against whatever else was measured with its bundle.

    Only the oracle is divided by: that ratio says what not knowing the expert costs. All others are
    over the product: what it saves.
    """
    products = [s for s in index.run.subjects if is_product(s) and index.natural(s.key)]
    found = tuple(
        figure
        for product in products
        for other in index.run.subjects
        if _comparable(products, product, other)
        for figure in _figures(index, product, other)
    )
    return found or None


def _comparable(
    products: list[SubjectRecord], product: SubjectRecord, other: SubjectRecord
) -> bool:
    """Whether two subjects answer with the same model, and with the same engine if they have one,
    on as many threads.

    Where the other's engine runs elsewhere than any product's, it is compared with them all.
    """
    if is_product(other) or other.bundle != product.bundle or other.threads != product.threads:
        return False
    if other.target is None:
        return True
    alike = [s for s in products if (s.bundle, s.target) == (product.bundle, product.target)]
    choices = [s.requested for s in alike]
    same = other.requested == product.requested or other.requested not in choices
    return other.target == product.target and same


def _figures(index: Index, product: SubjectRecord, other: SubjectRecord) -> list[RatioFigure]:
    """The ratio of two subjects on the wall, and in CPU time with one thread."""
    first, second = (product, other) if is_oracle(other) else (other, product)
    clocks: tuple[Clock, ...] = ("wall", "CPU") if product.threads == 1 else ("wall",)
    found = [(clock, index.paired_ratio(first.key, second.key, _TAKEN[clock])) for clock in clocks]
    own = index.per_repeat(index.natural(product.key), lambda sample: sample.ns * MS).estimate()
    return [
        RatioFigure(
            name=f"{first.name}/{second.name}",
            bundle=product.bundle,
            target=product.target,
            product=product.key,
            product_name=product.name,
            other=other.key,
            other_name=other.name,
            clock=clock,
            ratio=ratio,
            steadier=clock == "wall" and _steadier(ratio, own),
        )
        for clock, ratio in found
        if ratio is not None
    ]


def _steadier(ratio: Ratio, own: Estimate) -> bool:
    """Whether a ratio's interval is at most half as wide as a wide one of milliseconds."""
    width = _width(own)
    return conclusive(ratio) and width >= _WIDE and _width(ratio) <= width / 2


def _width(figure: Estimate) -> float:
    """How far the ends of an interval are apart, relative to the lower; 0 without a verdict."""
    if not conclusive(figure) or not figure.low or figure.high is None:
        return 0.0
    return figure.high / figure.low - 1
