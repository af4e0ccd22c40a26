"""How long work says how far it is: it calls a function, which its caller passes in."""

from collections.abc import Callable

Progress = Callable[[str, str | None, int], None]
"""Called with a phase, the name of what was done in it, and how many such things there are.

A phase begins with a call without a name (None): nothing is done yet, and the total is known. A
phase that begins again starts from nothing.
"""


def ignore_progress(phase: str, item: str | None, total: int) -> None:
    """Progress that is not shown."""
