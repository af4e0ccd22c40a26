"""What the dispatch comparison can be asked for."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """The options of the command, checked there."""

    preset: str
    """A preset's name or a JSON file."""
    experts: int | None
    """None for the preset's own number."""
    threads: int
    iterations: int
    """Rounds of an opening that are kept."""
    warmup: int
    """Rounds of an opening before those."""
    repeats: int
    """Openings of all subjects, and fresh processes of each kind."""
    seed: int
