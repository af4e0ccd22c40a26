"""What PyTorch says of images, stage by stage: the reference that graphs are held against."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from mvmoe_deploy.errors import CheckFailedError
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.routing import Route
from mvmoe_export.parity.walk import Vectors, walk
from mvmoe_export.user_code import user_code

_AT_ONCE = 32
"""Images in one call: attention over all of them would take too much memory."""

_ROUTING_TOLERANCE = 1e-3
"""Between `forward` and the stages run in a row, relative to the largest answer: both are PyTorch
in fp32, so anything above rounding is another route or another gate."""


class TorchStages:
    """The engine that a model's own stages are."""

    def __init__(self, model: RoutedModel) -> None:
        self._model = model

    def stem(self, images: np.ndarray) -> Vectors:
        """What the stem gives."""
        return self._run(self._model.stage(0, ()).eval(), images)

    def step(self, stage: int, route: Route, tokens: np.ndarray, gates: np.ndarray) -> Vectors:
        """What a routed stage gives."""
        return self._run(self._model.stage(stage, route).eval(), tokens, gates)

    @staticmethod
    def _run(module: Callable[..., Tensor | tuple[Tensor, ...]], *inputs: np.ndarray) -> Vectors:
        """A stage on `[n, ...]`, some rows at a time."""
        parts = []
        with torch.no_grad():
            for first in range(0, len(inputs[0]), _AT_ONCE):
                rows = slice(first, first + _AT_ONCE)
                # Copies: a module may change what it is given.
                given = (torch.from_numpy(array[rows].copy()) for array in inputs)
                with user_code(f"{type(module).__name__}.forward"):
                    output = module(*given)
                parts.append(output if isinstance(output, tuple) else (output,))
        columns = [torch.cat(column).numpy() for column in zip(*parts, strict=True)]
        names = ("next_tokens", "logits") if len(columns) > 1 else ("answer",)
        return dict(zip(names, columns, strict=True))


def follow(model: RoutedModel, images: Tensor) -> Vectors:
    """Take images `[n, C, H, W]` through the model's stages one by one, by the reference rules.

    Gives `image`, `answer`, and for each routed stage i `logits.i`, `route.i` and `gates.i`: the
    names of the golden vectors.
    """
    stages = TorchStages(model)
    inputs = images.numpy()
    return {"image": inputs, **walk(stages, model.routing, stages.stem(inputs))}


def follow_checked(model: RoutedModel, images: Tensor) -> Vectors:
    """As `follow`, and hold its answers against those of the model's own `forward`.

    Raises CheckFailedError if `forward` does not follow the model's own routing rules.
    """
    with torch.no_grad():
        vectors = follow(model, images)
        # One by one: a model that lets the images of a batch depend on each other shows it here.
        with user_code(f"{type(model).__name__}.forward"):
            answer = np.concatenate([model(image[None].clone()).numpy() for image in images])
    _require_same(model, vectors["answer"], answer)
    return vectors


def _require_same(model: RoutedModel, staged: np.ndarray, answer: np.ndarray) -> None:
    """Refuse a model whose forward routes otherwise than its stages and rules say."""
    scale = max(float(np.abs(answer).max()), 1e-3)
    near = np.abs(staged - answer).max(axis=1) <= _ROUTING_TOLERANCE * scale
    wrong = np.flatnonzero(~near)  # Not a number is not near.
    if len(wrong):
        raise CheckFailedError(
            f"{type(model).__name__}.forward answers otherwise than its stages under its routing "
            f"rules {list(model.routing)} for {len(wrong)} of {len(answer)} images; the rules must "
            "say how forward selects experts and weighs their gates, and no image may depend on "
            "the others of its batch"
        )
