"""Progress of long work, on stderr if it is a terminal."""

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import TaskID

Advance = Callable[[str, str, int], None]
"""Called with a phase, the name of what was done in it, and how many such things there are."""


@contextlib.contextmanager
def progress() -> Iterator[Advance]:
    """Bars on stderr if it is a terminal, one for each phase that is reported."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    from mvmoe_deploy.system.terminal import SafeConsole

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[item]}", style="dim", markup=False),
    )
    console = SafeConsole(stderr=True)
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:

        def advance(phase: str, item: str, total: int) -> None:
            if phase not in tasks:
                tasks[phase] = bars.add_task(phase, total=total, item="")
            bars.update(tasks[phase], advance=1, item=item)

        yield advance
