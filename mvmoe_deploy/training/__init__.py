"""Super-class guided training of Mobile V-MoE (arXiv 2309.04354, section 3.2).

`train` is the whole of it: dense baseline, its confusion matrix, super-classes, routed models.
Names are loaded when they are asked for: data sets and image folders can be read without PyTorch.
"""

import importlib
from typing import Any

_HOMES = {
    "ImageData": "data",
    "Progress": "training_progress",
    "RichProgress": "training_progress",
    "RoutingReport": "training_report",
    "Silent": "training_progress",
    "Split": "data",
    "StartReport": "training_report",
    "TrainOptions": "train_options",
    "TrainReport": "training_report",
    "configuration_of": "starting_weights",
    "default_options": "train_options",
    "digits_preprocessing": "datasets.digits",
    "digits_split": "datasets.digits",
    "load_data": "data",
    "suited_preset": "data",
    "terminal_progress": "training_progress",
    "train": "pipeline",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    """Load the module that has `name`, once it is asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
