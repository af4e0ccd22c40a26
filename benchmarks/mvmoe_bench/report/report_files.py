"""Which document becomes which file, and how a file is recognised that was made here.

Every report names its maker: in an element of the page, a comment of the Markdown, a text of the
picture.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mvmoe_bench.report.compare import compare_runs
from mvmoe_bench.report.marking import IN_HTML, IN_MARKDOWN, IN_PNG
from mvmoe_bench.report.run_conditions import merge
from mvmoe_bench.report.run_summary import Summary, summarize_run
from mvmoe_deploy.errors import InputError, MissingExtraError
from mvmoe_deploy.system import files, output_places

if TYPE_CHECKING:
    from mvmoe_bench.measure.schema.results import RunLines
    from mvmoe_bench.report.blocks import Document

Writer = Callable[[Path], object]

Form = Literal["one", "compare", "side-by-side"]
"""All runs as one; the second against the first; each device by itself."""


def write_report(
    runs: "list[RunLines]", path: Path, format: str, form: "Form" = "one", replace: bool = False
) -> None:
    """Write a report of all runs, in one of the forms.

    It is made in memory and written in one step. With `replace` a report that is at `path` is
    replaced, of whatever runs and format, and nothing else. Raises InputError if something else is
    there, if runs of unlike conditions would be mixed or there are not two to compare,
    MissingExtraError without Jinja or matplotlib, OutputError if `path` cannot be written.
    """
    require_free(path, replace, [run.path for run in runs])
    try:
        writer = _FORMS[form](_some(runs), format)
    except ImportError as error:
        if isinstance(error, MissingExtraError):
            raise
        what = f"{error.name or 'a package'}, which makes reports,"
        raise MissingExtraError.from_import(error, what, "bench") from error
    files.write_file(path, writer, foreign_to_reports if replace else None)


def require_free(path: Path, replace: bool, results: Iterable[Path]) -> None:
    """Refuse a path that a report of these results may not be written to."""
    output_places.refuse_overlap([path], results)
    output_places.require_file(path, foreign_to_reports if replace else None)


foreign_to_reports = output_places.foreign_without(
    [mark.encode() for mark in (IN_HTML, IN_MARKDOWN, IN_PNG)], "report"
)
"""Why a file is no report that may be replaced; None if it is one, of any format."""


def _some(runs: "list[RunLines]") -> "list[RunLines]":
    """Refuse to report on nothing."""
    if not runs:
        raise InputError(
            "no results were given; give a file that mvmoe bench has written",
            code="input.option",
            name="results",
            given=0,
        )
    return runs


def _report(runs: "list[RunLines]", format: str) -> Writer:
    """The writer for runs of the same conditions, as one."""
    summary = summarize_run(merge(runs))
    if format == "png":
        return _picture(summary)
    from mvmoe_bench.report.document import document

    return _text(format, document(summary))


def _comparison(runs: "list[RunLines]", format: str) -> Writer:
    """The writer for two runs."""
    from mvmoe_bench.report.comparison import comparison_document

    if format == "png":
        raise InputError(
            "a comparison has no picture; give --format html or --format md, or leave out "
            "--compare",
            code="input.option",
            name="format",
            given=format,
        )
    first, second = _two(runs)
    found = compare_runs(first, second)
    return _text(format, comparison_document(found, first.path, second.path))


def _side_by_side(runs: "list[RunLines]", format: str) -> Writer:
    """The writer for several devices."""
    from mvmoe_bench.report.side_by_side import side_by_side

    if format == "png":
        raise InputError(
            "runs side by side have no picture; give --format html or --format md, or leave out "
            "--side-by-side",
            code="input.option",
            name="format",
            given=format,
        )
    return _text(format, side_by_side(runs))


def _two(runs: "list[RunLines]") -> "tuple[RunLines, RunLines]":
    """The two sides: runs of one file are merged."""
    sides: dict[Path, list[RunLines]] = {}
    for run in runs:
        sides.setdefault(run.path, []).append(run)
    if len(sides) == 1 and len(runs) == 2:
        return runs[0], runs[1]
    if len(sides) != 2:
        raise InputError(
            f"{len(sides)} results files cannot be compared; give two, the older first",
            code="input.option",
            name="results",
            given=len(sides),
            expected=2,
        )
    first, second = sides.values()
    return merge(first), merge(second)


_FORMS: dict[Form, Callable[["list[RunLines]", str], Writer]] = {
    "one": _report,
    "compare": _comparison,
    "side-by-side": _side_by_side,
}


def _text(format: str, made: "Document") -> Writer:
    """The writer of a document as text."""
    from mvmoe_bench.report.markdown import markdown
    from mvmoe_bench.report.page import page

    text = page(made) if format == "html" else markdown(made)
    return lambda partial: partial.write_text(text, encoding="utf-8")


def _picture(summary: Summary) -> Writer:
    """The writer of a picture."""
    from mvmoe_bench.report.picture import draw_picture

    return lambda partial: draw_picture(summary, partial)
