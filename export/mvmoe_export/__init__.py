"""mvmoe_export: from a routed PyTorch model to a bundle. Exporting imports PyTorch.

Names are loaded when they are first used: checking a bundle needs this package, but no exporter.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mvmoe_export.bundling import Identity, export_bundle
    from mvmoe_export.calibration import CalibrationRequest
    from mvmoe_export.parity.pytorch import verify_against_model
    from mvmoe_export.restricting import restricted
    from mvmoe_export.targets import ExportOptions

__all__ = [
    "CalibrationRequest",
    "ExportOptions",
    "Identity",
    "export_bundle",
    "restricted",
    "verify_against_model",
]

_HOMES = {
    "CalibrationRequest": "mvmoe_export.calibration",
    "ExportOptions": "mvmoe_export.targets",
    "Identity": "mvmoe_export.bundling",
    "export_bundle": "mvmoe_export.bundling",
    "restricted": "mvmoe_export.restricting",
    "verify_against_model": "mvmoe_export.parity.pytorch",
}

if not TYPE_CHECKING:  # A type checker that saw it would take any name for one of ours.

    def __getattr__(name: str) -> object:
        """Load a public name from the module that has it."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(_HOMES[name]), name)
