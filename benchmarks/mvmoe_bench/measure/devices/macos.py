"""This Mac: what the host does, with the version of macOS."""

import platform
import sys
from typing import Any

from mvmoe_bench.measure.devices.host import HostDevice
from mvmoe_deploy.errors import UnsupportedPlatformError


class MacDevice(HostDevice):
    """A Mac. Not yet run on one: see docs/verified.md."""

    name = "macos"

    def is_this_machine(self) -> bool:
        """Yes on macOS."""
        return sys.platform == "darwin"

    def require(self) -> None:
        """Refuse another system."""
        if sys.platform != "darwin":
            raise UnsupportedPlatformError(
                f"the device macos was asked for, and this is {platform.system()}; run mvmoe bench "
                "on a Mac, or give --device host",
                name="macos",
                expected="Darwin",
                found=platform.system(),
            )

    def identity(self) -> dict[str, Any]:
        """This machine's, with the version of macOS."""
        return {**super().identity(), "os": f"macOS {platform.mac_ver()[0]}"}


PART = MacDevice
