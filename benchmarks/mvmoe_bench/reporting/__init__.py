"""From figures to reports: a page, Markdown, a picture, a comparison, a terminal.

`document.py` and `sections/` say what a report consists of, `plots/` draw, and one file for each
format writes. Nothing here computes figures.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mvmoe_bench.reporting.terminal import show_summary

if TYPE_CHECKING:
    from mvmoe_bench.results import RunLines

Format = Literal["html", "md", "png"]


def write_report(runs: "list[RunLines]", path: Path, format: Format, compare: bool) -> None:
    """Write one report of all runs, or with `compare` one that holds the second against the first.

    Raises InputError if runs of unlike regimes would be mixed or there are not two to compare,
    MissingExtraError without Jinja or matplotlib, OutputError if `path` cannot be written.
    """
    from mvmoe_bench.reporting.write import write

    write(runs, path, format, compare)


__all__ = ["show_summary", "write_report"]
