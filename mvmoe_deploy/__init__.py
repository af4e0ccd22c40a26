"""mvmoe-deploy: what a user of bundles needs, and the routed models.

Importing this package imports neither PyTorch nor any engine; the names below load their modules
when they are first used.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "Bundle": "mvmoe_deploy.bundle",
    "Dispatcher": "mvmoe_deploy.runtime",
    "Prediction": "mvmoe_deploy.runtime",
    "MvmoeError": "mvmoe_deploy.errors",
    "PixelBuffer": "mvmoe_deploy.preprocessing",
    "Plane": "mvmoe_deploy.preprocessing",
}

__all__ = [
    "Bundle",
    "Dispatcher",
    "MvmoeError",
    "PixelBuffer",
    "Plane",
    "Prediction",
    "__version__",
]


def __getattr__(name: str) -> Any:
    """Load the module that has `name`, once it is asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
