"""What a report consists of, whatever it is written as: sections of plots, tables and text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mvmoe_bench.report import formatting
from mvmoe_bench.report.plots import Plot
from mvmoe_bench.report.printed import alone, printed
from mvmoe_bench.report.statistics import Estimate
from mvmoe_deploy.routing import Route

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
class TableBlock:
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


Block = TableBlock | Chart | Text | Terms


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
    recommendations: tuple[tuple[str, str], ...] = ()
    """Question and answer, for somebody who reads nothing else."""
    first: tuple[Section, ...] = ()
    """Sections on the first screen, right below."""
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


def error_cell(value: float | None) -> Cell:
    """A cell of an error, with an exponent."""
    return number(value, None if value is None else f"{value:.1e}")


def route_cell(experts: Route) -> Cell:
    """A cell of a route, sorted by its first expert."""
    return Cell(formatting.route(experts), float(experts[0]) if experts else None)


def figure(found: Estimate | None, scale: float = 1.0, suffix: str = "") -> tuple[Cell, Cell]:
    """Two cells: a figure times `scale`, and its interval; rough ones are marked."""
    if found is None:
        return number(None), text(None, "muted")
    shown = printed(found, scale, suffix)
    if shown.low is None:
        return number(found.value * scale, shown.value), text(None, "muted")
    spread = Cell(shown.marked, None if found.low is None else found.low * scale)
    return number(found.value * scale, shown.value), spread
