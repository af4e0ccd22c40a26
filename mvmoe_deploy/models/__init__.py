"""Routed models in PyTorch: the contract, families, presets and checkpoints.

Importing this package imports PyTorch; nothing of the runtime does.
"""

from mvmoe_deploy.models.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from mvmoe_deploy.models.contract import Family, FamilyModel, RoutedModel
from mvmoe_deploy.models.counting import Counts, count
from mvmoe_deploy.models.families import build, families, find_family
from mvmoe_deploy.models.input_choices import InputChoices
from mvmoe_deploy.models.model_config import ModelConfig
from mvmoe_deploy.models.of_bundle import load_for_bundle
from mvmoe_deploy.models.presets import preset, preset_names

__all__ = [
    "Checkpoint",
    "Counts",
    "Family",
    "FamilyModel",
    "InputChoices",
    "ModelConfig",
    "RoutedModel",
    "build",
    "count",
    "families",
    "find_family",
    "load_checkpoint",
    "load_for_bundle",
    "preset",
    "preset_names",
    "save_checkpoint",
]
