"""What PyTorch says of images, stage by stage: the reference that graphs are held against."""

import numpy as np
import torch
from torch import Tensor

from mvmoe_deploy import routing
from mvmoe_deploy.models.contract import RoutedModel


def follow(model: RoutedModel, images: Tensor) -> dict[str, np.ndarray]:
    """Take images `[n, C, H, W]` through the model's stages one by one, by the reference rules.

    Gives `image`, `answer`, and for each routed stage i `logits.i`, `route.i` and `gates.i`: the
    names of the golden vectors.
    """
    vectors = {"image": images.numpy()}
    output = model.stage(0, ()).eval()(images)
    for index, rule in enumerate(model.routing, start=1):
        tokens, logits = output
        routes, gates = routing.select(logits.numpy(), rule)
        vectors |= {f"logits.{index}": logits.numpy()}
        vectors |= {f"route.{index}": routes, f"gates.{index}": gates}
        output = _step(model, index, tokens, routes, torch.from_numpy(gates))
    return vectors | {"answer": output.numpy()}


def _step(
    model: RoutedModel, index: int, tokens: Tensor, routes: np.ndarray, gates: Tensor
) -> tuple[Tensor, ...] | Tensor:
    """One routed stage over images that take different routes."""
    rows: list[tuple[Tensor, ...]] = []
    stages = {}
    for image, route in enumerate(map(tuple, routes.tolist())):
        stage = stages.setdefault(route, model.stage(index, route).eval())
        output = stage(tokens[image : image + 1], gates[image : image + 1])
        rows.append(output if isinstance(output, tuple) else (output,))
    columns = tuple(torch.cat(column) for column in zip(*rows, strict=True))
    return columns if len(columns) > 1 else columns[0]
