"""What a process of its own holds in memory, by subject and by budget of experts."""

from collections.abc import Callable

from mvmoe_bench.measure.jobs.memory import Memory
from mvmoe_bench.measure.machine.held_memory import Held
from mvmoe_bench.report.index import Index
from mvmoe_bench.report.statistics import Estimate, Figure


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
    """`own`, `RSS`, `footprint` or `pss`."""
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
    return tuple(found for key in index.subjects for found in _memory(index, key)) or None


def _memory(index: Index, subject: str) -> list[MemoryFigure]:
    """What one subject holds."""
    budgets: dict[tuple[int | None, str], list[Memory]] = {}
    for line in index.memory.get(subject, []):
        budgets.setdefault((line.budget, line.memory_of), []).append(line)
    keys = sorted(budgets, key=lambda key: (key[0] is None, key[0] or 0, key[1]))
    return [_figure(index, budgets[key]) for key in keys]


def _figure(index: Index, lines: list[Memory]) -> MemoryFigure:
    """Medians over the processes of one budget."""
    peaks = index.per_repeat(lines, lambda line: line.peak_rss)
    return MemoryFigure(
        subject=lines[0].subject,
        budget=lines[0].budget,
        memory_of=lines[0].memory_of,
        n=len(lines),
        base_bytes=index.per_repeat(lines, lambda line: line.base.total).value,
        loaded_bytes=index.per_repeat(lines, lambda line: line.loaded.total).estimate(),
        added=_added(index, lines),
        peak_rss_bytes=peaks.value if peaks else None,
        released_bytes=index.per_repeat(lines, lambda line: line.released.total).value,
    )


def _added(index: Index, lines: list[Memory]) -> MemoryParts:
    """Loaded less base, as a whole and by part."""

    def added(take: Callable[[Held], int]) -> Estimate:
        return index.per_repeat(lines, lambda line: take(line.loaded) - take(line.base)).estimate()

    held = [amount for line in lines for amount in (line.base, line.loaded)]
    told_apart = all(amount.anonymous is not None for amount in held)
    return MemoryParts(
        total=added(lambda held: held.total),
        anonymous=added(lambda held: held.anonymous or 0) if told_apart else None,
        bundle_files=added(lambda held: held.bundle_files or 0) if told_apart else None,
    )
