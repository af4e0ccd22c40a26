"""What the machine did meanwhile: its own speed, its load, what timing itself costs."""

import numpy as np

from mvmoe_bench.report.estimates import Estimate, Figure, median_of, quick_median
from mvmoe_bench.report.index import Index

DRIFT_LIMIT = 1.10
"""Slowest repeat over fastest, beyond which a warning is due."""


class YardstickFigure(Figure):
    """The speed of one matmul over the run."""

    gflops: Estimate
    p5: float
    p95: float
    drift: float
    """Of the repeats' medians the highest over the lowest."""
    by_repeat: tuple[float, ...]
    """Median GFLOP/s of each repeat, in order."""


class Machine(Figure):
    """The machine while it measured."""

    yardstick: YardstickFigure | None
    overhead_ns: float | None
    """What a timed call that does nothing takes."""
    load_at_start: float | None
    """Processes that wanted to run, mean of one minute."""
    load_most: float | None
    """The highest of them at the end of a job."""
    cores: int | None
    warnings: tuple[str, ...]
    """In plain sentences."""


def machine(index: Index) -> Machine:
    """Speed, load and overhead, with what there is to warn of."""
    measure = _yardstick(index)
    overheads = [line.ns for line in index.overheads]
    start, most = _load(index)
    cores = index.run.identity.get("cores_logical")
    cores = cores if isinstance(cores, int) else None
    return Machine(
        yardstick=measure,
        overhead_ns=quick_median(overheads) if overheads else None,
        load_at_start=start,
        load_most=most,
        cores=cores,
        warnings=(*_drift_warning(measure), *_load_warning(start, most, cores)),
    )


def _yardstick(index: Index) -> YardstickFigure | None:
    """The yardstick; None if it was not run."""
    lines = [line for line in index.yardsticks if line.ns and line.flop]
    if not lines:
        return None
    speed = [line.flop / line.ns for line in lines]  # FLOP per ns are GFLOP/s.
    repeats: dict[int, list[float]] = {}
    for line, value in zip(lines, speed, strict=True):
        repeats.setdefault(line.repeat, []).append(value)
    medians = [quick_median(repeats[repeat]) for repeat in sorted(repeats)]
    p5, p95 = np.percentile(speed, (5, 95)).tolist()
    return YardstickFigure(
        gflops=median_of(speed, [line.repeat for line in lines], index.run.seed),
        p5=p5,
        p95=p95,
        drift=max(medians) / min(medians),
        by_repeat=tuple(medians),
    )


def _load(index: Index) -> tuple[float | None, float | None]:
    """One-minute load at the start, and the highest at the end of a job."""
    first = index.run.identity.get("load_average")
    start = first[0] if isinstance(first, list) and first else None
    start = float(start) if isinstance(start, int | float) else None
    later = [line.load_average[0] for line in index.done if line.load_average]
    return start, max(later) if later else None


def _drift_warning(measure: YardstickFigure | None) -> list[str]:
    """A sentence if the machine changed its speed."""
    if measure is None or measure.drift <= DRIFT_LIMIT:
        return []
    return [
        f"The speed of one fixed matrix product (the yardstick) changed by {measure.drift - 1:.0%} "
        "between repeats: trust ratios, which are paired, more than milliseconds, and measure "
        "again when nothing else runs."
    ]


def _load_warning(start: float | None, most: float | None, cores: int | None) -> list[str]:
    """A sentence if others wanted the cores."""
    loads = [load for load in (start, most) if load is not None]
    if cores is None or not loads or max(loads) <= cores:
        return []
    return [
        f"The machine was busy: the load average reached {max(loads):.1f} with {cores} "
        "cores; other programs may have taken time from what was measured."
    ]
