"""What the dispatcher of a language's library adds to its graphs, and what a change of expert adds.

`python -m own_standing.swift_host_time BUNDLE [TARGET]` (`kotlin_host_time`) asks a dispatcher and
its bare graphs in turns, in one process of the runner, for minutes: `mvmoe bench` has more to do,
and too few rounds to tell microseconds apart beside graphs of milliseconds. `swift_changes` and
`kotlin_changes` ask for one route and then for another: what the second answer takes above the
first, where its route was taken before and where it was not. `make swift-runner` and `make
kotlin-runner` build what they start.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from scipy.stats import bootstrap

from mvmoe_bench.measure.devices import find_device
from mvmoe_bench.measure.devices.beside_python import DeviceBesidePython
from mvmoe_bench.measure.following import follow
from mvmoe_bench.measure.jobs.change import ChangeSample, changes
from mvmoe_bench.measure.jobs.latency import Sample
from mvmoe_bench.measure.schema.orders import MeasurementOrder, Query, SubjectOrder
from mvmoe_bench.measure.schema.records import EngineChoice, Failure, Laps, Preset, Record
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import EngineError

_SECONDS, _PROCESSES = 20.0, 6
_CHANGES = 400
"""Of each process, once every route was taken."""
_KINDS = ("dispatcher", "bare")


class Figure(NamedTuple):
    """A figure of several processes."""

    each: tuple[float, ...]
    """The median of each process."""
    count: int
    """What was looked at, in all processes."""

    def interval(self) -> tuple[float, float]:
        """Of 95%, of the median of the processes."""
        if len(self.each) < 2:
            return min(self.each), max(self.each)
        found = bootstrap((self.each,), np.median, rng=0, n_resamples=9999).confidence_interval
        return float(found.low), float(found.high)

    def __str__(self) -> str:
        low, high = self.interval()
        return f"{np.median(self.each):.1f} us (95%: {low:.1f} to {high:.1f})"


class HostTime(NamedTuple):
    """Microseconds that a dispatcher takes above its bare graphs."""

    above: Figure
    bare: float
    """Microseconds of the bare graphs, in the middle."""


class Change(NamedTuple):
    """Microseconds that a change of expert adds to an answer."""

    added: Figure
    binding: Figure
    """Of it, what it takes until the expert's graph can run."""


class Changes(NamedTuple):
    """Changes of expert with all experts in memory, or room for so many."""

    known: Change
    """To a route that was taken before."""
    first: Change
    """To a route for the first time."""


def measure_host_time(
    device_name: str, path: Path, target: str, processes: int, seconds: float
) -> HostTime:
    """Ask both in turns, in processes one after the other; raises EngineError if one fails."""
    bundle = Bundle.open(path)
    queries = tuple(Query(image=image) for image in range(bundle.manifest.golden.images))
    preset = _preset(len(queries), seconds)

    def order(images: Path, number: int) -> MeasurementOrder:
        subjects = tuple(_subject(bundle, kind, target, queries) for kind in _KINDS)
        return _order("latency", preset, images, number, subjects)

    return _above(
        [x for x in _lines(device_name, bundle, order, processes) if isinstance(x, Sample)]
    )


def measure_changes(
    device_name: str, path: Path, target: str, processes: int, *, count: int, budget: int | None
) -> Changes:
    """Ask for one route and another, in processes one after the other; raises EngineError."""
    bundle = Bundle.open(path)
    manifest = bundle.manifest
    queries = tuple(changes(manifest, bundle.target(target), manifest.golden.images))
    preset = _preset(count, 600.0)

    def order(images: Path, number: int) -> MeasurementOrder:
        subject = _subject(bundle, _KINDS[0], target, queries, budget)
        return _order("change", preset, images, number, (subject,))

    lines = [
        x for x in _lines(device_name, bundle, order, processes) if isinstance(x, ChangeSample)
    ]
    return Changes(
        known=_change([line for line in lines if not line.first]),
        first=_change([line for line in lines if line.first]),
    )


def _lines(
    device_name: str,
    bundle: Bundle,
    order: Callable[[Path, int], MeasurementOrder],
    processes: int,
) -> Iterator[Record]:
    """The lines of orders, each in a process of the runner; raises EngineError if one fails."""
    device = find_device(device_name)
    if not isinstance(device, DeviceBesidePython):
        raise TypeError(f"the device {device_name} is a {type(device).__name__}")
    lines: list[Record] = []
    with TemporaryDirectory() as folder:
        images = Path(folder) / "images.npy"
        np.save(images, bundle.golden()["image"])
        for number in range(processes):
            follow(order(images, number), device.program(), lines.append)
    for line in lines:
        if isinstance(line, Failure):
            raise EngineError(f"{line.subject}: {line.message}", name=line.subject, found=line.code)
        yield line


def _preset(queries: int, seconds: float) -> Preset:
    return Preset(
        name="own standing",
        repeats=1,
        queries=queries,
        seconds=seconds,
        most_seconds=2 * seconds,
        warmup=5,
        starts=0,
        stream=0,
        cooldown=0,
    )


def _order(
    kind: str, preset: Preset, images: Path, number: int, subjects: tuple[SubjectOrder, ...]
) -> MeasurementOrder:
    """One process's work."""
    return MeasurementOrder(
        job=f"{kind} {number}",
        kind=kind,
        repeat=number,
        preset=preset,
        images=str(images),
        subjects=subjects,
    )


def _subject(
    bundle: Bundle, kind: str, target: str, queries: tuple[Query, ...], budget: int | None = None
) -> SubjectOrder:
    return SubjectOrder(
        key=kind,
        kind=kind,
        root=str(bundle.path.resolve()),
        manifest_sha256=bundle.manifest_sha256,
        target=target,
        requested=EngineChoice(engine="ONNX Runtime"),
        threads=1,
        budget=budget,
        queries=queries,
    )


def _above(samples: list[Sample]) -> HostTime:
    """The differences within rounds: what slows the machine for a while slows both."""
    found = {(line.repeat, line.round, line.subject): line.ns for line in samples}
    rounds = sorted({(line.repeat, line.round) for line in samples})
    product, bare = _KINDS
    above = [
        (repeat, found[repeat, number, product] - found[repeat, number, bare])
        for repeat, number in rounds
    ]
    return HostTime(
        above=_by_process(above),
        bare=float(np.median([line.ns for line in samples if line.subject == bare])) / 1e3,
    )


def _change(lines: list[ChangeSample]) -> Change:
    """The differences between two answers, right after each other."""

    def binding(laps: Laps) -> int:
        return sum(laps.load)

    return Change(
        added=_by_process([(line.repeat, line.changed.total - line.same.total) for line in lines]),
        binding=_by_process(
            [(line.repeat, binding(line.changed) - binding(line.same)) for line in lines]
        ),
    )


def _by_process(found: Iterable[tuple[int, int]]) -> Figure:
    """Nanoseconds by process, as microseconds."""
    rows: dict[int, list[int]] = {}
    for process, ns in found:
        rows.setdefault(process, []).append(ns)
    medians = tuple(float(np.median(row)) / 1e3 for row in rows.values())
    return Figure(medians, sum(map(len, rows.values())))


def print_host_time(device_name: str) -> None:
    """Print the figure of a bundle's target."""
    found = measure_host_time(device_name, *_given(), _PROCESSES, _SECONDS)
    print(
        f"{found.above} above bare graphs of {found.bare:,.0f} us; {found.above.count:,} rounds in "
        f"{len(found.above.each)} processes"
    )


def print_changes(device_name: str) -> None:
    """Print the figures of a bundle's target."""
    path, target, *budget = *_given(), *map(int, sys.argv[3:4])
    found = measure_changes(
        device_name,
        path,
        target,
        _PROCESSES,
        count=_CHANGES,
        budget=budget[0] if budget else None,
    )
    for what, change in (("a known route", found.known), ("the first use", found.first)):
        print(
            f"{what}: {change.added}, of which until the graph can run {change.binding}; "
            f"{change.added.count:,} changes in {len(change.added.each)} processes"
        )


def _given() -> tuple[Path, str]:
    """The words of the command line: a bundle, and one of its targets."""
    return Path(sys.argv[1]), (sys.argv[2:] or ["onnx"])[0]
