"""Routed models in PyTorch: the contract, ViT and Mobile V-MoE, presets and checkpoints.

Importing this package imports PyTorch; nothing of the runtime does.
"""

from mvmoe_deploy.models.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from mvmoe_deploy.models.config import MobileVMoEConfig, ViTConfig
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.models.counting import Counts, count
from mvmoe_deploy.models.input_choices import InputChoices
from mvmoe_deploy.models.mobile_vmoe import MobileVMoE
from mvmoe_deploy.models.of_bundle import load_for_bundle
from mvmoe_deploy.models.presets import build, preset, preset_names
from mvmoe_deploy.models.vit import ViT

__all__ = [
    "Checkpoint",
    "Counts",
    "InputChoices",
    "MobileVMoE",
    "MobileVMoEConfig",
    "RoutedModel",
    "ViT",
    "ViTConfig",
    "build",
    "count",
    "load_checkpoint",
    "load_for_bundle",
    "preset",
    "preset_names",
    "save_checkpoint",
]
