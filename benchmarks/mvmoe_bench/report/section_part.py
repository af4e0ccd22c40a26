"""What a section of the report is: a part of the kind `sections`, one folder a section.

The folder's `__init__.py` declares `PART = SectionPart(...)`. All that the report shows of one kind
of measurement is reached through it: figures, plots, tables, sentences, key figures, verdicts of a
comparison, and the terms that it adds to the glossary.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from mvmoe_bench.report.blocks import Block, Chart, Tile
from mvmoe_bench.report.statistics import Figure
from mvmoe_bench.report.timed_series import TimedSeries
from mvmoe_deploy import part_lookup

if TYPE_CHECKING:
    from mvmoe_bench.report.index import Index
    from mvmoe_bench.report.run_summary import Summary
    from mvmoe_bench.report.verdicts import Judge, VerdictRow

F = TypeVar("F")


class Point(Figure, frozen=True):
    """One or a few sentences about one topic."""

    topic: str
    """Such as `Speed` or `Memory`; sentences of one topic stand together."""
    text: str


@dataclass(frozen=True)
class View:
    """What a section shows below its title."""

    blocks: tuple[Block, ...]
    lead: str = ""
    """One or two sentences that say what it is about."""


@dataclass(frozen=True)
class ComparedKind:
    """How two runs are compared in what a section measures."""

    id: str
    title: str
    lead: str
    rows: Callable[["Index", "Index", "Judge"], list["VerdictRow"]]
    """Rows for everything that either run has measured."""
    compared: str = "subject"
    """What a row is of."""
    sentences: Callable[[list["VerdictRow"]], Iterable[str]] = lambda rows: ()
    """What changed, in sentences for the top of the page."""


@dataclass(frozen=True)
class Measured(Generic[F]):
    """What a section found in one of several runs that stand side by side."""

    run: str
    """The run's name on the page: its device."""
    summary: "Summary"
    figures: F

    def name_of(self, subject: str) -> str:
        """A subject's name beside those of other runs."""
        return f"{self.run}: {self.summary.names[subject]}"


def nothing_beside(_runs: "Sequence[Measured[Any]]") -> None:
    """Of a section that is not shown side by side."""


@dataclass(frozen=True)
class SectionPart(Generic[F]):
    """One section of the report; `F` is the type of its figures, which are plain data.

    Each function that takes figures is called only with some that were found.
    """

    name: str
    """Also its anchor in the page, and its key in the JSON of `mvmoe bench`."""
    title: str
    order: int
    """Sections stand in ascending order."""
    figures: Callable[["Index"], F | None]
    """Computes what the section shows from the lines of a run; None if nothing was measured."""
    view: Callable[["Summary", F], View | None]
    """Plots, tables and text."""
    missing: str = ""
    """What the page says was not measured if there are no figures; empty: the section's title."""
    first: bool = False
    """Whether it stands on the first screen, right below the recommendations."""
    recommendations: Callable[["Summary", F], Iterable[Point]] = lambda summary, figures: ()
    """What to do, one sentence a question; the topic is the question."""
    sentences: Callable[["Summary", F], Iterable[Point]] = lambda summary, figures: ()
    """What was found, in more words, by topic."""
    tiles: Callable[["Summary", F], Iterable[Tile]] = lambda summary, figures: ()
    """Key figures of the main subject."""
    warnings: Callable[[F], Iterable[str]] = lambda figures: ()
    """What a reader must know before believing a number."""
    timed: Callable[["Index"], Iterable[TimedSeries]] = lambda index: ()
    """The timed answers that the section is about; each subject's get a verdict."""
    picture: Callable[["Summary", F], Iterable[Chart]] = lambda summary, figures: ()
    """Plots for the picture that shows a run at a glance."""
    beside: Callable[["Sequence[Measured[F]]"], View | None] = nothing_beside
    """Several runs side by side, each with its own intervals: never one distribution."""
    compared: tuple[ComparedKind, ...] = ()
    terms: tuple[tuple[str, str], ...] = ()
    """Entries of the glossary: term and meaning."""


def section_parts() -> list[SectionPart[Any]]:
    """All installed sections in the order of the page, plug-ins' included."""
    found = [part_lookup.find("sections", name) for name in part_lookup.names("sections")]
    return sorted(found, key=lambda part: (part.order, part.name))
