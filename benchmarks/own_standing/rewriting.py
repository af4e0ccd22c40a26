"""What the rewrites are worth: the naive export and ours, in one run of `mvmoe bench`.

`python -m own_standing.rewriting --help`; `docs/benchmarking.md` says how to read it.
"""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
from rich.console import Console
from rich.table import Table

from mvmoe_bench.measure.schema.records import Preset
from mvmoe_bench.report.printed import alone, printed
from mvmoe_bench.report.statistics import ENOUGH_REPEATS, Ratio
from mvmoe_deploy.cli.process import run_command
from mvmoe_deploy.cli.progress_bars import progress as bars
from mvmoe_deploy.progress import Progress, ignore_progress
from mvmoe_deploy.system.temporary import temporary_directory

if TYPE_CHECKING:
    from own_standing.rounds import Latencies

_PROGRAM = "python -m own_standing.rewriting"
_OURS, _NAIVE = "ours", "naive"
"""The names of the bundles."""
_PROFILES = ("cpu", "nnapi", "coreml-ep")


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--preset", default="mobile_vmoe_12x192_p32_224", help="Preset or JSON file.")
@click.option("--threads", type=click.IntRange(min=1), default=1, help="Threads of each graph.")
@click.option("--iterations", type=click.IntRange(min=1), default=30, help="Rounds of a process.")
@click.option("--warmup", type=click.IntRange(min=0), default=5, help="Rounds before those.")
@click.option("--repeats", type=click.IntRange(1), default=ENOUGH_REPEATS, help="Processes.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def rewriting(preset: str, threads: int, as_json: bool, **effort: int) -> None:
    """Time dispatchers of graphs as torch.export gives them and as each target rewrites them."""
    from mvmoe_deploy.models import build
    from mvmoe_deploy.models.presets import configuration

    chosen = latency_only(effort["repeats"], effort["iterations"], effort["warmup"])
    with temporary_directory() as folder, bars() as advance:
        paths = export(build(configuration(preset)).eval(), folder)
        data = measure(paths, folder / "results.jsonl", chosen, advance, threads=threads)
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
    for name, options in ((_OURS, ours), (_NAIVE, ExportOptions(rewrites=()))):
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


def latency_only(repeats: int, iterations: int, warmup: int) -> Preset:
    """A preset that measures warm answers and nothing else."""
    return Preset(
        name="latency only",
        repeats=repeats,
        queries=iterations,
        seconds=0.0,
        most_seconds=300.0,
        warmup=warmup,
        starts=0,
        stream=0,
        cooldown=0.0,
    )


def measure(
    paths: dict[str, Path],
    results: Path,
    preset: Preset,
    progress: Progress = ignore_progress,
    *,
    threads: int = 1,
) -> dict[str, Any]:
    """Milliseconds of each variant, ratios naive / variant, and what each engine was given.

    One run of the dispatchers of both bundles, images forced evenly down all routes; its lines are
    in `results`.
    """
    from msgspec.structs import asdict

    from mvmoe_bench.measure.planning.running import Request, run_bench
    from mvmoe_deploy.bundle import Bundle
    from own_standing.rounds import latencies, median_ms, ratio

    run = run_bench(
        Request(
            bundles=tuple(paths.values()),
            output=results,
            preset=preset,
            device="host",
            threads=threads,
            replace=True,
        ),
        progress,
    )
    measured = latencies(run)
    # A target that the engine runs in several ways is compared in its usual one, which is first.
    times: dict[str, Latencies] = {}
    for subject in run.run.subjects:
        times.setdefault(f"{subject.target} {subject.bundle}", measured[subject.key])
    targets = {
        f"{target} {name}": record
        for name, path in paths.items()
        for target, record in Bundle.open(path).manifest.targets.items()
    }
    return {
        "threads": threads,
        "ms": {name: {"median": median_ms(of)} for name, of in times.items()},
        "naive_over_ours": {
            name: asdict(ratio(times[_naive_of(name)], of))
            for name, of in times.items()
            if not name.endswith(_NAIVE)
        },
        "placement": {name: _placement(record) for name, record in targets.items()},
    }


def _naive_of(name: str) -> str:
    """The variant to compare with: of the same format, without rewrites."""
    return f"{name.split(maxsplit=1)[0].split('-', maxsplit=1)[0]} {_NAIVE}"


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
