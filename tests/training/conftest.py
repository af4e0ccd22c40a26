"""A model that trains in seconds and an image folder that holds real classes."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mvmoe_deploy.models.families.mobile_vmoe import MobileVMoEConfig
from mvmoe_deploy.training import TrainOptions


@pytest.fixture(scope="session")
def tiny_config() -> MobileVMoEConfig:
    """Two layers, the second one with three experts, for 8 x 8 grey images."""
    return MobileVMoEConfig(
        image_size=8,
        patch_size=4,
        in_channels=1,
        num_classes=10,
        width=16,
        depth=2,
        heads=2,
        experts=3,
        moe_layers=1,
    )


@pytest.fixture(scope="session")
def tiny_options(tiny_config: MobileVMoEConfig) -> Callable[..., TrainOptions]:
    """Options of a run of a few seconds, with changes."""

    def make(**changes: object) -> TrainOptions:
        recipe = {
            "dense_epochs": 2,
            "moe_epochs": 2,
            "batch_size": 64,
            "lr": 4e-3,
            "ema": 0.9,
            "threads": 1,
        }
        return TrainOptions(**{"config": tiny_config, **recipe, **changes})

    return make


@pytest.fixture
def image_folder(tmp_path: Path) -> Path:
    """Three classes told apart by colour: ten training images each, three test images."""
    root = tmp_path / "images"
    rng = np.random.default_rng(0)
    for part, count in (("train", 10), ("val", 3)):
        for channel, name in enumerate(("blue", "green", "red")):
            folder = root / part / name
            folder.mkdir(parents=True)
            for number in range(count):
                pixels = rng.integers(0, 80, size=(20, 24, 3), dtype=np.uint8)
                pixels[:, :, 2 - channel] += 150
                Image.fromarray(pixels).save(folder / f"{number}.png")
    return root
