"""What a process of its own holds in memory, by subject and by budget of experts."""

from mvmoe_bench.figures.common import Estimate, Figure, median_of, quick_median
from mvmoe_bench.figures.index import Index
from mvmoe_bench.records import Memory


class MemoryFigure(Figure):
    """One subject under one budget; medians over processes, in bytes."""

    subject: str
    budget: int | None
    """Experts that might be resident in each routed stage; None for all."""
    memory_of: str
    """`PSS`, `RSS` or `footprint`."""
    n: int
    base_bytes: float
    """Engine and code, before anything was opened."""
    loaded_bytes: Estimate
    """After every image was answered."""
    added_bytes: Estimate
    """Loaded less base: what the model costs."""
    peak_rss_bytes: float | None
    released_bytes: float
    """After everything was closed."""


def memory(index: Index, subject: str) -> tuple[MemoryFigure, ...]:
    """What one subject holds, by budget, the smallest first and all experts last."""
    budgets: dict[tuple[int | None, str], list[Memory]] = {}
    for line in index.memory.get(subject, []):
        budgets.setdefault((line.budget, line.memory_of), []).append(line)
    keys = sorted(budgets, key=lambda key: (key[0] is None, key[0] or 0, key[1]))
    return tuple(_figure(budgets[key], index.run.seed) for key in keys)


def _figure(lines: list[Memory], seed: int) -> MemoryFigure:
    """Medians over the processes of one budget."""
    peaks = [line.peak_rss for line in lines if line.peak_rss is not None]
    return MemoryFigure(
        subject=lines[0].subject,
        budget=lines[0].budget,
        memory_of=lines[0].memory_of,
        n=len(lines),
        base_bytes=quick_median([line.base for line in lines]),
        loaded_bytes=median_of([line.loaded for line in lines], seed=seed),
        added_bytes=median_of([line.loaded - line.base for line in lines], seed=seed),
        peak_rss_bytes=quick_median(peaks) if peaks else None,
        released_bytes=quick_median([line.released for line in lines]),
    )
