"""From the lines of one run to figures: plain data, no pictures and no formatting.

One kind of figure a file; `summary.py` puts them together. Times are in ms and sizes in bytes, as
the fields' names say.
"""

from mvmoe_bench.figures.compare import Comparison, VerdictRow, compare_runs
from mvmoe_bench.figures.regime import merge, require_alike
from mvmoe_bench.figures.summary import Summary, summarize_run

__all__ = [
    "Comparison",
    "Summary",
    "VerdictRow",
    "compare_runs",
    "merge",
    "require_alike",
    "summarize_run",
]
