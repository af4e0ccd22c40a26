"""Squares of one grey level each, dark or bright: a data set of another distribution."""

from types import MappingProxyType

import numpy as np
from PIL import Image

from mvmoe_deploy.preprocessing import resize
from mvmoe_deploy.training.augment import Example


class Shades:
    """Ten classes, since `colour_tiny` has ten: a class is a tenth of the levels."""

    classes = tuple(f"shade {level}" for level in range(10))
    kind = "logits"
    preset = "colour_tiny"
    recipe = MappingProxyType({"dense_epochs": 1, "moe_epochs": 1, "batch_size": 20})

    @staticmethod
    def augment(image, label, spec, rng):
        """Nothing is varied."""
        return Example(resize(Image.fromarray(np.asarray(image)), spec), label)

    def at(self, folder):
        """These images are no files."""

    def split(self, part):
        """Forty images, other ones in each split."""
        rng = np.random.default_rng(sum(map(ord, part)))
        labels = np.arange(40) % 10
        levels = 25 * labels + rng.integers(0, 25, 40)
        return np.repeat(levels, 64).reshape(40, 8, 8).astype(np.uint8), labels

    def suited_input(self, config):
        """Levels between -1 and 1."""
        channels = config.in_channels
        return {"resize": "squash", "mean": (0.5,) * channels, "std": (0.5,) * channels}


PART = Shades()
