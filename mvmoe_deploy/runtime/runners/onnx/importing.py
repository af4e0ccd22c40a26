"""The one place that imports ONNX Runtime, so that its telemetry is off before it is loaded.

Its official builds write a device identifier and a database of events below the user's cache
directory, and look up a host of Microsoft's, as soon as they are loaded. The environment variable
below is their documented switch (`Privacy.md` in its package), and it is read at that moment.
"""

import importlib
import os
from typing import Any

from mvmoe_deploy.errors import MissingExtraError

TELEMETRY_SWITCH = "ORT_DISABLE_TELEMETRY"


def disable_telemetry() -> None:
    """Switch the telemetry off here and in processes started from here, unless the user chose."""
    os.environ.setdefault(TELEMETRY_SWITCH, "1")


def import_onnxruntime(module: str = "onnxruntime") -> Any:
    """ONNX Runtime, or the `module` of it that is named in full, without its telemetry.

    Raises MissingExtraError if it is not installed. A program that has imported ONNX Runtime itself
    before has decided for itself.
    """
    disable_telemetry()
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError.from_import(error, "ONNX Runtime", "onnx") from error
