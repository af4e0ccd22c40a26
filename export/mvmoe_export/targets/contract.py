"""The contract of a target: stages in, graphs of one format out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.errors import InputError
from mvmoe_export.stages import Stages

Options = TypeVar("Options")
Records = dict[str, manifest.Target]
"""The manifest's record of what was written, by the name it has in the bundle."""


def _ignore(_: str) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True)
class ExportOptions:
    """What a caller may choose."""

    rewrites: tuple[str, ...] | None = None
    """The rewrites to apply, in order; None leaves it to the targets, `()` is the naive export."""
    targets: Mapping[str, Any] = field(default_factory=dict)
    """Options of single targets by the target's name, of the class that it documents."""
    identity: Mapping[str, str] = field(default_factory=dict)
    """What formats with a place for it are told: name, author, license, description, version."""
    labels: tuple[str, ...] | None = None
    progress: Callable[[str], None] = _ignore
    """Called with a graph's name when it was written."""

    def of(self, target: str, default: type[Options]) -> Options:
        """The options of one target, or its defaults.

        Raises InputError if they are of another class than the default.
        """
        given = self.targets.get(target)
        if given is None:
            return default()
        if not isinstance(given, default):
            raise InputError(
                f"options of the target {target} are a {type(given).__name__}; give its "
                f"{default.__name__}"
            )
        return given


class Work(Protocol):
    """A target at work, perhaps in another process."""

    def ready(self) -> bool:
        """Whether `finish` would not wait for another process."""

    def finish(self) -> Records:
        """Wait for it; the parity report of the records is still open."""

    def cancel(self) -> None:
        """Stop it and wait until it has stopped; does nothing once it has finished."""


class Target(Protocol):
    """A format with its engine. One without `require` and `room` is taken as able to do all.

    Invariants:

    - `start` returns soon; several targets work side by side, and finish in any order.
    - A target writes only below `root / name`, and into `scratch`, which is removed afterwards.
    - Every graph of every stage is in each of its records, under its own name and route.
    - A tensor that several graphs read is stored once, as far as the format can.
    - Router logits and answers leave the graphs in fp32; no graph selects a route.
    - The same stages and options give the same bytes.
    """

    name: str

    def require(self, stages: Stages, options: ExportOptions) -> None:
        """Refuse what is known to fail: called for every target before the first one starts.

        Raises InputError for options that it cannot serve, MissingExtraError for a package that
        the work or the check of its graphs needs. Takes no time.
        """

    def room(self, stages: Stages, options: ExportOptions) -> int:
        """Bytes that it surely needs below `root` and `scratch` together, at its peak."""

    def start(self, stages: Stages, options: ExportOptions, root: Path, scratch: Path) -> Work:
        """Start to write all graphs; raises InputError for options that it cannot serve."""


@dataclass(frozen=True)
class Deferred:
    """Work that is done when it is asked for, in this process."""

    work: Callable[[], Records]

    def ready(self) -> bool:
        """It waits for nobody."""
        return True

    def finish(self) -> Records:
        """Do it."""
        return self.work()

    def cancel(self) -> None:
        """Nothing runs yet."""
