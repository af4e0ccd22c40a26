"""This Mac: what the host does, and Core ML on each of its compute units."""

import platform
import sys
from typing import Any

from mvmoe_bench.measure.devices.contract import Variant
from mvmoe_bench.measure.devices.host import HostDevice
from mvmoe_bench.measure.schema.records import EngineChoice
from mvmoe_deploy.bundle.manifest import Target
from mvmoe_deploy.errors import UnsupportedPlatformError

COMPUTE_UNITS = ("all", "cpuAndNeuralEngine", "cpuAndGPU", "cpuOnly")


class MacDevice(HostDevice):
    """A Mac. Not yet run on one: see docs/verified.md."""

    name = "macos"

    def require(self) -> None:
        """Refuse another system."""
        if sys.platform != "darwin":
            raise UnsupportedPlatformError(
                f"the device macos was asked for, and this is {platform.system()}; run mvmoe bench "
                "on a Mac, or give --device host"
            )

    def identity(self) -> dict[str, Any]:
        """This machine's, with the version of macOS."""
        return {**super().identity(), "os": f"macOS {platform.mac_ver()[0]}"}

    def variants(self, target: Target) -> list[Variant]:
        """Core ML with each compute unit; the others as the host runs them."""
        if target.format != "coreml":
            return super().variants(target)
        return [_core_ml(units) for units in COMPUTE_UNITS]


def _core_ml(units: str) -> Variant:
    """Core ML on some of its units."""
    requested = EngineChoice(engine=f"Core ML of macOS {platform.mac_ver()[0]}", compute_unit=units)
    label = "" if units == COMPUTE_UNITS[0] else units
    return Variant(requested, {"compute_units": units}, ("coremltools",), label)


PART = MacDevice
