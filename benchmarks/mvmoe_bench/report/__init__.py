"""From the lines of one run to reports: a page, Markdown, a picture, a comparison, a terminal.

`summary.py` makes figures of the lines, `document.py` and `sections/` say what a report has,
`plots/` and the sections' own plots draw, and one file for each format writes. Times are in ms and
sizes in bytes, as the fields' names say.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from mvmoe_bench.measure.schema.results import RunLines

Format = Literal["html", "md", "png"]


def write_report(
    runs: "list[RunLines]", path: Path, format: Format, compare: bool, replace: bool = False
) -> None:
    """Write one report of all runs, or with `compare` one that holds the second against the first.

    With `replace` a report that is at `path` is replaced, of whatever runs and format; nothing else
    ever is. Raises InputError if something else is there, if runs of unlike regimes would be mixed
    or there are not two to compare, MissingExtraError without Jinja or matplotlib, OutputError if
    `path` cannot be written.
    """
    from mvmoe_bench.report.write import write

    write(runs, path, format, compare, replace)


def require_free(path: Path, replace: bool, results: Iterable[Path]) -> None:
    """Refuse a path that `write_report` would refuse, before the results are read."""
    from mvmoe_bench.report.write import require_free

    require_free(path, replace, results)
