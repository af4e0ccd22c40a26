"""The contract of a device: where orders are followed.

One file a device, found through the entry-point group `mvmoe.devices`. A device on another machine
(a phone behind adb, an iPhone behind Xcode's tools) gets the same orders, sends their files
there, and passes on the lines that come back.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from mvmoe_bench.measure.schema.orders import MeasurementOrder
from mvmoe_bench.measure.schema.records import Conditions, EngineChoice, Record
from mvmoe_deploy.bundle.manifest import Target

Emit = Callable[[Record], None]


@dataclass(frozen=True)
class Variant:
    """One way in which a device can run a target: an engine's options, and what that means."""

    requested: EngineChoice
    engine_options: dict[str, str] = field(default_factory=dict)
    engine_modules: tuple[str, ...] = ()
    """What an application with this engine imports; for Python's devices."""
    label: str = ""
    """Tells several variants of one target apart; empty for the usual one."""
    program: str = ""
    """Which of the device's programs runs it; empty where the device has only one."""


class Device(Protocol):
    """Where a benchmark runs.

    Invariants:

    - `run` follows an order to its end and then emits all its lines, as `lines.py` has them; the
      last is not `Done`, which is the planner's word.
    - What fails is a `Failure` line of its subject; the others go on. `run` raises EngineError only
      if nothing can be run at all any more; it then has emitted what was measured until then.
    - Interrupted, `run` emits what was measured and raises KeyboardInterrupt.
    - Paths in an order are this machine's; a device elsewhere brings the files there first.
    """

    name: str

    def is_this_machine(self) -> bool:
        """Whether it is the machine that this program runs on, described as well as possible."""

    def require(self) -> None:
        """Refuse a machine that has no such device; raises UnsupportedPlatformError."""

    def identity(self) -> dict[str, Any]:
        """What the device says of itself: processor, cores, memory, system, versions, load."""

    def variants(self, target: Target, *, plugins: bool) -> list[Variant]:
        """How it runs a target, the usual way first.

        With `plugins` a runner of another distribution may be imported. Raises InputError for one
        that may not, or for no runner at all, UnsupportedPlatformError for a target that it cannot
        run, MissingExtraError for one whose engine is not installed.
        """

    def subjects(self) -> tuple[str, ...] | None:
        """The kinds of subjects that it can run; None for all."""

    def load_average(self) -> tuple[float, ...] | None:
        """Processes that wanted to run in the last 1, 5 and 15 minutes, if the device says."""

    def conditions(self) -> Conditions | None:
        """How warm it is, and its battery; None for a machine that is no phone."""

    def prepared(self) -> AbstractContextManager[None]:
        """What a run changes on the device; undone at its end, however it ends."""

    def run(self, order: MeasurementOrder, emit: Emit) -> None:
        """Follow one order, while the device is prepared."""
