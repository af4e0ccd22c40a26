"""This machine's JVM: the dispatcher in Kotlin follows the orders, beside that in Python.

`make kotlin-runner` builds the program (`kotlin/mvmoe-runner`); `MVMOE_JVM_RUNNER` names another
folder with its jars.
"""

import os
import shutil
from pathlib import Path

from mvmoe_bench.measure.devices.beside_python import DeviceBesidePython
from mvmoe_bench.measure.following import OrderProgram
from mvmoe_deploy.errors import MissingExtraError, UnsupportedPlatformError

_RUNNER = "MVMOE_JVM_RUNNER"
"""Names the folder of the runner's jars."""

_BUILT = Path(__file__).parents[4] / "kotlin/mvmoe-runner/target/runner"
"""Where a checkout has them."""


class JvmDevice(DeviceBesidePython):
    """This machine, with the Kotlin library on its JVM, and Python's dispatcher beside it."""

    name = "jvm"
    language = "Kotlin"
    version = "java"
    built_by = "make kotlin-runner"

    def require(self) -> None:
        """Refuse a machine without a JVM, or without the runner."""
        if shutil.which("java") is None:
            raise UnsupportedPlatformError(
                "the device jvm was asked for, and this machine has no java; install a JRE of "
                "version 17 or later, or give --device host",
                name="java",
            )
        if not any(self._jars.glob("*.jar")):
            raise MissingExtraError(
                f"the device jvm needs the runner of the Kotlin library, which {self._jars} does "
                f"not have; run {self.built_by} in a checkout, or name its folder in {_RUNNER}",
                what="mvmoe-runner",
            )

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


PART = JvmDevice
