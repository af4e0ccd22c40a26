"""Golden vectors: a few inputs with their logits, routes, gates and answers, from PyTorch."""

import numpy as np
import torch

from mvmoe_deploy.errors import CheckFailedError
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_export.parity.images import synthetic_images
from mvmoe_export.parity.reference import follow

_CANDIDATES = 64
_IMAGES = 8
_ROUTING_TOLERANCE = 1e-3
"""Between `forward` and the stages run in a row, relative to the largest answer: both are PyTorch
in fp32, so anything above rounding is another route or another gate."""


def golden_vectors(model: RoutedModel) -> dict[str, np.ndarray]:
    """Vectors by name (see `docs/bundle.md`), for images that take as many routes as possible.

    Raises CheckFailedError if the model's `forward` does not follow its own routing rules.
    """
    with torch.no_grad():
        vectors = follow(model, synthetic_images(model.input, _CANDIDATES, seed=2))
        # One by one: a model that lets the images of a batch depend on each other shows it here.
        answer = np.concatenate(
            [model(image[None]).numpy() for image in torch.from_numpy(vectors["image"])]
        )
    _require_same(model, vectors["answer"], answer)
    chosen = _most_diverse(vectors)
    return {name: array[chosen] for name, array in vectors.items()}


def _most_diverse(vectors: dict[str, np.ndarray]) -> np.ndarray:
    """Indices of a few images: first one of each route, then the rest in order."""
    routes = [name for name in vectors if name.startswith("route.")]
    seen: set[tuple[object, ...]] = set()
    fresh, again = [], []
    for image in range(len(vectors["image"])):
        key = tuple(tuple(vectors[name][image].tolist()) for name in routes)
        (again if key in seen else fresh).append(image)
        seen.add(key)
    return np.array((fresh + again)[:_IMAGES])


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
