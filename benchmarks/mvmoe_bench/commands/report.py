"""`mvmoe report`: a page, a text or a picture of what `mvmoe bench` measured."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from mvmoe_deploy.cli import shared_options
from mvmoe_deploy.cli.group import command
from mvmoe_deploy.cli.output import emit, note
from mvmoe_deploy.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from mvmoe_bench.report.report_files import Form

_KINDS = {".html": "html", ".htm": "html", ".md": "md", ".png": "png"}
"""Formats by the suffix of the output's name."""


class WrittenReport(msgspec.Struct, frozen=True, kw_only=True):
    """A report that was written; `skipped` are damaged lines that were left out."""

    report: str
    format: str
    runs: int
    skipped: int


@command(extra="bench")
@click.argument("results", type=click.Path(path_type=Path), nargs=-1, required=True)
@shared_options.output
@click.option(
    "--format",
    "kind",
    type=click.Choice(sorted(set(_KINDS.values()))),
    help="Else what the output's name ends in.",
)
@click.option(
    "--compare", is_flag=True, help="Two runs side by side: faster, slower or not told apart."
)
@click.option(
    "--side-by-side",
    is_flag=True,
    help="Several devices on one page, each with its own figures.",
)
@shared_options.force
def report(
    *,
    results: tuple[Path, ...],
    output: Path,
    kind: str | None,
    compare: bool,
    side_by_side: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Make a page, a text or a picture of RESULTS, which mvmoe bench has written.

    Runs of the same things under the same conditions are put together. Others are refused, but
    for two with --compare, and any with --side-by-side.
    """
    from mvmoe_bench.measure.schema.results import read
    from mvmoe_bench.report.report_files import require_free, write_report

    form = _form(compare, side_by_side)
    kind = kind or _kind_of(output)
    require_free(output, force, results)
    runs = [run for path in results for run in read(path)]
    write_report(runs, output, kind, form, replace=force)
    skipped = sum(run.skipped for run in runs)
    if skipped:
        lines = "line was" if skipped == 1 else "lines were"
        note(f"{skipped} damaged {lines} left out")
    written = WrittenReport(report=str(output), format=kind, runs=len(runs), skipped=skipped)
    emit(as_json, written, show)


def _form(compare: bool, side_by_side: bool) -> "Form":
    """How several runs stand in the report; raises InputError for two forms at once."""
    if compare and side_by_side:
        raise InputError(
            "--compare and --side-by-side were given; a report has one form: give one of them",
            code="input.option",
            name="compare",
        )
    return "compare" if compare else "side-by-side" if side_by_side else "one"


def _kind_of(output: Path) -> str:
    """The format that a report's name ends in; raises InputError for another."""
    kind = _KINDS.get(output.suffix.lower())
    if kind is None:
        raise InputError(
            f"{output} ends in none of {', '.join(_KINDS)}; give --format html, md or png",
            code="input.option",
            name="output",
            given=str(output),
        )
    return kind


def show(out: "Console", written: WrittenReport) -> None:
    """Where the report is."""
    out.print(f"wrote {written.report} ({written.format}) of {written.runs} run(s)")


PART = report
