"""The parameters that have a part for each class: a model's head, whatever its names are."""

from typing import Any

import torch

from mvmoe_deploy.models.families import build, find_family
from mvmoe_deploy.models.model_config import ModelConfig
from mvmoe_deploy.models.weight_choice import choose

_MOST_CLASSES = 1_000_000


def class_dimensions(config: ModelConfig) -> dict[str, int]:
    """The dimension of the classes of each parameter or buffer that has one, by name.

    Two models whose numbers of classes differ are compared; neither takes memory.
    """
    classes = config.num_classes
    others = classes + 1 if classes < _MOST_CLASSES else classes - 1
    with torch.device("meta"):
        shapes, other_shapes = (
            {name: tensor.shape for name, tensor in build(each, seed=0).state_dict().items()}
            for each in (config, config.replace(num_classes=others))
        )
    return {
        name: next(
            axis
            for axis, (one, other) in enumerate(zip(shape, other_shapes[name], strict=True))
            if one != other
        )
        for name, shape in shapes.items()
        if shape != other_shapes[name]
    }


def with_classes_of(
    config: ModelConfig, content: Any, weights: str | None, where: str
) -> ModelConfig:
    """A configuration with the number of classes that the weights in a file answer with.

    `content` and `weights` are as `choose` takes them; raises CheckpointError as it does. Weights
    that say no number of classes leave the configuration as it is: loading them names what is
    wrong.
    """
    with torch.device("meta"):
        expected = build(config, seed=0).state_dict()
    axes, fits = class_dimensions(config), find_family(config.family).fits

    def fits_but_for_classes(name: str, tensor: torch.Tensor) -> bool:
        return name in axes or fits(name, tensor, expected[name])

    found = choose(content, frozenset(expected), fits_but_for_classes, weights, where).tensors
    counts = {
        tensor.shape[axis]
        for name, axis in axes.items()
        if (tensor := found.get(name)) is not None
        and not tensor.is_nested
        and tensor.ndim == expected[name].ndim
    }
    if len(counts) == 1 and 0 < (count := counts.pop()) <= _MOST_CLASSES:
        return config.replace(num_classes=count)
    return config
