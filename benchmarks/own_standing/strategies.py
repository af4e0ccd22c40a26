"""What each strategy costs: speed, change of expert, memory, size and export, side by side.

`python -m own_standing.strategies FOLDER` exports what is not in FOLDER yet, measures it, and
prints the tables of `docs/strategies.md`. Strategies that would make more graphs than an export's
limit are left out. Intervals are the least and the largest of the processes.
"""

import json
import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter_ns
from typing import Any, NamedTuple

import numpy as np

from mvmoe_bench.measure.machine import held_memory
from mvmoe_bench.measure.machine.smaps import OwnFiles
from mvmoe_deploy import Dispatcher, part_lookup
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.models import RoutedModel, build
from mvmoe_deploy.models.families.mobile_vmoe import PART
from mvmoe_deploy.preprocessing import prepare
from own_standing.expert_graphs import Convolutions

_PRESET = "mobile_vmoe_12x192_p32_224"
_PROCESSES, _ROUNDS, _WARMUP = 3, 120, 5
_IMAGES = 64
_EXPORT = ".export.json"
_BASES = ("dispatch", "bind")
"""What the others are compared with; the second where a model has too many routes for the first."""


class _Case(NamedTuple):
    """A model and the targets that it is measured on."""

    name: str
    experts: int
    k: int
    targets: tuple[str, ...]

    def model(self) -> RoutedModel:
        """The model, of random weights."""
        if self.name.startswith("conv"):
            return Convolutions(self.experts, self.k).eval()
        config = replace(PART.presets()[_PRESET], experts=self.experts, top_k=self.k)
        return build(config, seed=0).eval()


_CASES = (
    _Case("vit", 10, 1, ("onnx", "executorch")),
    _Case("vit", 10, 2, ("onnx",)),
    _Case("vit", 64, 1, ("onnx",)),
    _Case("vit", 64, 2, ("onnx",)),
    _Case("conv", 8, 2, ("onnx",)),
)


def _export(case: _Case, folder: Path) -> list[str]:
    """Export a model by every strategy that can serve it; gives their names."""
    from mvmoe_deploy.errors import InputError
    from mvmoe_export import Identity, export_bundle

    made = []
    for strategy in part_lookup.built_in_names("strategies"):
        path = _path(case, folder, strategy)
        if not path.exists():
            before = _cpu_seconds()
            try:
                export_bundle(
                    case.model(),
                    path,
                    strategy=strategy,
                    targets=case.targets,
                    identity=Identity(name=path.stem),
                    skip_verify=True,
                )
            except InputError as error:
                sys.stderr.write(f"{path.stem}: {error}\n")
                continue
            spent = path.with_suffix(_EXPORT)
            spent.write_text(json.dumps({"cpu_seconds": _cpu_seconds() - before}))
        made.append(strategy)
    return made


def _path(case: _Case, folder: Path, strategy: str) -> Path:
    return folder / f"{case.name}-e{case.experts}-k{case.k}-{strategy}.mvmoe"


def _cpu_seconds() -> float:
    """CPU time of this process and of the compilers that it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


class _Figures(NamedTuple):
    """Of one strategy in one process: milliseconds."""

    same: float
    """An answer whose route is that of the image before."""
    ratio: float
    """The same, over that of the strategy all are compared with, in the same rounds."""
    changed: float
    """How much longer an answer takes whose route is another one, one expert being in memory."""


def _measure(paths: Sequence[Path], base: int, target: str) -> Iterator[_Figures]:
    """All strategies of a model in turn, in this process; ratios are over number `base`."""
    opened = [_open(path, target) for path in paths]
    one, other = _two_routes(opened[0])
    same, changed = (np.zeros((_ROUNDS, len(opened))) for _ in range(2))
    for number in range(-_WARMUP, _ROUNDS):
        for which, dispatcher in enumerate(opened):
            _spent(dispatcher, one)
            again, switched = _spent(dispatcher, one), _spent(dispatcher, other)
            if number >= 0:
                same[number, which], changed[number, which] = again, switched
    for which, dispatcher in enumerate(opened):
        yield _Figures(
            same=float(np.median(same[:, which])),
            ratio=float(np.median(same[:, which] / same[:, base])),
            changed=float(np.median(changed[:, which] - same[:, which])),
        )
        dispatcher.close()


def _open(path: Path, target: str) -> Dispatcher:
    """A dispatcher that keeps what one image needs, where that is a choice."""
    bundle = Bundle.open(path)
    strategy = bundle.strategy(target)
    needed = max(1, strategy.slots(bundle.manifest.rules[0]))
    kept = None if strategy.binds_weights else needed
    return Dispatcher.open(path, target, threads=1, max_resident_experts=kept)


def _two_routes(dispatcher: Dispatcher) -> tuple[np.ndarray, np.ndarray]:
    """Two prepared images `[1, C, H, W]` of routes without an expert in common."""
    expected = dispatcher.bundle.manifest.input
    size = (expected.height, expected.width, 3)
    found: dict[tuple[int, ...], np.ndarray] = {}
    generator = np.random.default_rng(0)
    for _ in range(_IMAGES * _IMAGES):
        # Of one colour each: to a router that sees means alone, noise is always the same.
        image = np.broadcast_to(generator.integers(0, 256, 3, np.uint8), size)
        (route,) = dispatcher.predict(image).routes
        prepared = np.zeros((1, *expected.shape), np.float32)
        prepare(image, expected, out=prepared[0])
        for known, other in found.items():
            if not set(known) & set(route):
                return other, prepared
        found.setdefault(route, prepared)
    raise SystemExit(f"{_IMAGES * _IMAGES} images take the same experts")


def _spent(dispatcher: Dispatcher, image: np.ndarray) -> float:
    """Milliseconds of an answer."""
    start = perf_counter_ns()
    dispatcher.run(image)
    return (perf_counter_ns() - start) / 1e6


def _memory(path: Path, target: str) -> dict[str, int]:
    """What a process holds after answering a hundred images, the engine left out."""
    files = OwnFiles(path)
    held_memory.held(files)
    before = held_memory.held(files)
    with Dispatcher.open(path, target, threads=1) as dispatcher:
        shape = dispatcher.bundle.manifest.input.shape
        for _ in range(_IMAGES):
            dispatcher.run(np.random.default_rng(0).random((1, *shape), np.float32))
        after = held_memory.held(files)
    own = (after.anonymous or after.total) - (before.anonymous or before.total)
    return {"own": own, "files": (after.bundle_files or 0) - (before.bundle_files or 0)}


def _rows(case: _Case, target: str, folder: Path, strategies: list[str]) -> None:
    """Print the table of a model and target."""
    paths = [_path(case, folder, strategy) for strategy in strategies]
    base = next(strategies.index(name) for name in _BASES if name in strategies)
    runs = [_asked("measure", str(base), target, *paths) for _ in range(_PROCESSES)]
    print(f"\n{case.name}, E = {case.experts}, k = {case.k}, {target}\n")
    over = f"over `{strategies[base]}`"
    print(f"| strategy | graphs | answer | {over} | change | memory | bundle | export |")
    print("|---|---|---|---|---|---|---|---|")
    for which, path in enumerate(paths):
        same, ratio, changed = np.median([run[which] for run in runs], axis=0)
        ratios = [run[which][1] for run in runs]
        held = _asked("memory", target, path)
        record = Bundle.open(path).target(target)
        stored = sum(file.bytes for file in record.files)
        spent = json.loads(path.with_suffix(_EXPORT).read_text())["cpu_seconds"]
        print(
            f"| `{strategies[which]}` | {len(record.graphs)} | {same:.2f} ms | {ratio:.3f} "
            f"({min(ratios):.3f} to {max(ratios):.3f}) | {changed:.2f} ms | "
            f"{held['own'] / 1e6:.1f} + {held['files'] / 1e6:.1f} MB | {stored / 1e6:.1f} MB | "
            f"{spent:.0f} s |",
            flush=True,
        )


def _asked(what: str, *words: str | Path) -> Any:
    """What a process of its own says."""
    command = [sys.executable, "-m", __spec__.name, what, *map(str, words)]
    return json.loads(subprocess.check_output(command))


def _main(arguments: list[str]) -> None:
    """Print a table for each model and target, or answer one question as JSON."""
    if arguments[0] == "measure":
        paths = [Path(path) for path in arguments[3:]]
        print(json.dumps(list(_measure(paths, int(arguments[1]), arguments[2]))))
    elif arguments[0] == "memory":
        print(json.dumps(_memory(Path(arguments[2]), arguments[1])))
    else:
        folder = Path(arguments[0])
        folder.mkdir(parents=True, exist_ok=True)
        for case in _CASES:
            strategies = _export(case, folder)
            for target in case.targets:
                _rows(case, target, folder, strategies)


if __name__ == "__main__":
    _main(sys.argv[1:])
