"""What a result was made on and with."""

import importlib.metadata
import os
import platform

from mvmoe_bench.measure.machine.identity import cpu_model

_PACKAGES = (
    "mvmoe-deploy", "torch", "numpy", "pillow", "networkx", "scikit-learn", "lightning-fabric",
    "matplotlib", "onnxruntime", "executorch",
)  # fmt: skip


def versions() -> dict[str, str]:
    """The packages that figures depend on, as far as they are installed."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def cpu() -> str:
    """The processor's name, with the number of its cores."""
    return f"{cpu_model()}, {os.cpu_count()} cores"
