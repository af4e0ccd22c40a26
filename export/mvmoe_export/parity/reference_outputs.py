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
from mvmoe_deploy.verification.reference import members_in
from mvmoe_deploy.verification.run_stages import Vectors, run_stages, run_stem
from mvmoe_deploy.verification.used_bounds import FP32, allowed, is_lost_in_rounding
from mvmoe_export.flow import flow_of
from mvmoe_export.parity.double_precision import whole_way_error
from mvmoe_export.parity.forward import forward
from mvmoe_export.parity.synthetic_images import extreme_images
from mvmoe_export.parity.torch_stages import TorchStages

_BATCH = 8
"""Images in one call of `forward`."""

_OUTPUT = "outputs."
"""What the golden vectors of outputs begin with."""

_LOGIT_ROUNDING = 1e-6
"""What a router's logits differ by between a batch and an image alone, relative to the largest."""

_ROUTING_TOLERANCE = 1e-3
"""Between `forward` and the stages run in a row, relative to the largest answer: both are PyTorch
in fp32, so anything above rounding is another route or another gate."""


def reference_outputs(model: RoutedModel, images: Tensor) -> Vectors:
    """Take images `[n, C, H, W]` through the model's stages one by one, by the reference rules.

    Gives `image`, `outputs.NAME` for each output, and for each routed stage i `logits.i`,
    `members.i` and `gates.i`: the names of the golden vectors.
    """
    flow, inputs = flow_of(model), images.numpy()
    engine = TorchStages(model, flow)
    start = run_stem(engine, flow.records, inputs)
    return {"image": inputs, **run_stages(engine, flow.records, flow.outputs, start)}


def checked_reference_outputs(model: RoutedModel, images: Tensor) -> Vectors:
    """As `reference_outputs`, and hold its answers against those of the model's own `forward`.

    Raises CheckFailedError if `forward` does not follow the model's own routing rules.
    """
    vectors, answer = _both(model, images)
    if len(_far(vectors, answer, _ROUTING_TOLERANCE)):
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
        if not len(_far(vectors, answer, _ROUTING_TOLERANCE)):
            return
    for image in images:
        with suppress(RoutingError):
            vectors, answer = _both(model, image[None])
            wrong = len(_far(vectors, answer, _ROUTING_TOLERANCE))
            finite = _are_finite(vectors)
            if wrong and finite and not is_lost_in_rounding(whole_way_error(model, vectors)[1]):
                _require_excused(model, vectors, answer)


@torch.no_grad()
def _both(model: RoutedModel, images: Tensor) -> tuple[Vectors, Vectors]:
    """What the stages of a model give, and what its own `forward` answers."""
    vectors = reference_outputs(model, images)
    answers = {
        name: np.zeros_like(array) for name, array in vectors.items() if name.startswith(_OUTPUT)
    }
    for routes, rows in _alike(model, vectors).items():
        # In other batches than the stages: images that depend on each other show it here.
        for first in range(0, len(rows), _BATCH):
            part = rows[first : first + _BATCH]
            for name, array in _answer(model, images[part], routes).items():
                answers[name][part] = array
    return vectors, answers


def _alike(model: RoutedModel, vectors: Vectors) -> dict[tuple[Route, ...], list[int]]:
    """Images by the routes that `forward` is forced down: `()` where its routers choose all."""
    named = are_named(model.routing, len(vectors["image"]))
    alike: dict[tuple[Route, ...], list[int]] = {}
    for image in range(len(named)):
        routes = _routes(model, vectors, image) if named[image] else ()
        alike.setdefault(routes, []).append(image)
    return alike


def _routes(model: RoutedModel, vectors: Vectors, image: int) -> tuple[Route, ...]:
    """The routes that an image took, one for each routed stage; any where it was finished."""
    taken = (route_of(members[image]) for members in members_in(vectors))
    pairs = zip(model.routing, taken, strict=True)
    return tuple(route or next(rule.routes()) for rule, route in pairs)


def _answer(model: RoutedModel, image: Tensor, routes: Sequence[Route] = ()) -> Vectors:
    """The model's own outputs `[n, ...]`, on their own routes or forced ones.

    By the names of the golden vectors.
    """
    given = forward(model, image, list(routes))
    return {f"{_OUTPUT}{name}": tensor.numpy() for name, tensor in given.items()}


def _far(staged: Vectors, answer: Vectors, tolerance: float) -> np.ndarray:
    """The images whose two answers differ, in any of the outputs that `answer` has."""
    far = np.zeros(len(staged["image"]), bool)
    for name, wanted in answer.items():
        scale = max(float(np.abs(wanted).max()), 1e-3)
        errors = np.abs(staged[name] - wanted).reshape(len(wanted), -1)
        far |= ~(errors.max(axis=1) <= tolerance * scale)  # Not a number is not near.
    return np.flatnonzero(far)


def _are_finite(vectors: Vectors) -> bool:
    """Whether all outputs are."""
    outputs = (array for name, array in vectors.items() if name.startswith(_OUTPUT))
    return all(bool(np.isfinite(array).all()) for array in outputs)


def _require_excused(model: RoutedModel, vectors: Vectors, answer: Vectors) -> None:
    """Refuse a model whose forward does not route as its stages and rules say.

    Rounding excuses what an ill-conditioned model's fp32 is off by anyway, and an image that is a
    near-tie and that forward answers alike once it is forced down the same route.
    """
    router, own = whole_way_error(model, vectors)
    named = are_named(model.routing, len(vectors["image"]))
    tolerance = allowed(_ROUTING_TOLERANCE, own, FP32)
    wrong = [
        image
        for image in _far(vectors, answer, tolerance)
        if named[image] or not _is_near_tie(model, vectors, image, router, tolerance)
    ]
    if wrong:
        raise CheckFailedError(
            f"{type(model).__name__}.forward answers otherwise than its stages under its routing "
            f"rules {list(model.routing)} for {len(wrong)} of {len(vectors['image'])} images; the "
            "rules must say how forward selects experts and weighs their gates, and no image may "
            "depend on the others of its batch",
            code="model.unsound",
            name="forward",
            found=len(wrong),
        )


def _is_near_tie(
    model: RoutedModel, vectors: Vectors, image: int, router: float, tolerance: float
) -> bool:
    """Whether an image's route is decided by rounding, and the answer on that route is right."""
    row = {name: array[[image]] for name, array in vectors.items()}
    if not _are_finite(row):
        return False
    tied = False
    for stage, rule in enumerate(model.routing, start=1):
        logits = row[f"logits.{stage}"]
        if not row[f"members.{stage}"].any():
            break  # The image was finished before.
        error = allowed(_LOGIT_ROUNDING, router, FP32) * metrics.peak(logits)
        tied = tied or rule.margins(logits)[0] <= 2 * error + metrics.SCORE_STEP
    if not tied:
        return False
    forced = _answer(model, torch.from_numpy(row["image"]), _routes(model, row, 0))
    return not len(_far(row, forced, tolerance))
