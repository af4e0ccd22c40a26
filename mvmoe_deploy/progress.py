"""How long work says how far it is: it calls a function, which its caller passes in."""

from collections.abc import Callable

Progress = Callable[[str, str, int], None]
"""Called with a phase, the name of what was done in it, and how many such things there are."""


def ignore_progress(phase: str, item: str, total: int) -> None:
    """Progress that is not shown."""
