"""Super-class guided training of Mobile V-MoE (arXiv 2309.04354, section 3.2).

`train` is the whole of it: dense baseline, its confusion matrix, super-classes, routed models.
Importing this package imports PyTorch; the other libraries of the `train` extra are imported
where they are used.
"""

from mvmoe_deploy.training.data import ImageData, Split, load_data
from mvmoe_deploy.training.digits import digits_preprocessing, digits_split
from mvmoe_deploy.training.options import ROUTINGS, TrainOptions, default_options
from mvmoe_deploy.training.pipeline import train
from mvmoe_deploy.training.progress import Progress, RichProgress, Silent, terminal_progress
from mvmoe_deploy.training.report import RoutingReport, TrainReport

__all__ = [
    "ROUTINGS",
    "ImageData",
    "Progress",
    "RichProgress",
    "RoutingReport",
    "Silent",
    "Split",
    "TrainOptions",
    "TrainReport",
    "default_options",
    "digits_preprocessing",
    "digits_split",
    "load_data",
    "terminal_progress",
    "train",
]
