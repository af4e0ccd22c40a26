"""How the progress of a run is shown: a protocol, nothing, lines, and bars on a terminal.

Several processes are started with a copy of the progress object, and the first one uses it: an
object of your own must be picklable before it is entered if `devices` is above 1.
"""

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from mvmoe_deploy.text import one_line

if TYPE_CHECKING:
    from mvmoe_deploy.system.progress_lines import ProgressPhase


class Progress(Protocol):
    """Called by the first process of a run; entered before the first phase, left after the last."""

    def __enter__(self) -> Self:
        """Begin to show."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End showing, whatever happened."""

    def note(self, text: str) -> None:
        """Something that a person should know before the first phase, in one line."""

    def warn(self, text: str) -> None:
        """Something that a person may want to stop the run for, in one line."""

    def images(self, total: int) -> None:
        """Before the first phase `total` images are checked, whether they can be read."""

    def checked(self, count: int) -> None:
        """`count` more of them were checked."""

    def phase(self, name: str, epochs: int, done: int) -> None:
        """A phase begins, `done` of its `epochs` behind it."""

    def step(self, share: float) -> None:
        """A step is done, which is `share` of an epoch."""

    def epoch(self, record: dict[str, Any]) -> None:
        """An epoch is done; `record` is its line in `metrics.jsonl`."""


class Silent:
    """Shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def note(self, text: str) -> None:
        """Do nothing."""

    def warn(self, text: str) -> None:
        """Do nothing."""

    def images(self, total: int) -> None:
        """Do nothing."""

    def checked(self, count: int) -> None:
        """Do nothing."""

    def phase(self, name: str, epochs: int, done: int) -> None:
        """Do nothing."""

    def step(self, share: float) -> None:
        """Do nothing."""

    def epoch(self, record: dict[str, Any]) -> None:
        """Do nothing."""


class ProgressAsLines:
    """No bars: a line on stderr when a phase begins, each minute, and at its end."""

    def __enter__(self) -> Self:
        from mvmoe_deploy.system.progress_lines import ProgressLines

        # Made here and not before: this object travels to another process first.
        self._lines = ProgressLines().__enter__()
        self._current: ProgressPhase | None = None
        return self

    def __exit__(self, *error: object) -> None:
        self._lines.__exit__(*error)

    def note(self, text: str) -> None:
        """Print it."""
        from mvmoe_deploy.system.progress_lines import write_line

        write_line(text)

    def warn(self, text: str) -> None:
        """Print it, marked as a warning."""
        self.note(f"warning: {text}")

    def images(self, total: int) -> None:
        """The images begin."""
        self._begin("images, are they readable?", total)

    def checked(self, count: int) -> None:
        """So many more were checked."""
        if self._current is not None:
            self._lines.done(self._current, count)

    def phase(self, name: str, epochs: int, done: int) -> None:
        """A phase begins, in place of one before it that has ended early."""
        self._begin(name, epochs, done, "epoch")

    def step(self, share: float) -> None:
        """Only the line of the minute tells it."""
        if self._current is not None:
            # The last step leaves the last word to `epoch`, which knows the accuracy.
            self._current.done = min(self._current.done + share, self._current.total - 1e-3)

    def epoch(self, record: dict[str, Any]) -> None:
        """Keep its accuracy for the line of the minute; the last epoch ends the phase."""
        if self._current is not None:
            self._current.words = f"held-out {100 * record['held_out_accuracy']:.2f} %"
            self._lines.done(self._current, record["epoch"] - self._current.done)

    def _begin(self, name: str, total: int, done: int = 0, unit: str = "") -> None:
        from mvmoe_deploy.system.progress_lines import ProgressPhase

        if self._current is not None:
            self._lines.end(self._current)
        self._current = self._lines.begin(ProgressPhase(name, total, done, unit=unit))


class RichProgress:
    """One bar for each phase, on stderr."""

    def __enter__(self) -> Self:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        # Made here and not before: this object travels to another process first.
        self._bars = Progress(
            TextColumn("{task.description:<12}"),
            BarColumn(),
            TextColumn("{task.fields[epochs]:>9}  {task.fields[note]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def note(self, text: str) -> None:
        """Print it above the bars."""
        self._bars.console.print(one_line(text), markup=False, highlight=False, soft_wrap=True)

    def warn(self, text: str) -> None:
        """Print it above the bars, marked as a warning."""
        self.note(f"warning: {text}")

    def images(self, total: int) -> None:
        """Add a bar that counts images."""
        self._looked, self._images = 0, total
        self._looking = self._bars.add_task(
            "images", total=total, epochs=f"0/{total}", note="are they readable?"
        )

    def checked(self, count: int) -> None:
        """Move the bar of the images."""
        self._looked += count
        self._bars.update(
            self._looking, completed=self._looked, epochs=f"{self._looked}/{self._images}"
        )

    def phase(self, name: str, epochs: int, done: int) -> None:
        """Add a bar."""
        self._epochs = epochs
        count = f"{done}/{epochs}"
        self._task = self._bars.add_task(
            name, total=epochs, completed=done, epochs=count, note="held-out    -  "
        )

    def step(self, share: float) -> None:
        """Move the bar."""
        self._bars.advance(self._task, share)

    def epoch(self, record: dict[str, Any]) -> None:
        """Set the bar to the epoch and show its accuracy."""
        self._bars.update(
            self._task,
            completed=record["epoch"],
            epochs=f"{record['epoch']}/{self._epochs}",
            note=f"held-out {100 * record['held_out_accuracy']:6.2f} %",
        )


def terminal_progress() -> Progress:
    """Bars if stderr is a terminal, else lines."""
    is_terminal = sys.stderr is not None and sys.stderr.isatty()
    return RichProgress() if is_terminal else ProgressAsLines()
