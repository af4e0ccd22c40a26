"""How fast graphs of several recipes are beside those in fp32, and what they weigh.

`python -m own_standing.recipe_speed BUNDLE`; `docs/compression.md` has figures. The bundle is one
of `mvmoe export --precision fp32 --precision int8 ...`.
"""

import json
import sys
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NoReturn

import click
from rich.console import Console
from rich.table import Table

from mvmoe_bench.report.printed import alone, printed
from mvmoe_bench.report.statistics import ENOUGH_REPEATS, MS, Ratio, paired_ratio
from mvmoe_deploy.cli.process import run_command
from own_standing.turns import Run, times_of

if TYPE_CHECKING:
    import numpy as np

    from mvmoe_deploy.bundle import Bundle
    from mvmoe_deploy.bundle.manifest import Graph, Target

_PROGRAM = "python -m own_standing.recipe_speed"


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--blocks", type=click.IntRange(min=1), default=ENOUGH_REPEATS, help="Of rounds.")
@click.option("--rounds", type=click.IntRange(min=1), default=30, help="Calls of each in a block.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def recipe_speed(bundle: Path, blocks: int, rounds: int, as_json: bool) -> None:
    """Time the first graph of each stage in every target, one thread, in turns with fp32."""
    data = measure(bundle, blocks, rounds)
    if as_json:
        sys.stdout.write(json.dumps(data) + "\n")
    else:
        show(Console(highlight=False), data)


def measure(path: Path, blocks: int, rounds: int) -> list[dict[str, Any]]:
    """For each format and stage, milliseconds of each target and ratios of fp32 to it.

    A block counts as a repeat. The first target of a format is what others are held against.
    """
    from msgspec.structs import asdict

    from mvmoe_deploy.bundle import Bundle

    bundle = Bundle.open(path)
    found = []
    for targets in _by_format(bundle):
        plain, *others = targets
        for stage in sorted({graph.stage for graph in bundle.target(plain).graphs}):
            runs = {name: _run(bundle, bundle.target(name), stage) for name in targets}
            times = times_of(runs, blocks * rounds)
            repeats = [position // rounds for position in range(blocks * rounds)]
            found += [
                {
                    "target": name,
                    "stage": stage,
                    "median_ms": median(times[name]) * MS,
                    "share_of_bytes": _bytes(bundle, name) / _bytes(bundle, plain),
                    "times_as_fast": asdict(paired_ratio(times[plain], times[name], repeats)),
                }
                for name in (plain, *others)
            ]
    return found


def _by_format(bundle: "Bundle") -> list[list[str]]:
    """The names of the targets of each format that has several, in order."""
    formats: dict[str, list[str]] = {}
    for name, target in bundle.manifest.targets.items():
        formats.setdefault(target.format, []).append(name)
    return [names for names in formats.values() if len(names) > 1]


def _bytes(bundle: "Bundle", name: str) -> int:
    """The bytes of all files of a target."""
    return sum(file.bytes for file in bundle.target(name).files)


def _run(bundle: "Bundle", target: "Target", stage: int) -> Run:
    """The first graph of a stage on made-up inputs, ready to run on one thread."""
    from mvmoe_deploy.runtime.runners import open_runner
    from mvmoe_deploy.runtime.stored_weights import StoredWeights

    graph = next(graph for graph in target.graphs if graph.stage == stage)
    loaded = open_runner(bundle.path, target, threads=1).load(graph.name)
    weights = StoredWeights(bundle.path, target).inputs(graph, graph.route or ())
    outputs = {spec.name: _made_up(spec.shape, spec.dtype) for spec in graph.outputs}
    return loaded.bind({**_inputs(graph), **weights}, outputs)


def _inputs(graph: "Graph") -> "dict[str, np.ndarray]":
    """Numbers for all that a graph takes."""
    return {spec.name: _made_up(spec.shape, spec.dtype) for spec in graph.inputs}


def _made_up(shape: tuple[int, ...], dtype: str) -> "np.ndarray":
    import numpy as np

    return np.random.default_rng(0).standard_normal(shape).astype(dtype)


def show(out: Console, data: list[dict[str, Any]]) -> None:
    """The same for people."""
    rows = Table(header_style="bold", box=None, pad_edge=False)
    for position, column in enumerate(("target", "stage", "bytes", "it", "times as fast", "95%")):
        rows.add_column(column, justify="right" if position else "left")
    for row in data:
        ratio = printed(Ratio(**row["times_as_fast"]))
        rows.add_row(
            row["target"],
            str(row["stage"]),
            f"{row['share_of_bytes']:.3f}",
            f"{alone(row['median_ms'])} ms",
            ratio.value,
            ratio.marked,
        )
    out.print(rows)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line; ends the process with an exit code of `docs/design.md`."""
    run_command(recipe_speed, _PROGRAM, arguments)


if __name__ == "__main__":
    main()
