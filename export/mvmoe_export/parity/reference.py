"""What PyTorch says of images, stage by stage: the reference that graphs are held against."""

from collections.abc import Sequence
from contextlib import suppress

import numpy as np
import torch
from torch import Tensor

from mvmoe_deploy.errors import CheckFailedError, RoutingError
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.routing import Route
from mvmoe_deploy.routing.choices import are_named
from mvmoe_deploy.routing.contract import route_of
from mvmoe_deploy.verification import metrics
from mvmoe_deploy.verification.bounds import FP32, allowed, is_lost_in_rounding
from mvmoe_deploy.verification.reference import members_in
from mvmoe_deploy.verification.run_stages import Vectors, run_stages, run_stem
from mvmoe_export.flow import flow_of
from mvmoe_export.parity.double_precision import whole_way_error
from mvmoe_export.parity.images import extreme_images
from mvmoe_export.parity.torch_stages import TorchStages
from mvmoe_export.user_code import user_code

_BATCH = 8
"""Images in one call of `forward`."""

_LOGIT_ROUNDING = 1e-6
"""What a router's logits differ by between a batch and an image alone, relative to the largest."""

_ROUTING_TOLERANCE = 1e-3
"""Between `forward` and the stages run in a row, relative to the largest answer: both are PyTorch
in fp32, so anything above rounding is another route or another gate."""


def reference_outputs(model: RoutedModel, images: Tensor) -> Vectors:
    """Take images `[n, C, H, W]` through the model's stages one by one, by the reference rules.

    Gives `image`, `answer`, and for each routed stage i `logits.i`, `members.i` and `gates.i`: the
    names of the golden vectors.
    """
    flows, inputs = flow_of(model), images.numpy()
    engine, records = TorchStages(model, flows), [flow.record for flow in flows]
    return {"image": inputs, **run_stages(engine, records, run_stem(engine, records, inputs))}


def checked_reference_outputs(model: RoutedModel, images: Tensor) -> Vectors:
    """As `reference_outputs`, and hold its answers against those of the model's own `forward`.

    Raises CheckFailedError if `forward` does not follow the model's own routing rules.
    """
    vectors, answer = _both(model, images)
    if len(_far(vectors["answer"], answer, _ROUTING_TOLERANCE)):
        _require_excused(model, vectors, answer)
    return vectors


def check_extremes(model: RoutedModel) -> None:
    """The same for pictures from the edges of what a picture can be.

    Those that the model itself cannot route (a logit is not finite) are left out, and those on
    which its fp32 is rounding and nothing else. Raises CheckFailedError.
    """
    images = extreme_images(model.input)
    with suppress(RoutingError):
        vectors, answer = _both(model, images)
        if not len(_far(vectors["answer"], answer, _ROUTING_TOLERANCE)):
            return
    for image in images:
        with suppress(RoutingError):
            vectors, answer = _both(model, image[None])
            wrong = len(_far(vectors["answer"], answer, _ROUTING_TOLERANCE))
            finite = bool(np.isfinite(vectors["answer"]).all())
            if wrong and finite and not is_lost_in_rounding(whole_way_error(model, vectors)[1]):
                _require_excused(model, vectors, answer)


@torch.no_grad()
def _both(model: RoutedModel, images: Tensor) -> tuple[Vectors, np.ndarray]:
    """What the stages of a model give, and what its own `forward` answers."""
    vectors = reference_outputs(model, images)
    answers = np.zeros_like(vectors["answer"])
    for routes, rows in _alike(model, vectors).items():
        # In other batches than the stages: images that depend on each other show it here.
        for first in range(0, len(rows), _BATCH):
            part = rows[first : first + _BATCH]
            answers[part] = _answer(model, images[part], routes)
    return vectors, answers


def _alike(model: RoutedModel, vectors: Vectors) -> dict[tuple[Route, ...], list[int]]:
    """Images by the routes that `forward` is forced down: `()` where its routers choose all."""
    named = are_named(model.routing, len(vectors["image"]))
    alike: dict[tuple[Route, ...], list[int]] = {}
    for image in range(len(named)):
        alike.setdefault(_routes(vectors, image) if named[image] else (), []).append(image)
    return alike


def _routes(vectors: Vectors, image: int) -> tuple[Route, ...]:
    """The routes that an image took, one for each routed stage."""
    return tuple(route_of(members[image]) for members in members_in(vectors))


def _answer(model: RoutedModel, image: Tensor, routes: Sequence[Route] = ()) -> np.ndarray:
    """The model's own answers `[n, classes]`, on their own routes or a forced one."""
    with user_code(f"{type(model).__name__}.forward"):
        given = model(image.clone(), routes=list(routes)) if routes else model(image.clone())
        return given.detach().numpy()


def _far(staged: np.ndarray, answer: np.ndarray, tolerance: float) -> np.ndarray:
    """The images whose two answers differ."""
    scale = max(float(np.abs(answer).max()), 1e-3)
    near = np.abs(staged - answer).max(axis=1) <= tolerance * scale
    return np.flatnonzero(~near)  # Not a number is not near.


def _require_excused(model: RoutedModel, vectors: Vectors, answer: np.ndarray) -> None:
    """Refuse a model whose forward does not route as its stages and rules say.

    Rounding excuses what an ill-conditioned model's fp32 is off by anyway, and an image that is a
    near-tie and that forward answers alike once it is forced down the same route.
    """
    router, own = whole_way_error(model, vectors)
    named = are_named(model.routing, len(answer))
    tolerance = allowed(_ROUTING_TOLERANCE, own, FP32)
    wrong = [
        image
        for image in _far(vectors["answer"], answer, tolerance)
        if named[image] or not _is_near_tie(model, vectors, image, router, tolerance)
    ]
    if wrong:
        raise CheckFailedError(
            f"{type(model).__name__}.forward answers otherwise than its stages under its routing "
            f"rules {list(model.routing)} for {len(wrong)} of {len(answer)} images; the rules must "
            "say how forward selects experts and weighs their gates, and no image may depend on "
            "the others of its batch",
            code="model.unsound",
        )


def _is_near_tie(
    model: RoutedModel, vectors: Vectors, image: int, router: float, tolerance: float
) -> bool:
    """Whether an image's route is decided by rounding, and the answer on that route is right."""
    row = {name: array[[image]] for name, array in vectors.items()}
    if not np.isfinite(row["answer"]).all():
        return False
    tied = False
    for stage, rule in enumerate(model.routing, start=1):
        logits = row[f"logits.{stage}"]
        error = allowed(_LOGIT_ROUNDING, router, FP32) * metrics.peak(logits)
        tied = tied or rule.margins(logits)[0] <= metrics.near_tie_limit(error, error)
    if not tied:
        return False
    forced = _answer(model, torch.from_numpy(row["image"]), _routes(row, 0))
    return not len(_far(row["answer"], forced, tolerance))
