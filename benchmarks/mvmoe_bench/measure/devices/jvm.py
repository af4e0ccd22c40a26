"""This machine's JVM: the dispatcher in Kotlin follows the orders, beside that in Python.

The same bundle answers the same questions in both languages, in processes that take turns. Ratios
of two subjects of one language are of the same round; between languages they are of the same
repeat. `make kotlin-runner` builds the program (`kotlin/mvmoe-runner`); `MVMOE_JVM_RUNNER` names
another folder with its jars.
"""

import json
import os
import shutil
import subprocess
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from mvmoe_bench.measure.devices.contract import Emit, Variant
from mvmoe_bench.measure.devices.host import HostDevice
from mvmoe_bench.measure.following import OrderProgram, follow
from mvmoe_bench.measure.jobs.answer_timing import rotated
from mvmoe_bench.measure.schema.orders import MeasurementOrder
from mvmoe_bench.measure.schema.records import Conditions, EngineChoice
from mvmoe_deploy.bundle.manifest import Target
from mvmoe_deploy.errors import MissingExtraError, UnsupportedPlatformError

_RUNNER = "MVMOE_JVM_RUNNER"
"""Names the folder of the runner's jars."""

_BUILT = Path(__file__).parents[4] / "kotlin/mvmoe-runner/target/runner"
"""Where a checkout has them."""

_JVM = "jvm"
_PYTHON = "python"


class _Described(msgspec.Struct, frozen=True):
    """What the runner says of itself."""

    java: str
    engines: dict[str, EngineChoice]
    """By the format whose graphs each runs."""
    packages: dict[str, str]
    subjects: tuple[str, ...]


class JvmDevice:
    """This machine, with the Kotlin library on its JVM, and Python's dispatcher beside it."""

    name = "jvm"

    def __init__(self) -> None:
        self._python = HostDevice()

    def is_this_machine(self) -> bool:
        """It is, but the host describes the machine without a JVM, too."""
        return False

    def require(self) -> None:
        """Refuse a machine without a JVM, or without the runner."""
        self._require_java()
        if not any(self._jars.glob("*.jar")):
            raise MissingExtraError(
                f"the device jvm needs the runner of the Kotlin library, which {self._jars} does "
                f"not have; run make kotlin-runner in a checkout, or name its folder in {_RUNNER}",
                what="mvmoe-runner",
            )

    def identity(self) -> dict[str, Any]:
        """This machine's, with the JVM and what runs on it."""
        return {
            **self._python.identity(),
            "java": self._described.java,
            "java_packages": self._described.packages,
        }

    def load_average(self) -> tuple[float, ...] | None:
        """This machine's."""
        return self._python.load_average()

    def conditions(self) -> Conditions | None:
        """Nothing: it is no phone."""
        return self._python.conditions()

    def subjects(self) -> tuple[str, ...] | None:
        """Those that the runner can make."""
        return self._described.subjects

    def variants(self, target: Target, *, plugins: bool) -> list[Variant]:
        """The Kotlin library first, then each way in which Python runs the target."""
        engine = self._described.engines.get(target.format)
        if engine is None:
            raise UnsupportedPlatformError(
                f"the runner of the Kotlin library runs {', '.join(self._described.engines)}, and "
                f"not {target.format}; give another target, or --device host"
            )
        beside = self._python.variants(target, plugins=plugins)
        return [Variant(engine, label="Kotlin", program=_JVM), *map(_of_python, beside)]

    def prepared(self) -> AbstractContextManager[None]:
        """Nothing of the machine is changed."""
        return self._python.prepared()

    def run(self, order: MeasurementOrder, emit: Emit) -> None:
        """Each language's subjects in a process of their own; which comes first goes in turn."""
        for program in rotated((_JVM, _PYTHON), order.repeat):
            subjects = tuple(each for each in order.subjects if each.program == program)
            if not subjects:
                continue
            part = msgspec.structs.replace(order, subjects=subjects)
            if program == _JVM:
                follow(part, self.program(), emit)
            else:
                self._python.run(part, emit)

    @property
    def _jars(self) -> Path:
        """The folder of the runner's jars."""
        return Path(os.environ.get(_RUNNER) or _BUILT)

    def program(self, *words: str) -> OrderProgram:
        """The runner as a program. ONNX Runtime reads the variable before any code can."""
        command = (
            "java", "-XX:+UseSerialGC", "-cp", str(self._jars / "*"),
            "io.github.mvmoe.runner.MainKt", *(words or ("order",)),
        )  # fmt: skip
        return OrderProgram(command, {"ORT_DISABLE_TELEMETRY": "1", **os.environ})

    @cached_property
    def _described(self) -> _Described:
        """What the runner says of itself, asked once."""
        program = self.program("describe")
        try:
            said = subprocess.run(
                program.command, env=dict(program.environment), check=True, capture_output=True
            )
        except subprocess.CalledProcessError as error:
            lines = error.stderr.decode(errors="replace").strip().splitlines()
            raise UnsupportedPlatformError(
                f"the runner of the Kotlin library does not start: {lines[-1] if lines else error}"
            ) from error
        return msgspec.convert(json.loads(said.stdout), _Described)

    def _require_java(self) -> None:
        """Refuse a machine without a JVM."""
        if shutil.which("java") is None:
            raise UnsupportedPlatformError(
                "the device jvm was asked for, and this machine has no java; install a JRE of "
                "version 17 or later, or give --device host"
            )


def _of_python(variant: Variant) -> Variant:
    """A way in which Python runs a target, told apart from that of the JVM."""
    return replace(variant, label=f"Python {variant.label}".strip(), program=_PYTHON)


PART = JvmDevice
