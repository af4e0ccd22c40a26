"""What a report consists of, whatever it is written as: sections of plots, tables and text."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mvmoe_bench.report.formatting import percent
from mvmoe_bench.report.plots import Plot
from mvmoe_bench.report.printed import alone, printed
from mvmoe_bench.report.statistics import Distribution, Estimate

Tone = Literal["", "good", "bad", "muted"]


@dataclass(frozen=True)
class Piece:
    """Part of a cell's text."""

    text: str
    url: str | None = None
    """Where it leads, http or https; see `links.py`."""


@dataclass(frozen=True)
class Cell:
    """One cell of a table."""

    text: str
    value: float | None = None
    """What it is sorted by; None sorts by the text."""
    tone: Tone = ""
    pieces: tuple[Piece, ...] = ()
    """The same text, cut where links begin and end; empty without links."""


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    title: str
    number: bool = True
    help: str = ""
    """A sentence that explains it."""
    brief: bool = False
    """Whether a terminal shows it; a table without such columns is not printed there."""


@dataclass(frozen=True)
class Table:
    """Rows of cells."""

    caption: str
    columns: tuple[Column, ...]
    rows: Sequence[Sequence[Cell]]
    folded: bool = False
    """True if it is long, or for those who look closely."""


@dataclass(frozen=True)
class Chart:
    """A plot with what it shows and how to read it."""

    title: str
    caption: str
    plot: Plot

    @property
    def label(self) -> str:
        """What it shows, for screen readers."""
        return f"{self.title}: {self.plot.spoken()}"


@dataclass(frozen=True)
class Text:
    """A paragraph, or a list if there are several items."""

    paragraphs: tuple[str, ...]
    listed: bool = False


@dataclass(frozen=True)
class Terms:
    """Terms with their meanings."""

    pairs: tuple[tuple[str, str], ...]


Block = Table | Chart | Text | Terms


@dataclass(frozen=True)
class Section:
    """One part of a report."""

    id: str
    title: str
    blocks: tuple[Block, ...]
    lead: str = ""
    """One or two sentences that say what it is about."""


@dataclass(frozen=True)
class Tile:
    """A key figure."""

    label: str
    value: str
    unit: str
    note: str
    """Its interval and n, or what it is compared with."""


@dataclass(frozen=True)
class Document:
    """A whole report."""

    title: str
    subtitle: str
    alerts: tuple[str, ...]
    """Failures and warnings, which come first."""
    summary: tuple[tuple[str, str], ...]
    """Topic (may be empty) and sentences."""
    tiles: tuple[Tile, ...]
    sections: tuple[Section, ...]
    foot: str = ""
    intro: str = ""
    """What this is about, for readers who do not know the project."""


def text(value: object, tone: Tone = "") -> Cell:
    """A cell of text; what has no value is a dash."""
    shown = "-" if value is None or value == "" else str(value)
    return Cell(shown, None, tone)


def number(value: float | None, shown: str | None = None, tone: Tone = "") -> Cell:
    """A cell of a number; what was not measured is a dash and sorts last."""
    if value is None:
        return Cell("-", None, "muted")
    return Cell(alone(value) if shown is None else shown, value, tone)


def figure(its: Estimate | None, scale: float = 1.0, suffix: str = "") -> tuple[Cell, Cell]:
    """Two cells: a figure times `scale`, and its interval; rough ones are marked."""
    if its is None:
        return number(None), text(None, "muted")
    shown = printed(its, scale, suffix)
    if shown.low is None:
        return number(its.value * scale, shown.value), text(None, "muted")
    spread = Cell(shown.marked, None if its.low is None else its.low * scale)
    return number(its.value * scale, shown.value), spread


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
) -> Table:
    """A table with a row for each item; a number folds a table of more rows than that."""
    rows = [tuple(cell for field in fields for cell in field.cells(*item)) for item in items]
    columns = tuple(column for field in fields for column in field.columns)
    return Table(caption, columns, rows, folded if isinstance(folded, bool) else len(rows) > folded)


def words(title: str, take: Callable[..., object], help: str = "", brief: bool = False) -> Field:
    """A column of text."""
    return Field((Column(title, False, help, brief),), lambda *item: (_text(take(*item)),))


def numbers(
    title: str, take: Callable[..., float | Cell | None], help: str = "", brief: bool = False
) -> Field:
    """A column of numbers; where `take` gives no cell, they have three digits."""
    return Field((Column(title, True, help, brief),), lambda *item: (_number(take(*item)),))


def counts(
    title: str, take: Callable[..., int | None], help: str = "", brief: bool = False
) -> Field:
    """A column of whole numbers."""

    def shown(*item: Any) -> Cell:
        value = take(*item)
        return number(value, None if value is None else f"{value:,}")

    return numbers(title, shown, help, brief)


def shares(
    title: str, take: Callable[..., float | None], help: str = "", brief: bool = False
) -> Field:
    """A column of shares of 0 to 1, as per cent."""

    def shown(*item: Any) -> Cell:
        value = take(*item)
        return number(value, None if value is None else percent(value))

    return numbers(title, shown, help, brief)


def percentiles(
    title: str, which: int, take: Callable[..., Distribution], brief: bool = False, help: str = ""
) -> Field:
    """A column of p90, p95 or p99, with a star where few answers make it nearly the largest."""

    def shown(*item: Any) -> Cell:
        its = take(*item)
        value: float = getattr(its, f"p{which}")
        return number(value, alone(value) + "*" * its.few(which))

    return numbers(title, shown, help, brief)


def figures(
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
    return Field(columns, lambda *item: figure(take(*item), scale, suffix)[: 1 + interval])


def _text(value: object) -> Cell:
    """A cell as it is, or one of the value."""
    return value if isinstance(value, Cell) else text(value)


def _number(value: float | Cell | None) -> Cell:
    """A cell as it is, or one of the number."""
    return value if isinstance(value, Cell) else number(value)
