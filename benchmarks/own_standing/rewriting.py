"""What the rewrites are worth: the naive export and ours, in one run.

`python -m own_standing.rewriting --help`; `docs/benchmarking.md` says how to read it.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click
from rich.console import Console
from rich.table import Table

from mvmoe_bench.report.printed import alone, printed
from mvmoe_bench.report.statistics import ENOUGH_REPEATS, Ratio
from mvmoe_deploy.cli.process import run_command
from mvmoe_deploy.system.temporary import temporary_directory

_PROGRAM = "python -m own_standing.rewriting"
_NAIVE = "naive"
_PROFILES = ("cpu", "nnapi", "coreml-ep")


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--preset", default="mobile_vmoe_12x192_p32_224", help="Preset or JSON file.")
@click.option("--threads", type=click.IntRange(min=1), default=1, help="Threads of each graph.")
@click.option("--iterations", type=click.IntRange(min=1), default=30, help="Rounds of an opening.")
@click.option("--warmup", type=click.IntRange(min=0), default=5, help="Rounds before those.")
@click.option("--repeats", type=click.IntRange(1), default=ENOUGH_REPEATS, help="Openings of each.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def rewriting(preset: str, threads: int, as_json: bool, **plan: int) -> None:
    """Time stem and one expert, as torch.export gives them and as each target rewrites them."""
    from mvmoe_bench.measure.protocol import Plan
    from mvmoe_deploy.models import build
    from mvmoe_deploy.models.presets import configuration

    chosen = Plan(plan["repeats"], plan["iterations"], plan["warmup"])
    with temporary_directory() as folder:
        paths = export(build(configuration(preset)).eval(), folder)
        data = measure(paths, threads, chosen)
    if as_json:
        sys.stdout.write(json.dumps(data) + "\n")
    else:
        show(Console(highlight=False), data)


def export(model: Any, folder: Path) -> dict[str, Path]:
    """One bundle as targets choose, one without rewrites."""
    from mvmoe_export import ExportOptions, export_bundle
    from mvmoe_export.targets.onnx import OnnxOptions

    ours = ExportOptions(targets={"onnx": OnnxOptions(profile=_PROFILES)})
    paths = {}
    for name, options in (("ours", ours), (_NAIVE, ExportOptions(rewrites=()))):
        paths[name] = folder / name
        targets = ("executorch", "onnx")
        export_bundle(
            model,
            paths[name],
            targets=targets,
            options=options,
            skip_verify=True,
            replace_existing=True,
        )
    return paths


def measure(paths: dict[str, Path], threads: int, plan: Any) -> dict[str, Any]:
    """Milliseconds of each variant, ratios naive / variant, and what each engine was given."""
    from msgspec.structs import asdict

    from mvmoe_bench.measure import protocol
    from mvmoe_bench.report import statistics
    from mvmoe_deploy.bundle import Bundle

    bundles = {name: Bundle.open(path) for name, path in paths.items()}
    targets = {
        f"{target} {name}": (bundle.path, record)
        for name, bundle in bundles.items()
        for target, record in bundle.manifest.targets.items()
    }
    openers = {name: _opener(*target, threads) for name, target in targets.items()}
    samples = protocol.by_subject(protocol.measure(openers, images=1, plan=plan))
    times = {name: [sample.ns / 1e6 for sample in of] for name, of in samples.items()}
    openings = [sample.opening for sample in next(iter(samples.values()))]
    return {
        "threads": threads,
        "ms": {name: {"median": statistics.PerRepeat.of(of).value} for name, of in times.items()},
        "naive_over_ours": {
            name: asdict(statistics.paired_ratio(times[_naive_of(name)], of, openings))
            for name, of in times.items()
            if not name.endswith(_NAIVE)
        },
        "placement": {name: _placement(record) for name, (_, record) in targets.items()},
    }


def _naive_of(name: str) -> str:
    """The variant to compare with: of the same format, without rewrites."""
    return f"{name.split(maxsplit=1)[0].split('-', maxsplit=1)[0]} {_NAIVE}"


def _opener(root: Path, record: Any, threads: int) -> Callable[[], Callable[[int], None]]:
    """Makes the stem and the first expert's graph ready, one after the other a call."""
    import numpy as np

    from mvmoe_deploy.runtime.runners import open_runner

    def make() -> Callable[[int], None]:
        runner = open_runner(root, record, threads)
        calls = []
        for graph in record.graphs[:2]:
            arrays = [
                {spec.name: np.full(spec.shape, 0.1, spec.dtype) for spec in specs}
                for specs in (graph.inputs, graph.outputs)
            ]
            calls.append(runner.load(graph.name).bind(*arrays))

        def run(image: int) -> None:
            for call in calls:
                call()

        return run

    return make


def _placement(record: Any) -> list[dict[str, Any]]:
    """Partitions of the stem and of the first expert's graph, for each engine."""
    return [
        {
            "graph": graph.name,
            "engine": found.engine,
            "partitions": found.partitions,
            "nodes_outside": found.nodes_outside,
            "verdict": found.verdict,
        }
        for graph in record.graphs[:2]
        for found in graph.placement
    ]


def show(out: Console, data: dict[str, Any]) -> None:
    """The same for people."""
    rows = Table(header_style="bold", box=None, pad_edge=False)
    for position, column in enumerate(("graphs", "median", "naive / it", "95% interval")):
        rows.add_column(column, justify="right" if position else "left")
    for name, times in data["ms"].items():
        ratio = data["naive_over_ours"].get(name)
        cells = ["", ""]
        if ratio is not None:
            its = printed(Ratio(**ratio))
            cells = [its.value, its.marked]
        rows.add_row(name, f"{alone(times['median'])} ms", *cells)
    out.print(rows)
    out.print()
    for name, found in data["placement"].items():
        for line in found:
            verdict = f", {line['verdict']}" if line["verdict"] else ""
            out.print(
                f"{name}, {line['graph']}, {line['engine']}: {line['partitions']} partitions, "
                f"{line['nodes_outside']} nodes outside{verdict}"
            )


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line; ends the process with an exit code of `docs/design.md`."""
    run_command(rewriting, _PROGRAM, arguments)


if __name__ == "__main__":
    main()
