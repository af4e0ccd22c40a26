"""Golden vectors: a few inputs with their logits, routes, gates and answers, from PyTorch."""

import numpy as np
import torch

from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.routing.choices import choices_of
from mvmoe_export.parity.reference_outputs import check_extremes, checked_reference_outputs
from mvmoe_export.parity.synthetic_images import synthetic_images

_CANDIDATES = 64
GOLDEN_IMAGES = 8


def golden_vectors(model: RoutedModel) -> dict[str, np.ndarray]:
    """Vectors by name (see `docs/bundle.md`), for images that take as many routes as possible.

    Raises CheckFailedError if the model's `forward` does not follow its own routing rules.
    """
    check_extremes(model)
    images = synthetic_images(model.input, _CANDIDATES, seed=2)
    vectors = checked_reference_outputs(model, images)
    chosen = _most_diverse(vectors)
    if choices_of(model.routing):
        # What may be chosen is taken in turn, by the place in the file.
        return checked_reference_outputs(model, images[torch.from_numpy(chosen)])
    return {name: array[chosen] for name, array in vectors.items()}


def _most_diverse(vectors: dict[str, np.ndarray]) -> np.ndarray:
    """Indices of a few images: first one of each route, then the rest in order."""
    memberships = [name for name in vectors if name.startswith("members.")]
    seen: set[tuple[object, ...]] = set()
    fresh: list[int] = []
    again: list[int] = []
    for image in range(len(vectors["image"])):
        key = tuple(tuple(vectors[name][image].tolist()) for name in memberships)
        (again if key in seen else fresh).append(image)
        seen.add(key)
    return np.array((fresh + again)[:GOLDEN_IMAGES])
