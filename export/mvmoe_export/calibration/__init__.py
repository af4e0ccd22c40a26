"""What images tell of a model before it is compressed: ranges of values, channels that stick out.

`recording.py` takes images through the stages so that every expert sees enough of them,
`smoothing.py` moves outlier channels from what layers take into their weights.
"""

from mvmoe_export.calibration.preparing import (
    Calibrated,
    CalibrationRequest,
    calibrate,
    load_images,
)
from mvmoe_export.calibration.recording import CalibrationRun, record_stages
from mvmoe_export.calibration.smoothing import smoothed

__all__ = [
    "Calibrated",
    "CalibrationRequest",
    "CalibrationRun",
    "calibrate",
    "load_images",
    "record_stages",
    "smoothed",
]
