"""What a change of expert adds to an answer: differences of two answers right after each other."""

from collections.abc import Callable, Iterable

from mvmoe_bench.measure.jobs.change import ChangeSample
from mvmoe_bench.measure.schema.records import Laps
from mvmoe_bench.report.index import Index
from mvmoe_bench.report.statistics import MS, US, Estimate, Figure


class Change(Figure, frozen=True):
    """One product with room for some experts."""

    subject: str
    budget: int | None
    """Experts that may be in memory in each routed stage; None for all."""
    warm: Estimate | None
    """Milliseconds that a change adds, of routes that were taken before, files in the cache."""
    step: Estimate | None
    """Of these, milliseconds after the stem: it runs before the route is known."""
    load: Estimate | None
    """Of these, microseconds until the expert's graph is loaded, or its weights bound."""
    first: Estimate | None
    """Milliseconds that a change to a route adds which was never taken before."""
    first_load: Estimate | None
    """Of these, microseconds until the graph is loaded, or the weights are bound."""
    dropped: Estimate | None
    """Milliseconds after the stem that a change adds if the page cache was dropped before."""
    read: Estimate | None
    """Milliseconds of one `pread` of the bytes of the route's experts, the cache dropped."""
    over_read: Estimate | None
    """What a change with the page cache dropped adds after the stem, over that `pread`."""

    @property
    def room(self) -> int | str:
        """The budget as tables name it."""
        return "all" if self.budget is None else self.budget


def changes(index: Index) -> tuple[Change, ...] | None:
    """A row for each product and room."""
    found: dict[tuple[str, int | None], list[ChangeSample]] = {}
    for line in index.of_kind(ChangeSample):
        found.setdefault((line.subject, line.budget), []).append(line)
    return tuple(_change(index, lines) for lines in found.values()) or None


def _change(index: Index, lines: list[ChangeSample]) -> Change:
    """One row."""
    warm = [line for line in lines if not line.dropped and not line.first]
    first = [line for line in lines if not line.dropped and line.first]
    dropped = [line for line in lines if line.dropped]

    def estimate(
        some: Iterable[ChangeSample], take: Callable[[ChangeSample], float | None]
    ) -> Estimate | None:
        return index.per_repeat(some, take).estimate_if_any()

    return Change(
        subject=lines[0].subject,
        budget=lines[0].budget,
        warm=estimate(warm, lambda line: MS * (line.changed.total - line.same.total)),
        step=estimate(warm, lambda line: MS * _step_added(line)),
        load=estimate(warm, _load_added),
        first=estimate(first, lambda line: MS * _step_added(line)),
        first_load=estimate(first, _load_added),
        dropped=estimate(dropped, lambda line: MS * _step_added(line)),
        read=estimate(dropped, lambda line: line.read_ns and MS * line.read_ns),
        over_read=estimate(dropped, lambda line: line.read_ns and _step_added(line) / line.read_ns),
    )


def _step(laps: Laps) -> int:
    """Nanoseconds of all that comes after the stem and is no copying."""
    return sum(laps.select) + sum(laps.load) + sum(laps.expert)


def _step_added(line: ChangeSample) -> int:
    """Nanoseconds that the change adds after the stem."""
    return _step(line.changed) - _step(line.same)


def _load_added(line: ChangeSample) -> float:
    """Microseconds that the change adds to having the expert in memory, or bound."""
    return US * (sum(line.changed.load) - sum(line.same.load))
