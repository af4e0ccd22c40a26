"""Bars on stderr if it is a terminal; nothing elsewhere."""

import contextlib
from collections.abc import Callable, Iterator

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from mvmoe_deploy.system.terminal import SafeConsole

Step = Callable[[], None]


class Bars:
    """One bar for each phase."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars

    def phase(self, name: str, total: int) -> Step:
        """Begin a phase; gives what is called when one of its `total` steps is done."""
        task = self._bars.add_task(name, total=total)
        return lambda: self._bars.advance(task)


@contextlib.contextmanager
def bars() -> Iterator[Bars]:
    """The bars of one run."""
    console = SafeConsole(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as shown:
        yield Bars(shown)
