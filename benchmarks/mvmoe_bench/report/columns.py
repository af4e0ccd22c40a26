"""Columns of a table: what each is called, and how its cells are made of what a row is of."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from mvmoe_bench.report import blocks
from mvmoe_bench.report.blocks import Cell, Column, TableBlock
from mvmoe_bench.report.formatting import percent
from mvmoe_bench.report.printed import alone
from mvmoe_bench.report.statistics import Distribution, Estimate

FEW = " (* too few answers: nearly the largest)"
"""What the star of a percentile means, for the end of a caption."""


@dataclass(frozen=True)
class Field:
    """A column of a table (with an interval, two) and what fills it in each row."""

    columns: tuple[Column, ...]
    cells: Callable[..., tuple[Cell, ...]]
    """Takes what the row is of."""


def table(
    caption: str, items: Iterable[tuple[Any, ...]], *fields: Field, folded: bool | int = False
) -> TableBlock:
    """A table with a row for each item; a number folds a table of more rows than that."""
    rows = [tuple(cell for field in fields for cell in field.cells(*item)) for item in items]
    columns = tuple(column for field in fields for column in field.columns)
    return TableBlock(
        caption, columns, rows, folded if isinstance(folded, bool) else len(rows) > folded
    )


def text(title: str, take: Callable[..., object], help: str = "", brief: bool = False) -> Field:
    """A column of text."""
    return Field((Column(title, False, help, brief),), lambda *item: (_text(take(*item)),))


def number(
    title: str, take: Callable[..., float | Cell | None], help: str = "", brief: bool = False
) -> Field:
    """A column of numbers; where `take` gives no cell, they have three digits."""
    return Field((Column(title, True, help, brief),), lambda *item: (_number(take(*item)),))


def count(
    title: str, take: Callable[..., int | None], help: str = "", brief: bool = False
) -> Field:
    """A column of whole numbers."""

    def shown(*item: Any) -> Cell:
        value = take(*item)
        return blocks.number(value, None if value is None else f"{value:,}")

    return number(title, shown, help, brief)


def share(
    title: str, take: Callable[..., float | None], help: str = "", brief: bool = False
) -> Field:
    """A column of shares of 0 to 1, as per cent."""

    def shown(*item: Any) -> Cell:
        value = take(*item)
        return blocks.number(value, None if value is None else percent(value))

    return number(title, shown, help, brief)


def percentile(
    title: str, which: int, take: Callable[..., Distribution], brief: bool = False, help: str = ""
) -> Field:
    """A column of p90, p95 or p99, with a star where few answers make it nearly the largest."""

    def shown(*item: Any) -> Cell:
        found = take(*item)
        value: float = getattr(found, f"p{which}")
        return blocks.number(value, alone(value) + "*" * found.few(which))

    return number(title, shown, help, brief)


def estimate(
    title: str,
    take: Callable[..., Estimate | None],
    help: str = "",
    brief: bool = False,
    *,
    scale: float = 1.0,
    suffix: str = "",
    interval: bool = True,
    interval_brief: bool | None = None,
) -> Field:
    """A column of figures times `scale`, and one of their intervals unless `interval` is false."""
    spread = Column("95% interval", False, "", brief if interval_brief is None else interval_brief)
    columns = (Column(title, True, help, brief), spread)[: 1 + interval]
    return Field(columns, lambda *item: blocks.figure(take(*item), scale, suffix)[: 1 + interval])


def _text(value: object) -> Cell:
    """A cell as it is, or one of the value."""
    return value if isinstance(value, Cell) else blocks.text(value)


def _number(value: float | Cell | None) -> Cell:
    """A cell as it is, or one of the number."""
    return value if isinstance(value, Cell) else blocks.number(value)
