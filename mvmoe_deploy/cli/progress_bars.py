"""Progress of long work on stderr: bars on a terminal, lines where there is none."""

import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mvmoe_deploy.progress import Progress

if TYPE_CHECKING:
    from rich.progress import TaskID


@contextlib.contextmanager
def progress() -> Iterator[Progress]:
    """Bars on stderr if it is a terminal, one for each phase; else a line a phase and a minute."""
    if sys.stderr is None or not sys.stderr.isatty():
        from mvmoe_deploy.system.progress_lines import ProgressLines

        with ProgressLines() as lines:
            yield lines.advance
        return
    with _bars() as advance:
        yield advance


def shown_or(given: Progress | None) -> contextlib.AbstractContextManager[Progress]:
    """The progress of a caller of the Python API; where he gave none, what a command shows."""
    return progress() if given is None else contextlib.nullcontext(given)


@contextlib.contextmanager
def _bars() -> Iterator[Progress]:
    """One bar for each phase, from its beginning on."""
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
    tasks: dict[str, TaskID] = {}
    with Bars(*columns, console=SafeConsole(stderr=True)) as bars:

        def advance(phase: str, item: str | None, total: int) -> None:
            if phase not in tasks:
                tasks[phase] = bars.add_task(phase, total=total, item="")
            elif item is None:
                bars.reset(tasks[phase], total=total, item="")
            if item is not None:
                bars.update(tasks[phase], advance=1, total=total, item=item)

        yield advance
