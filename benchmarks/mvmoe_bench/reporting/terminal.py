"""What `mvmoe bench` prints for a person when it is done."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mvmoe_bench.figures.common import Estimate
from mvmoe_bench.figures.summary import Summary
from mvmoe_bench.figures.words import percent, ratio_between, significant, times


def show_summary(out: Console, summary: Summary) -> None:
    """Warnings, sentences, then tables; names of files and subjects are printed as they are."""
    for failure in summary.failures:
        who = f"{failure.subject}: " if failure.subject else ""
        out.print(Text(f"failed: {who}{_line(failure.message)}", style="red"))
    for warning in summary.warnings:
        out.print(Text(f"warning: {_line(warning)}", style="yellow"))
    for point in summary.headline:
        out.print(Text(_line(point.text)))
    for table in (_latency(summary), _ratios(summary), _fresh(summary), _residency(summary)):
        if table.row_count:
            out.print()
            out.print(table)


def _latency(summary: Summary) -> Table:
    """Latency by subject."""
    rows = _table("ms an image", ("p50", "95% interval", "p90", "p95", "p99", "n", "parts"))
    for subject in summary.subjects:
        if subject.latency is not None:
            wall = subject.latency.wall_ms
            tail = significant(wall.p99) + ("*" if wall.p99_rough else "")
            cells = [
                significant(wall.p50),
                _spread(wall.low, wall.high),
                significant(wall.p90),
                significant(wall.p95),
                tail,
                f"{wall.n:,}",
            ]
            parts = subject.parts.parts if subject.parts is not None else ()
            shares = ", ".join(f"{part.name} {percent(part.share.value)}" for part in parts)
            _row(rows, subject.key, [*cells, shares])
    return rows


def _ratios(summary: Summary) -> Table:
    """Ratios on the wall clock."""
    rows = _table("times as long", ("value", "95% interval", "n"))
    for figure in summary.ratios:
        if figure.clock == "wall":
            between = ratio_between(figure.ratio).removeprefix("95%: ")
            cells = [times(figure.ratio), between, f"{figure.ratio.n:,}"]
            _row(rows, f"{figure.name} ({figure.bundle}, {figure.target or '-'})", cells)
    return rows


def _fresh(summary: Summary) -> Table:
    """Starts and memory."""
    rows = _table("fresh process", ("start ms", "95% interval", "held MB", "added MB", "n"))
    for subject in summary.subjects:
        if subject.starts is None and not subject.memory:
            continue
        total = subject.starts.total_ms if subject.starts is not None else None
        full = subject.memory[-1] if subject.memory else None
        cells = [
            "-" if total is None else significant(total.value),
            "-" if total is None else _spread(total.low, total.high),
            _megabytes(full.loaded_bytes if full is not None else None),
            _megabytes(full.added_bytes if full is not None else None),
            str(total.n if total is not None else full.n if full is not None else 0),
        ]
        _row(rows, subject.key, cells)
    return rows


def _residency(summary: Summary) -> Table:
    """The curve over budgets."""
    rows = _table("experts in memory", ("p50 ms", "p95 ms", "cold", "cold switch ms", "n"))
    for curve in summary.residency:
        for point in curve.budgets:
            cold = point.cold.ms
            cells = [
                significant(point.total_ms.p50),
                significant(point.total_ms.p95),
                percent(point.cold_share),
                "-" if cold is None else significant(cold.value),
                f"{point.n:,}",
            ]
            _row(rows, f"{point.experts}, {curve.subject}", cells)
    return rows


def _table(first: str, numbers: Sequence[str]) -> Table:
    """An empty table of numbers with names before them."""
    rows = Table(first, header_style="bold", box=None, pad_edge=False)
    for name in numbers:
        rows.add_column(name, justify="left" if name == "parts" else "right")
    return rows


def _row(rows: Table, name: str, cells: Sequence[str]) -> None:
    """A row whose name is not read as markup."""
    rows.add_row(Text(_line(name)), *map(Text, cells))


def _line(text: str) -> str:
    """Text without control characters, which terminals obey."""
    return "".join(char if char.isprintable() else " " for char in text)


def _spread(low: float | None, high: float | None) -> str:
    """An interval."""
    if low is None or high is None:
        return "-"
    return f"{significant(low)} to {significant(high)}"


def _megabytes(estimate: Estimate | None) -> str:
    """Bytes as MB."""
    return "-" if estimate is None else significant(estimate.value / 1e6)
