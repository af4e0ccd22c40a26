"""mvmoe-deploy: what a user of bundles needs, and the routed models.

Importing this package imports neither PyTorch nor any engine; the names below load their modules
when they are first used.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mvmoe_deploy.bundle import Bundle
    from mvmoe_deploy.errors import MvmoeError
    from mvmoe_deploy.preprocessing import PixelBuffer, Plane
    from mvmoe_deploy.runtime import Dispatcher, Prediction
    from mvmoe_deploy.runtime.engine_versions import UntestedEngineWarning
    from mvmoe_deploy.verification.bundle_verification import verify_bundle

__version__ = "0.1.0"

__all__ = [
    "Bundle",
    "Dispatcher",
    "MvmoeError",
    "PixelBuffer",
    "Plane",
    "Prediction",
    "UntestedEngineWarning",
    "__version__",
    "verify_bundle",
]

_HOMES = {
    "Bundle": "mvmoe_deploy.bundle",
    "Dispatcher": "mvmoe_deploy.runtime",
    "MvmoeError": "mvmoe_deploy.errors",
    "PixelBuffer": "mvmoe_deploy.preprocessing",
    "Plane": "mvmoe_deploy.preprocessing",
    "Prediction": "mvmoe_deploy.runtime",
    "UntestedEngineWarning": "mvmoe_deploy.runtime.engine_versions",
    "verify_bundle": "mvmoe_deploy.verification.bundle_verification",
}

if not TYPE_CHECKING:  # A type checker that saw it would take any name for one of ours.

    def __getattr__(name: str) -> object:
        """Load the module that has `name`, once it is asked for."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(_HOMES[name]), name)
