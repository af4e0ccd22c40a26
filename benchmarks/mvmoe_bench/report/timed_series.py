"""What a section says of answers that it times, so that they get a verdict (`validity.py`)."""

from dataclasses import dataclass

from mvmoe_bench.measure.schema.records import Record
from mvmoe_bench.report.statistics import PerRepeat


@dataclass(frozen=True)
class TimedSeries:
    """The timed answers of one subject in one mode."""

    subject: str
    mode: str
    """How it was asked, for people: `warm answers`."""
    of: type[Record]
    """The kind of lines that the answers are in."""
    samples: int
    """Answers that count."""
    answering_ns: int
    """What all answers took together: the series lasted at least so long."""
    medians: PerRepeat | None
    """By repeat, what variation is taken over; None if a change is what was asked for."""
    longer: str
    """What to give `mvmoe bench` for more of it."""
