"""All figures of one run: what `mvmoe bench --json` prints and every report shows."""

from typing import TYPE_CHECKING, Any

from mvmoe_bench.measure.schema.records import EngineChoice, InputRecord, Preset, SubjectRecord
from mvmoe_bench.report.bundles import BundleFigure, bundle
from mvmoe_bench.report.estimates import MS, Estimate, Figure, median_of
from mvmoe_bench.report.headline import Point, headline
from mvmoe_bench.report.index import Index
from mvmoe_bench.report.sections.classes.figures import ClassMap, class_maps, largest_error
from mvmoe_bench.report.sections.latency.figures import Latency, latency
from mvmoe_bench.report.sections.machine.figures import Machine, machine
from mvmoe_bench.report.sections.memory.figures import MemoryFigure, memory
from mvmoe_bench.report.sections.parts import figures as laps
from mvmoe_bench.report.sections.placement.figures import (
    EngineAdvice,
    PlacementFigure,
    advice,
    placements,
)
from mvmoe_bench.report.sections.ratios.figures import RatioFigure, ratios
from mvmoe_bench.report.sections.residency.figures import Residency, residency
from mvmoe_bench.report.sections.routes.figures import Routes, routes
from mvmoe_bench.report.sections.starts.figures import Load, Starts, loads, starts
from mvmoe_bench.report.statistics import ENOUGH_GROUPS
from mvmoe_bench.report.words import count

if TYPE_CHECKING:
    from mvmoe_bench.measure.schema.results import RunLines


class SubjectFigure(Figure):
    """All of one subject; None or empty for what was not measured."""

    key: str
    name: str
    bundle: str
    target: str | None
    engine: EngineChoice
    """What it really got; what was requested if it was never opened."""
    requested: EngineChoice
    threads: int
    latency: Latency | None
    parts: laps.Parts | None
    open_ms: Estimate | None
    """Making it ready in the process of a repeat; median."""
    useful_gflops: float | None
    """Twice the multiply-accumulates that one image needs, over the median latency. A subject that
    computes more than it needs is charged for it."""
    of_yardstick: float | None
    """The same as a share of the yardstick's speed."""
    max_abs_error: float | None
    starts: Starts | None
    loads: tuple[Load, ...]
    memory: tuple[MemoryFigure, ...]
    failures: tuple[str, ...]


class FailureFigure(Figure):
    """Something that failed."""

    subject: str | None
    message: str
    times: int


class Summary(Figure):
    """All figures of one run."""

    id: str
    started: str
    device: str
    identity: dict[str, Any]
    preset: Preset
    seed: int
    threads: int
    inputs: InputRecord
    repeats: int
    """Latency repeats that were measured, of all runs that were merged."""
    headline: tuple[Point, ...]
    """What a person who reads nothing else should know, in sentences."""
    warnings: tuple[str, ...]
    failures: tuple[FailureFigure, ...]
    notes: tuple[str, ...]
    resumed: int
    skipped: int
    """Lines of the file that were damaged, or did not fit their run."""
    bundles: tuple[BundleFigure, ...]
    subjects: tuple[SubjectFigure, ...]
    ratios: tuple[RatioFigure, ...]
    routes: tuple[Routes, ...]
    residency: tuple[Residency, ...]
    class_maps: tuple[ClassMap, ...]
    machine: Machine
    placements: tuple[PlacementFigure, ...]
    advice: tuple[EngineAdvice, ...]

    def subject(self, key: str) -> SubjectFigure:
        """The subject with this key."""
        return next(subject for subject in self.subjects if subject.key == key)

    def bundle(self, name: str) -> BundleFigure | None:
        """The bundle with this name."""
        return next((bundle for bundle in self.bundles if bundle.name == name), None)


def summarize_run(run: "RunLines") -> Summary:
    """Compute every figure of one run; what was not measured is None or empty."""
    index = Index(run)
    about = machine(index)
    bundles = tuple(bundle(record) for record in index.run.bundles)
    subjects = tuple(_subject(index, record, about) for record in index.run.subjects)
    quotients = ratios(index)
    found_routes = tuple(r for s in index.dispatchers() if (r := routes(index, s)) is not None)
    found_residency = tuple(r for s in index.run.subjects if (r := residency(index, s)) is not None)
    first = index.run
    summary = Summary(
        id=first.id,
        started=first.started,
        device=first.device,
        identity=first.identity,
        preset=first.preset,
        seed=first.seed,
        threads=first.threads,
        inputs=first.inputs,
        repeats=len({sample.repeat for its in index.samples.values() for sample in its}),
        headline=(),
        warnings=_warnings(index, about),
        failures=_failures(index),
        notes=first.notes,
        resumed=len(index.resumed),
        skipped=index.skipped,
        bundles=bundles,
        subjects=subjects,
        ratios=quotients,
        routes=found_routes,
        residency=found_residency,
        class_maps=class_maps(index),
        machine=about,
        placements=placements(index),
        advice=advice(index),
    )
    return _with_headline(summary)


def _with_headline(summary: Summary) -> Summary:
    """The summary with sentences that are made from it."""
    import msgspec

    return msgspec.structs.replace(summary, headline=headline(summary))


def _subject(index: Index, record: SubjectRecord, about: Machine) -> SubjectFigure:
    """All figures of one subject."""
    key, seed = record.key, index.run.seed
    found = latency(index, key)
    opened = index.opened.get(key, [])
    useful = _useful(index, record, found)
    speed = about.yardstick.gflops.value if about.yardstick is not None else None
    # The yardstick runs on the threads of the run.
    alike = record.threads == index.run.threads
    return SubjectFigure(
        key=key,
        name=record.name,
        bundle=record.bundle,
        target=record.target,
        engine=opened[-1].actual if opened else record.requested,
        requested=record.requested,
        threads=record.threads,
        latency=found,
        parts=laps.parts(index, key),
        open_ms=median_of([line.open_ns * MS for line in opened], [x.repeat for x in opened], seed)
        if opened
        else None,
        useful_gflops=useful,
        of_yardstick=useful / speed if useful is not None and speed and alike else None,
        max_abs_error=largest_error(index, key),
        starts=starts(index, key),
        loads=loads(index, key),
        memory=memory(index, key),
        failures=tuple(line.message for line in index.failures if line.subject == key),
    )


def _useful(index: Index, record: SubjectRecord, found: Latency | None) -> float | None:
    """GFLOP/s of the work that an answer needs: two operations a multiply-accumulate."""
    bundle_record = index.bundles.get(record.bundle)
    if found is None or bundle_record is None or not bundle_record.macs:
        return None
    return 2 * bundle_record.macs / (found.wall_ms.p50 * 1e6)


def _failures(index: Index) -> tuple[FailureFigure, ...]:
    """Failures, equal ones counted."""
    counts: dict[tuple[str | None, str], int] = {}
    for line in index.failures:
        counts[line.subject, line.message] = counts.get((line.subject, line.message), 0) + 1
    return tuple(
        FailureFigure(subject=subject, message=message, times=times)
        for (subject, message), times in counts.items()
    )


def _warnings(index: Index, about: Machine) -> tuple[str, ...]:
    """What a reader must know before believing a number."""
    found = list(about.warnings)
    repeats = {sample.repeat for its in index.samples.values() for sample in its}
    if 0 < len(repeats) < ENOUGH_GROUPS:
        found.append(
            f"Only {count(len(repeats), 'repeat')} of the latency measurement: intervals over "
            f"fewer than {ENOUGH_GROUPS} are rough and too narrow on average, and nothing is "
            "concluded from them."
        )
    if not repeats:
        found.append("No latency was measured: the run ended early, or measured other things only.")
    if index.skipped:
        found.append(
            f"{index.skipped} line{'s' * (index.skipped > 1)} of the results file could not be "
            "used (truncated, damaged or out of place) and were left out."
        )
    fell_back = [
        f"{line.subject} asked for {line_wanted} and got {line_got}"
        for line_wanted, line_got, line in _fallbacks(index)
    ]
    if fell_back:
        found.append("An engine did not run where it was asked to: " + "; ".join(fell_back) + ".")
    return tuple(found)


def _fallbacks(index: Index) -> list[tuple[str, str, Any]]:
    """Subjects whose engine took another provider or unit than was requested, each once."""
    seen: dict[str, tuple[str, str, Any]] = {}
    for key, lines in index.opened.items():
        wanted = index.subjects[key].requested
        for line in lines:
            for name in ("provider", "compute_unit"):
                asked, got = getattr(wanted, name), getattr(line.actual, name)
                if asked is not None and got is not None and asked != got:
                    seen[key] = (asked, got, line)
    return list(seen.values())
