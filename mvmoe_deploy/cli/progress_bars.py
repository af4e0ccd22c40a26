"""Progress of long work, on stderr if it is a terminal."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mvmoe_deploy.progress import Progress

if TYPE_CHECKING:
    from rich.progress import TaskID


@contextlib.contextmanager
def progress() -> Iterator[Progress]:
    """Bars on stderr if it is a terminal, one for each phase that is reported."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bars

    from mvmoe_deploy.system.terminal import SafeConsole

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[item]}", style="dim", markup=False),
    )
    console = SafeConsole(stderr=True)
    tasks: dict[str, TaskID] = {}
    with Bars(*columns, console=console, disable=not console.is_terminal) as bars:

        def advance(phase: str, item: str, total: int) -> None:
            if phase not in tasks:
                tasks[phase] = bars.add_task(phase, total=total, item="")
            bars.update(tasks[phase], advance=1, item=item)

        yield advance
