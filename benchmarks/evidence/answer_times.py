"""Runs of `mvmoe bench` for the evidence: warm answers of several bundles in turns."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mvmoe_bench.measure.planning.inputs import SYNTHETIC
from mvmoe_bench.measure.planning.running import Request, run_bench
from mvmoe_bench.measure.schema.records import Preset
from mvmoe_bench.report.statistics import MS, PerRepeat, Ratio, paired_ratio

if TYPE_CHECKING:
    from mvmoe_bench.measure.jobs.latency import Sample
    from mvmoe_bench.measure.schema.results import RunLines

REPEATS, ROUNDS, QUICK_REPEATS, QUICK_ROUNDS = 9, 200, 2, 4

Times = Mapping[tuple[int, int], "Sample"]
"""The answers of one subject by repeat and round."""


def effort(quick: bool, rounds: int = ROUNDS, starts: int = 0) -> Preset:
    """How much is measured: warm answers alone, and processes of their own for memory."""
    return Preset(
        name="evidence",
        repeats=QUICK_REPEATS if quick else REPEATS,
        queries=QUICK_ROUNDS if quick else rounds,
        seconds=0.0,
        most_seconds=300.0,
        warmup=1 if quick else 5,
        starts=1 if quick and starts else starts,
        stream=0,
        cooldown=0.0,
    )


def run(
    bundles: tuple[Path, ...],
    lines: Path,
    preset: Preset,
    targets: tuple[str, ...],
    images: str = SYNTHETIC,
) -> "RunLines":
    """One thread of this machine; goes on where a killed run ended. Raises as `run_bench`."""
    return run_bench(
        Request(
            bundles=bundles,
            output=lines,
            preset=preset,
            device="host",
            targets=targets,
            images=images,
            resume=True,
        )
    )


def times(found: "RunLines") -> dict[tuple[str, str], Times]:
    """By bundle and target, the answers of its first subject."""
    from mvmoe_bench.measure.jobs.latency import Sample

    by_key: dict[str, dict[tuple[int, int], Sample]] = {}
    for line in found.lines:
        if isinstance(line, Sample):
            by_key.setdefault(line.subject, {})[line.repeat, line.round] = line
    of: dict[tuple[str, str], Times] = {}
    for subject in found.run.subjects:
        # A target that the engine runs in several ways is compared in its usual one, the first.
        if subject.key in by_key:
            of.setdefault((subject.bundle, subject.target or ""), by_key[subject.key])
    return of


def milliseconds(of: Times) -> tuple[float, float | None, float | None]:
    """The median answer with its interval over repeats."""
    found = PerRepeat.of([its.ns for its in of.values()], [key[0] for key in of]).estimate()
    low, high = (None if end is None else end * MS for end in (found.low, found.high))
    return found.value * MS, low, high


def ratio(above: Times, below: Times, cpu: bool = False) -> Ratio | None:
    """How many times one takes what another takes, paired by round; None without CPU time."""
    keys = sorted(above.keys() & below.keys())
    sides = [[(of[key].cpu_ns if cpu else of[key].ns) for key in keys] for of in (above, below)]
    if any(value is None for side in sides for value in side):
        return None
    first, second = ([float(value or 0) for value in side] for side in sides)
    return paired_ratio(first, second, [repeat for repeat, _ in keys])


def load_average(found: "RunLines") -> float | None:
    """Of the minute before the run began."""
    load = found.run.identity.get("load_average")
    return load[0] if load else None
