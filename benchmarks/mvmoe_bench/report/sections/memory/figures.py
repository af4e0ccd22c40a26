"""What a process of its own holds in memory, by subject and by budget of experts."""

from collections.abc import Callable

from mvmoe_bench.measure.jobs.memory import Memory
from mvmoe_bench.measure.machine.held_memory import Held
from mvmoe_bench.report.index import Index
from mvmoe_bench.report.statistics import Estimate, Figure, PerRepeat, median_of


class MemoryParts(Figure, frozen=True):
    """An amount of memory and what it consists of; medians, which need not add up."""

    total: Estimate
    anonymous: Estimate | None
    """None where the system does not tell the parts apart."""
    bundle_files: Estimate | None


class MemoryFigure(Figure, frozen=True):
    """One subject under one budget; medians over processes, in bytes."""

    subject: str
    budget: int | None
    """Experts that might be resident in each routed stage; None for all."""
    memory_of: str
    """`own`, `RSS` or `footprint`."""
    n: int
    base_bytes: float
    """Engine and code, before anything was opened."""
    loaded_bytes: Estimate
    """After its images were answered."""
    added: MemoryParts
    """Loaded less base: what the model costs."""
    peak_rss_bytes: float | None
    released_bytes: float
    """After everything was closed."""


def memory(index: Index) -> tuple[MemoryFigure, ...] | None:
    """What every subject holds, by budget, the smallest first and all experts last."""
    return tuple(its for key in index.subjects for its in _memory(index, key)) or None


def _memory(index: Index, subject: str) -> list[MemoryFigure]:
    """What one subject holds."""
    budgets: dict[tuple[int | None, str], list[Memory]] = {}
    for line in index.memory.get(subject, []):
        budgets.setdefault((line.budget, line.memory_of), []).append(line)
    keys = sorted(budgets, key=lambda key: (key[0] is None, key[0] or 0, key[1]))
    return [_figure(budgets[key], index.run.seed) for key in keys]


def _figure(lines: list[Memory], seed: int) -> MemoryFigure:
    """Medians over the processes of one budget."""
    peaks = [line.peak_rss for line in lines if line.peak_rss is not None]
    return MemoryFigure(
        subject=lines[0].subject,
        budget=lines[0].budget,
        memory_of=lines[0].memory_of,
        n=len(lines),
        base_bytes=_median([line.base.total for line in lines]),
        loaded_bytes=median_of([line.loaded.total for line in lines], seed=seed),
        added=_added(lines, seed),
        peak_rss_bytes=_median(peaks) if peaks else None,
        released_bytes=_median([line.released.total for line in lines]),
    )


def _added(lines: list[Memory], seed: int) -> MemoryParts:
    """Loaded less base, as a whole and by part."""

    def median(take: Callable[[Held], int | None]) -> Estimate | None:
        pairs = [(take(line.base), take(line.loaded)) for line in lines]
        known = [b - a for a, b in pairs if a is not None and b is not None]
        return median_of(known, seed=seed) if len(known) == len(lines) else None

    return MemoryParts(
        total=median_of([line.loaded.total - line.base.total for line in lines], seed=seed),
        anonymous=median(lambda held: held.anonymous),
        bundle_files=median(lambda held: held.bundle_files),
    )


def _median(values: list[int]) -> float:
    """The median alone."""
    return PerRepeat.of(values).value
