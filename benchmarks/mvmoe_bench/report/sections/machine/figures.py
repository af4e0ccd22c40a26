"""How the machine was during the run: its own speed, its load, what timing itself costs."""

from mvmoe_bench.measure.jobs.latency import Overhead, ReferenceMatmul
from mvmoe_bench.measure.schema.records import Conditions, Done, SubjectRecord
from mvmoe_bench.report.index import Index
from mvmoe_bench.report.statistics import MS, Estimate, Figure

DRIFT_LIMIT = 1.10
"""Slowest repeat over fastest, beyond which a warning is due."""

COOL = "none"
"""The thermal status of a phone that takes nothing of its speed away."""


class ReferenceSpeed(Figure, frozen=True):
    """The speed of one matmul over the run."""

    gflops: Estimate
    p5: float
    p95: float
    drift: float
    """Of the repeats' medians the highest over the lowest."""
    by_repeat: tuple[float, ...]
    """Median GFLOP/s of each repeat, in order."""


class Use(Figure, frozen=True):
    """How well one subject uses the machine."""

    gflops: Estimate
    """Twice the multiply-accumulates that one image needs, over the median latency. A subject that
    computes more than it needs is charged for it."""
    of_reference: float | None
    """The same as a share of the reference product's speed, on as many threads."""
    open_ms: Estimate | None
    """Making it ready in the process of a repeat."""


class Machine(Figure, frozen=True):
    """The machine while it measured."""

    reference: ReferenceSpeed | None
    uses: dict[str, Use]
    """By the key of the subject, of those whose work is known."""
    overhead_ns: float | None
    """What a timed call that does nothing takes."""
    load_at_start: float | None
    """Processes that wanted to run, mean of one minute."""
    load_most: float | None
    """The highest of them at the end of a job."""
    cores: int | None
    phone: tuple[Conditions, ...]
    """How a phone was at the end of each job; empty for another machine."""
    warnings: tuple[str, ...]
    """In plain sentences."""


def machine(index: Index) -> Machine | None:
    """Speed, load and overhead; None if nothing of them was measured."""
    reference = _reference(index)
    overhead = index.per_repeat(index.of_kind(Overhead), lambda line: line.ns)
    start, most = _load(index)
    cores = index.run.identity.get("cores_logical")
    cores = cores if isinstance(cores, int) else None
    uses = {s.key: use for s in index.run.subjects if (use := _use(index, s, reference))}
    return Machine(
        reference=reference,
        uses=uses,
        overhead_ns=overhead.value if overhead else None,
        load_at_start=start,
        load_most=most,
        cores=cores,
        phone=(phone := _phone(index)),
        warnings=(
            *_drift_warning(reference),
            *_load_warning(start, most, cores),
            *_phone_warnings(phone),
        ),
    )


def _reference(index: Index) -> ReferenceSpeed | None:
    """The reference product; None if it was not run."""
    lines = [line for line in index.of_kind(ReferenceMatmul) if line.ns and line.flop]
    if not lines:
        return None
    speed = index.distribution(lines, lambda line: line.flop / line.ns)  # FLOP per ns: GFLOP/s.
    medians = index.per_repeat(lines, lambda line: line.flop / line.ns)
    ordered = tuple(number for _, number in sorted(medians.by_repeat.items()))
    return ReferenceSpeed(
        gflops=medians.estimate(),
        p5=speed.p5,
        p95=speed.p95,
        drift=max(ordered) / min(ordered),
        by_repeat=ordered,
    )


def _use(index: Index, subject: SubjectRecord, reference: ReferenceSpeed | None) -> Use | None:
    """What one subject achieves; None if its work or its latency is not known."""
    bundle, samples = index.bundles.get(subject.bundle), index.natural(subject.key)
    if bundle is None or not bundle.macs or not samples:
        return None
    flop, opened = 2 * bundle.macs, index.opened.get(subject.key, [])
    # Per repeat the work over the median of its times, which are ns: FLOP per ns are GFLOP/s.
    gflops = index.per_repeat(samples, lambda s: s.ns).each(lambda ns: flop / ns).estimate()
    alike = reference is not None and subject.threads == index.run.threads
    return Use(
        gflops=gflops,
        of_reference=gflops.value / reference.gflops.value if reference and alike else None,
        open_ms=index.per_repeat(opened, lambda line: line.open_ns * MS).estimate_if_any(),
    )


def _load(index: Index) -> tuple[float | None, float | None]:
    """One-minute load at the start, and the highest at the end of a job."""
    first = index.run.identity.get("load_average")
    start = first[0] if isinstance(first, list) and first else None
    start = float(start) if isinstance(start, int | float) else None
    later = [line.load_average[0] for line in index.of_kind(Done) if line.load_average]
    return start, max(later) if later else None


def _phone(index: Index) -> tuple[Conditions, ...]:
    """How a phone was, job by job."""
    return tuple(line.conditions for line in index.of_kind(Done) if line.conditions is not None)


def _phone_warnings(phone: tuple[Conditions, ...]) -> list[str]:
    """Sentences for a phone that slowed itself down."""
    warm = [found.thermal_status for found in phone if found.thermal_status not in {None, COOL}]
    sentences = []
    if warm:
        sentences.append(
            f"The phone became warm: its thermal status was {warm[-1]} after {len(warm)} of "
            f"{len(phone)} jobs; what it can hold for minutes is what counts (--sustained)."
        )
    if any(found.low_power for found in phone):
        sentences.append(
            "The phone saved power while it measured, which makes it slower: switch low-power mode "
            "off and measure again."
        )
    return sentences


def _drift_warning(reference: ReferenceSpeed | None) -> list[str]:
    """A sentence if the machine changed its speed."""
    if reference is None or reference.drift <= DRIFT_LIMIT:
        return []
    return [
        f"The speed of one fixed matrix product changed by {reference.drift - 1:.0%} "
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
