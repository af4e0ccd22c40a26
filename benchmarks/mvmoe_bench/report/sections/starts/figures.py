"""What a fresh process spends until its first answer, and what each graph's loading costs."""

from mvmoe_bench.measure.jobs.start import GraphLoad, Start
from mvmoe_bench.report.index import Index
from mvmoe_bench.report.statistics import (
    MS,
    Estimate,
    Figure,
    PerRepeat,
    Ratio,
    median_of,
    unpaired_ratio,
)
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


def ready_times(index: Index, subject: str) -> PerRepeat | None:
    """Opening to first answer in ms, one number a process; None if it was not measured."""
    lines = index.starts.get(subject, [])
    return PerRepeat.of([line.ready * MS for line in lines]) if lines else None


def _starts(index: Index, subject: str, lines: list[Start]) -> Starts:
    """The starts of one subject."""
    laps = [line.first_laps for line in lines if line.first_laps is not None]
    seed = index.run.seed
    return Starts(
        n=len(lines),
        ready_ms=median_of([line.ready * MS for line in lines], seed=seed),
        python_ms=median_of([line.python * MS for line in lines], seed=seed),
        over_oracle=_over_oracle(index, subject, seed),
        parts=tuple(part for name in COMPONENTS if (part := _part(lines, name, seed)) is not None),
        first_load_ms=median_of([sum(lap.load) * MS for lap in laps], seed=seed) if laps else None,
    )


def _over_oracle(index: Index, key: str, seed: int) -> Ratio | None:
    """Opening and first answer of a product over those of the oracle beside it."""
    mine = index.subjects[key]
    for other in index.run.subjects:
        if is_product(mine) and is_oracle(other) and beside(mine, other):
            above, below = (ready_times(index, subject) for subject in (key, other.key))
            if above is not None and below is not None:
                return unpaired_ratio(above, below, seed)
    return None


def _part(lines: list[Start], name: str, seed: int) -> StartPart | None:
    """The median of one component; None if no line has it."""
    values = [value * MS for line in lines if (value := getattr(line, name)) is not None]
    if not values:
        return None
    return StartPart(name=name.removesuffix("_ns"), ms=median_of(values, seed=seed))


def _loads(index: Index, lines: list[GraphLoad]) -> tuple[Load, ...]:
    """Every graph that was loaded in a fresh process, in order of stages."""
    graphs: dict[str, list[GraphLoad]] = {}
    for line in lines:
        graphs.setdefault(line.graph, []).append(line)
    found = [_load(its, index.run.seed) for its in graphs.values()]
    return tuple(sorted(found, key=lambda load: (load.stage, load.route or (), load.graph)))


def _load(lines: list[GraphLoad], seed: int) -> Load:
    """One graph over all processes that loaded it."""
    return Load(
        graph=lines[0].graph,
        stage=lines[0].stage,
        route=lines[0].route,
        n=len(lines),
        load_ms=median_of([line.load_ns * MS for line in lines], [x.repeat for x in lines], seed),
        first_ms=_median(lines, "first_ns", seed),
        warm_ms=_median(lines, "warm_ns", seed),
    )


def _median(lines: list[GraphLoad], name: str, seed: int) -> Estimate | None:
    """The median of a field in milliseconds, of the lines that have it."""
    there = [(ns * MS, line.repeat) for line in lines if (ns := getattr(line, name)) is not None]
    return median_of([ms for ms, _ in there], [r for _, r in there], seed) if there else None
