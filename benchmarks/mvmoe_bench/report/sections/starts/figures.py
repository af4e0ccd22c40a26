"""What a fresh process spends until its first answer, and what each graph's loading costs."""

from collections.abc import Sequence

from mvmoe_bench.measure.jobs.start import GraphLoad, Start
from mvmoe_bench.report.index import Index
from mvmoe_bench.report.statistics import MS, Estimate, Figure, PerRepeat, Ratio, unpaired_ratio
from mvmoe_bench.report.subjects import beside, is_oracle, is_product
from mvmoe_deploy.routing import Route

COMPONENTS = (
    "process_ns",
    "engine_import_ns",
    "code_import_ns",
    "parse_ns",
    "hash_ns",
    "open_ns",
    "first_ns",
)


class StartPart(Figure, frozen=True):
    """One component of a start."""

    name: str
    """`process`, `engine_import`, `code_import`, `parse`, `hash`, `open`, `first`."""
    ms: Estimate
    """The median."""


class Starts(Figure, frozen=True):
    """The starts of one subject; each is a process of its own."""

    n: int
    ready_ms: Estimate
    """From opening it to its first answer: parse, hash, open, first."""
    python_ms: Estimate
    """Before that: process and imports, which are Python's."""
    over_oracle: Ratio | None
    """Of a product, opening and first answer over those of the oracle; not paired. None without one
    of the same bundle, target, engine and threads."""
    parts: tuple[StartPart, ...]
    """Medians; components that the subject does not have are left out."""
    first_load_ms: Estimate | None
    """Of the first answer, what bringing its expert into memory took."""


class Load(Figure, frozen=True):
    """One graph that comes into memory."""

    graph: str
    stage: int
    route: Route | None
    n: int
    load_ms: Estimate
    first_ms: Estimate | None
    """Its first run."""
    warm_ms: Estimate | None
    """Its second run."""


class AllStarts(Figure, frozen=True):
    """The starts and loads of all subjects, by their keys."""

    starts: dict[str, Starts]
    loads: dict[str, tuple[Load, ...]]


def all_starts(index: Index) -> AllStarts | None:
    """What fresh processes measured; None if there were none."""
    starts = {key: _starts(index, key, lines) for key, lines in index.starts.items()}
    loads = {key: _loads(index, lines) for key, lines in index.loads.items()}
    return AllStarts(starts=starts, loads=loads) if starts or loads else None


def ready_times(index: Index, subject: str) -> PerRepeat:
    """Opening to first answer in ms, one number a process."""
    return index.per_repeat(index.starts.get(subject, []), lambda line: line.ready * MS)


def _starts(index: Index, subject: str, lines: list[Start]) -> Starts:
    """The starts of one subject."""
    parts = {name.removesuffix("_ns"): _times(index, lines, name) for name in COMPONENTS}
    loads = index.per_repeat(lines, lambda x: sum(x.first_laps.load) * MS if x.first_laps else None)
    return Starts(
        n=len(lines),
        ready_ms=ready_times(index, subject).estimate(),
        python_ms=index.per_repeat(lines, lambda line: line.python * MS).estimate(),
        over_oracle=_over_oracle(index, subject),
        parts=tuple(StartPart(name=name, ms=ms.estimate()) for name, ms in parts.items() if ms),
        first_load_ms=loads.estimate_if_any(),
    )


def _over_oracle(index: Index, key: str) -> Ratio | None:
    """Opening and first answer of a product over those of the oracle beside it."""
    mine, above = index.subjects[key], ready_times(index, key)
    oracles = [other for other in index.run.subjects if is_oracle(other) and beside(mine, other)]
    measured = [below for other in oracles if (below := ready_times(index, other.key))]
    return unpaired_ratio(above, measured[0]) if is_product(mine) and measured else None


def _times(index: Index, lines: Sequence[Start | GraphLoad], name: str) -> PerRepeat:
    """A field of nanoseconds in milliseconds, of the lines that have it."""

    def take(line: Start | GraphLoad) -> float | None:
        ns: int | None = getattr(line, name)
        return None if ns is None else ns * MS

    return index.per_repeat(lines, take)


def _loads(index: Index, lines: list[GraphLoad]) -> tuple[Load, ...]:
    """Every graph that was loaded in a fresh process, in order of stages."""
    graphs: dict[str, list[GraphLoad]] = {}
    for line in lines:
        graphs.setdefault(line.graph, []).append(line)
    found = [_load(index, same) for same in graphs.values()]
    return tuple(sorted(found, key=lambda load: (load.stage, load.route or (), load.graph)))


def _load(index: Index, lines: list[GraphLoad]) -> Load:
    """One graph over all processes that loaded it."""
    return Load(
        graph=lines[0].graph,
        stage=lines[0].stage,
        route=lines[0].route,
        n=len(lines),
        load_ms=_times(index, lines, "load_ns").estimate(),
        first_ms=_times(index, lines, "first_ns").estimate_if_any(),
        warm_ms=_times(index, lines, "warm_ns").estimate_if_any(),
    )
