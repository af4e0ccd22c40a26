"""`make evidence`: train, measure and write docs/evidence.md.

`python -m evidence.command --help`; the package's docstring says how long it takes.
"""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from evidence.cases import Case, Piece, pieces
from mvmoe_deploy.cli.output import note
from mvmoe_deploy.cli.process import run_command
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.system.processes import end_with_parent
from mvmoe_deploy.text import quoted

if TYPE_CHECKING:
    from evidence.piece_results import Results

_PROGRAM = "python -m evidence.command"
_STEPS = ("train", "latency", "bench", "page")
_RESULTS = Path(__file__).parent / "results"
_PAGE = Path("docs/evidence.md")


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option(
    "--work", required=True, type=click.Path(path_type=Path, file_okay=False),
    help="Checkpoints, states and bundles; a run that was killed goes on there.",
)  # fmt: skip
@click.option(
    "--seed", "seeds", multiple=True, type=click.IntRange(min=0), default=(0, 1, 2, 3, 4),
    help="Several times; five by default.",
)  # fmt: skip
@click.option(
    "--only", multiple=True, type=click.Choice(_STEPS),
    help="Some of the steps; all by default.",
)  # fmt: skip
@click.option("--data", multiple=True, help="Some of the data sets; all by default.")
@click.option(
    "--folder", "folders", multiple=True, type=click.Path(path_type=Path),
    help="An image folder, as mvmoe train has it, as one more data set.",
)  # fmt: skip
@click.option("--jobs", type=click.IntRange(1, 64), default=1, help="Models trained at a time.")
@click.option("--short", is_flag=True, help="Few models, few steps: does all of this work?")
@click.option(
    "--results", type=click.Path(path_type=Path, file_okay=False),
    help="A small file for each model and seed. By default those of the repository; with --short "
    "or --folder WORK/results.",
)  # fmt: skip
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False),
    help="The page, with its picture beside it. By default docs/evidence.md; with --short or "
    "--folder WORK/evidence.md.",
)  # fmt: skip
def evidence(
    *,
    work: Path,
    seeds: tuple[int, ...],
    only: tuple[str, ...],
    data: tuple[str, ...],
    folders: tuple[Path, ...],
    jobs: int,
    short: bool,
    results: Path | None,
    output: Path | None,
) -> None:
    """Train what has no result yet, measure it, and write the page of all results.

    What has a result is never trained again: the page alone takes a second. Any number of these
    commands may work in the same folders at the same time.
    """
    from evidence.piece_results import Results

    cases = _cases(short, data, folders)
    apart = short or bool(folders)
    found = Results(results or (work / "results" if apart else _RESULTS))
    page = output or (work / "evidence.md" if apart else _PAGE)
    steps = only or _STEPS
    if "page" in steps:
        from evidence.evidence_page import require_free

        require_free(page)
    seeds = tuple(dict.fromkeys(seeds))
    if "train" in steps:
        _train(list(pieces(cases, seeds)), work, found, jobs)
    if "latency" in steps:
        from evidence.bundle_latencies import measure_latencies

        measure_latencies(cases, seeds, work, found, quick=short)
    if "bench" in steps:
        from evidence.equal_macs import measure_bench

        measure_bench(work, found, quick=short)
    if "page" in steps:
        from evidence.evidence_page import write_page

        write_page(cases, seeds, found, page)
        click.echo(f"wrote {page}")


def _cases(short: bool, data: tuple[str, ...], folders: tuple[Path, ...]) -> tuple[Case, ...]:
    """The data sets that were asked for; raises InputError for one that is not in the plan."""
    from evidence.plan_data import CASES, SHORT, of_folder

    known = {case.name: case for case in (SHORT if short else CASES)}
    for name in data:
        if name not in known:
            raise InputError(
                f"--data {quoted(name)} is not in the plan; give one of {', '.join(known)}, or an "
                "image folder with --folder",
                code="input.option",
                name="data",
                given=name,
                expected=tuple(known),
            )
    named = [known[name] for name in dict.fromkeys(data)] if data or folders else known.values()
    return (*named, *(of_folder(folder) for folder in dict.fromkeys(folders)))


def _train(wanted: list[Piece], work: Path, results: "Results", jobs: int) -> None:
    """Train what has no result, in this process or in several; raises what training raises."""
    from evidence.piece_training import work_off

    left = [piece for piece in wanted if results.of(piece) is None]
    note(f"{len(wanted) - len(left)} of {len(wanted)} models are trained")
    jobs = min(jobs, len(left))
    if jobs <= 1:
        work_off(left, work, results)
        return
    with ProcessPoolExecutor(jobs, get_context("spawn"), end_with_parent) as pool:
        for done in [pool.submit(work_off, left, work, results) for _ in range(jobs)]:
            done.result()


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line; ends the process with an exit code of `docs/design.md`."""
    run_command(evidence, _PROGRAM, arguments)


if __name__ == "__main__":
    main()
