"""A library of another language on this machine, and Python's dispatcher beside it.

The same bundle answers the same questions in both languages, in processes that take turns. Ratios
of two subjects of one language are of the same round; between languages they are of the same
repeat.
"""

import subprocess
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar

import msgspec

from mvmoe_bench.measure.devices.contract import Emit, Variant
from mvmoe_bench.measure.devices.host import HostDevice
from mvmoe_bench.measure.following import OrderProgram, follow
from mvmoe_bench.measure.jobs.answer_timing import rotated
from mvmoe_bench.measure.schema.orders import MeasurementOrder
from mvmoe_bench.measure.schema.records import Conditions, EngineChoice
from mvmoe_deploy.bundle.manifest import Target
from mvmoe_deploy.errors import UnsupportedPlatformError

_PYTHON = "python"


class RunnerDescription(msgspec.Struct, frozen=True):
    """What a runner says of itself."""

    engines: dict[str, EngineChoice]
    """By the format whose graphs each runs."""
    packages: dict[str, str]
    subjects: tuple[str, ...]
    java: str = ""
    """The virtual machine with its version, of a runner that has one."""
    swift: str = ""
    """The language's version, of a runner in Swift."""


class DeviceBesidePython(ABC):
    """This machine, with the library of one language, and Python's dispatcher beside it."""

    name: ClassVar[str]
    language: ClassVar[str]
    """What the library is written in, as reports call it: `Kotlin`."""
    version: ClassVar[str]
    """Which field of the description has the language's version."""
    built_by: ClassVar[str]
    """The command that builds the runner in a checkout."""

    def __init__(self) -> None:
        self._python = HostDevice()

    @abstractmethod
    def require(self) -> None:
        """Refuse a machine without the runner, or without what runs it."""

    @abstractmethod
    def program(self, *words: str) -> OrderProgram:
        """The runner as a program, which follows an order if no other words are given."""

    def is_this_machine(self) -> bool:
        """It is, but the host describes the machine without another language, too."""
        return False

    def identity(self) -> dict[str, Any]:
        """This machine's, with the language and what runs its graphs."""
        return {
            **self._python.identity(),
            self.version: getattr(self._described, self.version),
            f"{self.version}_packages": self._described.packages,
        }

    def load_average(self) -> tuple[float, ...] | None:
        """This machine's."""
        return self._python.load_average()

    def conditions(self) -> Conditions | None:
        """This machine's."""
        return self._python.conditions()

    def subjects(self) -> tuple[str, ...] | None:
        """Those that the runner can make."""
        return self._described.subjects

    def variants(self, target: Target, *, plugins: bool) -> list[Variant]:
        """The language's library first, then each way in which Python runs the target."""
        engine = self._described.engines.get(target.format)
        if engine is None:
            raise UnsupportedPlatformError(
                f"the runner of the {self.language} library runs "
                f"{', '.join(self._described.engines)}, and not {target.format}; give another "
                "target, or --device host",
                name=target.format,
                expected=list(self._described.engines),
            )
        beside = self._python.variants(target, plugins=plugins)
        ours = Variant(engine, label=self.language, program=self.name)
        return [ours, *map(_of_python, beside)]

    def prepared(self) -> AbstractContextManager[None]:
        """Nothing of the machine is changed."""
        return self._python.prepared()

    def run(self, order: MeasurementOrder, emit: Emit) -> None:
        """Each language's subjects in a process of their own; which comes first goes in turn."""
        for program in rotated((self.name, _PYTHON), order.repeat):
            subjects = tuple(each for each in order.subjects if each.program == program)
            if not subjects:
                continue
            part = msgspec.structs.replace(order, subjects=subjects)
            if program == self.name:
                follow(part, self.program(), emit)
            else:
                self._python.run(part, emit)

    @cached_property
    def _described(self) -> RunnerDescription:
        """What the runner says of itself, asked once."""
        program = self.program("describe")
        try:
            said = subprocess.run(
                program.command, env=dict(program.environment), check=True, capture_output=True
            )
        except subprocess.CalledProcessError as error:
            lines = error.stderr.decode(errors="replace").strip().splitlines()
            reason = lines[-1] if lines else str(error)
            raise UnsupportedPlatformError(
                f"the runner of the {self.language} library does not start: {reason}",
                name="mvmoe-runner",
                expected="a start",
                found=reason,
            ) from error
        try:
            return msgspec.json.decode(said.stdout, type=RunnerDescription)
        except msgspec.MsgspecError as error:
            raise UnsupportedPlatformError(
                f"the runner of the {self.language} library does not say what it is ({error}); "
                f"build it again from this version: {self.built_by}",
                name="mvmoe-runner",
                expected="a description",
                found=str(error),
            ) from error


def _of_python(variant: Variant) -> Variant:
    """A way in which Python runs a target, told apart from that of the other language."""
    return replace(variant, label=f"Python {variant.label}".strip(), program=_PYTHON)
