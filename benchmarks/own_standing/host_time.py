"""Where the host's time goes in an answer: before, between and behind its graphs.

`python -m own_standing.host_time BUNDLE` prints it for each target of a bundle that runs here. The
same lines are timed twice: as they are, and with graphs that return at once, which is what a loop
over them would say. The difference is what finding them outside of the caches takes.
"""

import gc
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter_ns

import numpy as np

from mvmoe_deploy import Dispatcher
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import MissingExtraError, UnsupportedPlatformError
from mvmoe_deploy.runtime.contract import Arrays, LoadedGraph, Runner, bind_from
from mvmoe_deploy.runtime.runners import open_runner

_ROUNDS, _WARMUP = 300, 5

Parts = list[float]
"""Microseconds: before the first graph, between each and the next one, behind the last."""


@dataclass
class _Clock:
    """When graphs began and ended, in turn, and whether they run at all."""

    marks: list[int] = field(default_factory=list)
    runs: bool = True


@dataclass(frozen=True)
class _ClockedGraph:
    """A graph whose calls are noted."""

    graph: LoadedGraph
    clock: _Clock

    def bind(self, inputs: Arrays, outputs: Arrays) -> Callable[[], None]:
        """As the graph binds."""
        call, clock = self.graph.bind(inputs, outputs), self.clock

        def clocked() -> None:
            clock.marks.append(perf_counter_ns())
            if clock.runs:
                call()
            clock.marks.append(perf_counter_ns())

        return clocked

    def bind_from(self, inputs: Arrays, outputs: Arrays, name: str) -> Callable[[np.ndarray], None]:
        """As the graph does; giving it the image is a part of its call."""
        call, clock = bind_from(self.graph, inputs, outputs, name), self.clock

        def clocked(array: np.ndarray) -> None:
            clock.marks.append(perf_counter_ns())
            if clock.runs:
                call(array)
            clock.marks.append(perf_counter_ns())

        return clocked


@dataclass(frozen=True)
class _ClockedRunner(Runner):
    """A runner of clocked graphs."""

    runner: Runner
    clock: _Clock

    def load(self, graph: str) -> LoadedGraph:
        """A clocked one."""
        return _ClockedGraph(self.runner.load(graph), self.clock)


def measure(path: Path, target: str, rounds: int = _ROUNDS) -> dict[str, Parts]:
    """The parts of an answer `as it is` and `in a loop`: medians, one thread, all in memory.

    Raises what opening a bundle raises.
    """
    bundle = Bundle.open(path)
    clock = _Clock()
    runner = open_runner(bundle.path, bundle.target(target), 1)
    image = bundle.golden()["image"][:1].copy()
    with Dispatcher(bundle, target, _ClockedRunner(runner, clock)) as dispatcher:
        found = {}
        gc.disable()
        for name, runs in (("as it is", True), ("in a loop", False)):
            clock.runs = runs
            answers = [_parts(dispatcher, image, clock) for _ in range(-_WARMUP, rounds)]
            found[name] = [median(part) / 1e3 for part in zip(*answers[_WARMUP:], strict=True)]
        gc.enable()
    return found


def _parts(dispatcher: Dispatcher, image: np.ndarray, clock: _Clock) -> list[int]:
    """Nanoseconds of each part of one answer."""
    clock.marks.clear()
    start = perf_counter_ns()
    dispatcher.run(image)
    times = [start, *clock.marks, perf_counter_ns()]
    return [after - before for before, after in zip(times[::2], times[1::2], strict=True)]


def _main(path: Path) -> None:
    """Print a line for each target and way."""
    print("| target | | before | between | behind | together, us |\n|---|---|---|---|---|---|")
    for target in Bundle.open(path).manifest.targets:
        try:
            found = measure(path, target)
        except (MissingExtraError, UnsupportedPlatformError) as error:
            print(f"{target}: {error}", file=sys.stderr)
            continue
        for name, (before, *between, behind) in found.items():
            total = before + sum(between) + behind
            shown = " + ".join(f"{part:.1f}" for part in between) or "-"
            print(f"| {target} | {name} | {before:.1f} | {shown} | {behind:.1f} | {total:.0f} |")


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
