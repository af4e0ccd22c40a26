"""Named configurations: the paper's grid, its dense twins, and `digits`."""

from itertools import product
from pathlib import Path

import msgspec
import torch

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.config import MobileVMoEConfig, ViTConfig, config_from_dict
from mvmoe_deploy.models.mobile_vmoe import MobileVMoE
from mvmoe_deploy.models.vit import ViT
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.strict_json import require_shallow
from mvmoe_deploy.text import json_text

_HEADS = {384: 6, 192: 3, 96: 3, 64: 2}
"""Heads by width: 64 features a head as in DeiT, 32 in the two smallest models."""

DIGITS = MobileVMoEConfig(
    image_size=8,
    patch_size=2,
    in_channels=1,
    num_classes=10,
    width=64,
    depth=6,
    heads=4,
    experts=4,
    moe_layers=2,
)
"""For scikit-learn's 8 x 8 digits: small enough to train on a laptop in a minute."""


def _grid() -> dict[str, ViTConfig]:
    """The paper's grid at 224 pixels (section 4): depth, width and patch size."""
    presets: dict[str, ViTConfig] = {}
    for depth, width, patch in product((12, 9, 6), _HEADS, (32, 16)):
        config = MobileVMoEConfig(depth=depth, width=width, heads=_HEADS[width], patch_size=patch)
        name = f"{depth}x{width}_p{patch}_224"
        presets[f"mobile_vmoe_{name}"] = config
        presets[f"vit_{name}"] = config.dense()
    return presets


PRESETS: dict[str, ViTConfig] = {"digits": DIGITS, "vit_digits": DIGITS.dense(), **_grid()}

_MODELS: dict[str, type[ViT]] = {"vit": ViT, "mobile_vmoe": MobileVMoE}


def preset_names() -> list[str]:
    """The names `preset` knows."""
    return list(PRESETS)


def preset(name: str) -> ViTConfig:
    """The configuration of a preset; raises InputError for an unknown name."""
    if name not in PRESETS:
        raise InputError(f"preset {name!r} is unknown; known are {', '.join(PRESETS)}")
    return PRESETS[name]


def configuration(preset_or_file: str) -> ViTConfig:
    """The configuration of a preset's name or of a JSON file `{"family": ..., "config": ...}`."""
    path = Path(preset_or_file)
    if preset_or_file in PRESETS or path.suffix != ".json":
        return preset(preset_or_file)
    try:
        text = json_text(path.read_bytes())
        require_shallow(text)
        content = msgspec.json.decode(text, type=dict)
    except OSError as error:
        raise InputError(f"config file {path} cannot be read ({error.strerror})") from error
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InputError(f"config file {path} is not a JSON object: {error}") from error
    return config_from_dict(content.get("family"), content.get("config"), f"config file {path}")


def build(
    config: ViTConfig, preprocessing: Preprocessing | None = None, seed: int | None = None
) -> ViT:
    """A model with random weights; `seed` makes them repeatable without touching the global RNG."""
    if seed is None:
        return _MODELS[config.family](config, preprocessing)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _MODELS[config.family](config, preprocessing)
