"""What a report consists of, whatever it is written as: sections of plots, tables and text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mvmoe_bench.report.plots import Plot
from mvmoe_bench.report.statistics import Distribution, Sure

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
    """The text once more, cut where links begin and end; empty without links."""


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    title: str
    number: bool = True
    help: str = ""
    """A sentence for those who ask what it is."""


@dataclass(frozen=True)
class Table:
    """Rows of cells."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    folded: bool = False
    """True if it is long, or for those who look closely."""


@dataclass(frozen=True)
class Chart:
    """A plot with what it shows and how to read it."""

    title: str
    caption: str
    plot: Plot
    label: str
    """What it shows, in words, for those who cannot see it."""


@dataclass(frozen=True)
class Text:
    """A paragraph, or a list if there are several items."""

    paragraphs: tuple[str, ...]
    listed: bool = False


@dataclass(frozen=True)
class Terms:
    """Words with their meanings."""

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
    """Failures and warnings, which nobody may overlook."""
    summary: tuple[tuple[str, str], ...]
    """Topic (may be empty) and sentences."""
    tiles: tuple[Tile, ...]
    sections: tuple[Section, ...]
    foot: str = ""
    intro: str = ""
    """What this is about, for those who have never heard of it."""


def text(value: object, tone: Tone = "") -> Cell:
    """A cell of text; what has no value is a dash."""
    shown = "-" if value is None or value == "" else str(value)
    return Cell(shown, None, tone)


def number(value: float | None, shown: str | None = None, tone: Tone = "") -> Cell:
    """A cell of a number; what was not measured is a dash and sorts last."""
    if value is None:
        return Cell("-", None, "muted")
    if shown is None:
        from mvmoe_bench.report.printed import alone

        shown = alone(value)
    return Cell(shown, value, tone)


def figures(its: Sure | None, scale: float = 1.0, suffix: str = "") -> tuple[Cell, Cell]:
    """Two cells: a figure times `scale`, and its interval; rough ones are marked."""
    if its is None:
        return number(None), text(None, "muted")
    from mvmoe_bench.report.printed import printed

    shown = printed(its, scale, suffix)
    if shown.low is None:
        return number(its.value * scale, shown.value), text(None, "muted")
    spread = Cell(shown.marked, None if its.low is None else its.low * scale)
    return number(its.value * scale, shown.value), spread


def percentile(its: Distribution, which: int) -> Cell:
    """p90, p95 or p99, with a star where so few answers make it nearly the largest."""
    value: float = getattr(its, f"p{which}")
    return number(value, starred(its, which))


def starred(its: Distribution, which: int) -> str:
    """The text of such a percentile."""
    from mvmoe_bench.report.printed import alone

    value: float = getattr(its, f"p{which}")
    return alone(value) + "*" * its.few(which)


FEW = "* too few answers: nearly the largest"
"""What a star means."""


def words(*titles: str) -> tuple[Column, ...]:
    """Columns of text."""
    return tuple(Column(title, number=False) for title in titles)


def numbers(*titles: str) -> tuple[Column, ...]:
    """Columns of numbers."""
    return tuple(Column(title) for title in titles)


def rows(cells: Sequence[Sequence[Cell]]) -> tuple[tuple[Cell, ...], ...]:
    """Rows as a table holds them."""
    return tuple(tuple(row) for row in cells)
