"""What dispatching costs against knowing the expert beforehand, and what the other ways cost.

`python -m mvmoe_bench.dispatch --help`; `docs/benchmarking.md` says how and why. This is the
command line alone: PyTorch and the engines are imported once the options have been read.
"""

import contextlib
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import click
from rich.console import Console

from mvmoe_bench import report
from mvmoe_bench.command import run_command
from mvmoe_bench.options import Options
from mvmoe_bench.progress import bars

_PROGRAM = "python -m mvmoe_bench.dispatch"

_at_least_1 = click.IntRange(min=1)
_at_least_0 = click.IntRange(min=0)
_file = click.Path(path_type=Path, dir_okay=False)
_directory = click.Path(path_type=Path, file_okay=False)


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--preset", default="mobile_vmoe_12x192_p32_224", help="Preset or JSON file.")
@click.option("--experts", type=_at_least_1, help="Experts, instead of the preset's own number.")
@click.option("--threads", type=_at_least_1, default=1, help="Threads of each graph.")
@click.option("--iterations", type=_at_least_1, default=40, help="Rounds of an opening.")
@click.option("--warmup", type=_at_least_0, default=5, help="Rounds of an opening before those.")
@click.option(
    "--repeats", type=_at_least_1, default=7, help="Openings; fresh processes of each kind."
)
@click.option("--seed", type=_at_least_0, default=0, help="Of weights, images and resampling.")
@click.option("-o", "--output", type=_file, help="Write every sample here, as JSON lines.")
@click.option("--cache", type=_directory, help="Keep the exported graphs here.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def dispatch(output: Path | None, cache: Path | None, as_json: bool, **options: Any) -> None:
    """Compare dispatching with a static graph, all experts, gathering, and eager PyTorch."""
    from mvmoe_bench.comparison import compare

    with _folder(cache) as folder, bars() as shown:
        result = compare(Options(**options), folder, shown)
    if output is not None:
        report.write_samples(output, result.samples, result.observed)
    if as_json:
        sys.stdout.write(json.dumps(result.data, allow_nan=False) + "\n")
    else:
        report.show(Console(highlight=False), result.data)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line; ends the process with an exit code of `docs/design.md`."""
    run_command(dispatch, _PROGRAM, arguments)


@contextlib.contextmanager
def _folder(cache: Path | None) -> Iterator[Path]:
    """Where the graphs go: a directory that stays, or one that does not."""
    if cache is not None:
        yield cache
        return
    with tempfile.TemporaryDirectory(prefix="mvmoe-bench-") as folder:
        yield Path(folder)


if __name__ == "__main__":
    main()
