"""What the Kotlin dispatcher adds to its graphs: microseconds above the same graphs alone.

`python -m own_standing.kotlin_host_time BUNDLE [TARGET]` asks a dispatcher and its bare graphs in
turns, in one process of the Kotlin runner (`make kotlin-runner`), for minutes: `mvmoe bench` has
more to do, and too few rounds to tell microseconds apart beside graphs of milliseconds.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from scipy.stats import bootstrap

from mvmoe_bench.measure.devices import find_device
from mvmoe_bench.measure.devices.jvm import JvmDevice
from mvmoe_bench.measure.following import follow
from mvmoe_bench.measure.jobs.latency import Sample
from mvmoe_bench.measure.schema.orders import MeasurementOrder, Query, SubjectOrder
from mvmoe_bench.measure.schema.records import EngineChoice, Failure, Preset, Record
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import EngineError

_SECONDS, _PROCESSES = 20.0, 6
_KINDS = ("dispatcher", "bare")


class HostTime(NamedTuple):
    """Microseconds that a dispatcher takes above its bare graphs."""

    each: tuple[float, ...]
    """The median of the rounds of each process."""
    rounds: int
    bare: float
    """Microseconds of the bare graphs, in the middle."""

    def interval(self) -> tuple[float, float]:
        """Of 95%, of the median of the processes."""
        found = bootstrap((self.each,), np.median, rng=0, n_resamples=9999).confidence_interval
        return float(found.low), float(found.high)


def measure(path: Path, target: str, processes: int, seconds: float) -> HostTime:
    """Ask both in turns, in processes one after the other; raises EngineError if one fails."""
    device = find_device("jvm")
    if not isinstance(device, JvmDevice):
        raise TypeError(f"the device jvm is a {type(device).__name__}")
    bundle = Bundle.open(path)
    lines: list[Record] = []
    with TemporaryDirectory() as folder:
        images = Path(folder) / "images.npy"
        np.save(images, bundle.golden()["image"])
        for number in range(processes):
            follow(_order(bundle, target, images, number, seconds), device.program(), lines.append)
    for line in lines:
        if isinstance(line, Failure):
            raise EngineError(f"{line.subject}: {line.message}")
    return _above([line for line in lines if isinstance(line, Sample)])


def _order(
    bundle: Bundle, target: str, images: Path, number: int, seconds: float
) -> MeasurementOrder:
    """One process's work."""
    queries = tuple(Query(image=image) for image in range(bundle.manifest.golden.images))
    return MeasurementOrder(
        job=f"latency {number}",
        kind="latency",
        repeat=number,
        preset=Preset(
            name="host-time",
            repeats=1,
            queries=len(queries),
            seconds=seconds,
            most_seconds=2 * seconds,
            warmup=5,
            starts=0,
            stream=0,
            cooldown=0,
        ),
        images=str(images),
        subjects=tuple(
            SubjectOrder(
                key=kind,
                kind=kind,
                root=str(bundle.path.resolve()),
                manifest_sha256=bundle.manifest_sha256,
                target=target,
                requested=EngineChoice(engine="ONNX Runtime, JVM"),
                threads=1,
                queries=queries,
            )
            for kind in _KINDS
        ),
    )


def _above(samples: list[Sample]) -> HostTime:
    """The differences within rounds: what slows the machine for a while slows both."""
    found = {(line.repeat, line.round, line.subject): line.ns for line in samples}
    rounds = sorted({(line.repeat, line.round) for line in samples})
    product, bare = _KINDS
    by_process: dict[int, list[float]] = {}
    for repeat, number in rounds:
        above = found[repeat, number, product] - found[repeat, number, bare]
        by_process.setdefault(repeat, []).append(above / 1e3)
    return HostTime(
        each=tuple(float(np.median(row)) for row in by_process.values()),
        rounds=len(rounds),
        bare=float(np.median([line.ns for line in samples if line.subject == bare])) / 1e3,
    )


def main() -> None:
    """Print the figure of a bundle's target."""
    found = measure(Path(sys.argv[1]), (sys.argv[2:] or ["onnx"])[0], _PROCESSES, _SECONDS)
    low, high = found.interval()
    print(
        f"{np.median(found.each):.0f} us (95%: {low:.0f} to {high:.0f}) above bare graphs of "
        f"{found.bare:,.0f} us; {found.rounds:,} rounds in {len(found.each)} processes"
    )


if __name__ == "__main__":
    main()
