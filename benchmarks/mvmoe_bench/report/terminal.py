"""What `mvmoe bench` prints for a person when it is done."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mvmoe_bench.report.blocks import FEW, starred
from mvmoe_bench.report.estimates import Estimate
from mvmoe_bench.report.printed import percents, printed
from mvmoe_bench.report.statistics import Sure
from mvmoe_bench.report.summary import Summary
from mvmoe_bench.report.words import percent

_MB = 1e-6


def show_summary(out: Console, summary: Summary) -> None:
    """Warnings, sentences, then tables; names of files and subjects are printed as they are."""
    for failure in summary.failures:
        who = f"{failure.subject}: " if failure.subject else ""
        out.print(Text(f"failed: {who}{_line(failure.message)}", style="red"))
    for warning in summary.warnings:
        out.print(Text(f"warning: {_line(warning)}", style="yellow"))
    for point in summary.headline:
        out.print(Text(_line(point.text)))
    for make in (_latency, _ratios, _starts, _memory, _residency):
        table = make(summary)
        if table.row_count:
            out.print()
            out.print(table)


def _latency(summary: Summary) -> Table:
    """Latency by subject."""
    rows = _table("ms an image", ("p50", "95% interval", "p90", "p95", "p99", "n", "parts"))
    for subject in summary.subjects:
        if subject.latency is not None:
            wall = subject.latency.wall_ms
            tails = [starred(wall, which) for which in (90, 95, 99)]
            parts = subject.parts.parts if subject.parts is not None else ()
            shares = ", ".join(f"{part.name} {percents(part.share).value}" for part in parts)
            _row(rows, subject.key, [*_figure(wall), *tails, f"{wall.n:,}", shares])
    if any("*" in text for column in rows.columns[3:6] for text in map(str, column.cells)):
        rows.caption = FEW
    return rows


def _ratios(summary: Summary) -> Table:
    """Ratios on the wall clock."""
    rows = _table("times as long", ("value", "95% interval", "n"))
    for figure in summary.ratios:
        if figure.clock == "wall":
            cells = [*_figure(figure.ratio), f"{figure.ratio.n:,}"]
            _row(rows, f"{figure.name} ({figure.bundle}, {figure.target or '-'})", cells)
    return rows


def _starts(summary: Summary) -> Table:
    """Opening to first answer, and Python's part before it."""
    titles = ("open + first answer ms", "95% interval", "before: Python ms", "n")
    rows = _table("fresh process", titles)
    for subject in summary.subjects:
        if subject.starts is not None:
            its = subject.starts
            python = printed(its.python_ms).value
            _row(rows, subject.key, [*_figure(its.ready_ms), python, str(its.n)])
    return rows


def _memory(summary: Summary) -> Table:
    """What a process holds with the most experts in memory, and what of it the model adds."""
    titles = ("added MB", "95% interval", "anonymous", "its files", "held MB", "n")
    rows = _table("memory of a process", titles)
    for subject in summary.subjects:
        if subject.memory:
            full = subject.memory[-1]
            added = full.added
            parts = [_megabytes(part) for part in (added.anonymous, added.bundle_files)]
            cells = [*_figure(added.total, _MB), *parts, _megabytes(full.loaded_bytes)]
            _row(rows, subject.key, [*cells, str(full.n)])
    return rows


def _residency(summary: Summary) -> Table:
    """The curve over budgets."""
    rows = _table("experts in memory", ("p50 ms", "p95 ms", "cold", "cold switch ms",
                                        "95% interval", "n"))  # fmt: skip
    for curve in summary.residency:
        for point in curve.budgets:
            cells = [
                printed(point.total_ms).value,
                starred(point.total_ms, 95),
                percent(point.cold_share),
                *_figure(point.cold.ms),
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


def _figure(its: Sure | None, scale: float = 1.0) -> list[str]:
    """A figure and its interval."""
    if its is None:
        return ["-", "-"]
    shown = printed(its, scale)
    return [shown.value, shown.marked]


def _megabytes(estimate: Estimate | None) -> str:
    """Bytes as MB."""
    return "-" if estimate is None else printed(estimate, _MB).value
