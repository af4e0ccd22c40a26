"""What must hold of the model itself before anything is exported: one image, one answer.

Where each expert has a graph of its own, experts and their join must also be what their stage is.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import cast

import torch
from torch import Tensor, nn

from mvmoe_deploy.bundle.manifest import IMAGE
from mvmoe_deploy.errors import CheckFailedError, RoutingError
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.models.user_code import user_code
from mvmoe_deploy.routing import Route, Rule
from mvmoe_deploy.routing.choices import default_selectors
from mvmoe_deploy.verification.metrics import checked_routes, in_enough_digits
from mvmoe_export.expert_flow import JOIN, ExpertFlow
from mvmoe_export.flow import as_tuple
from mvmoe_export.parity.joined_experts import require_joined
from mvmoe_export.parity.nearness import peak
from mvmoe_export.parity.synthetic_images import synthetic_images
from mvmoe_export.source_location import quantizer
from mvmoe_export.stages import Stages, StageSpec

_TOGETHER = 2
"""Images in a batch."""

_REPEATED = 1e-5
"""Between two runs on one input, relative to the largest value: above any rounding, and what
randomness there is (a dropout, noise) is off by 1e-2 and more."""

_ALONE = 1e-3
"""Between an image alone and in a batch: both are fp32, added up in other orders."""


def require_sound(stages: Stages) -> None:
    """Ask every stage, and `forward`, the same twice, and for an image alone and in a batch.

    Raises CheckFailedError for one that answers in two ways, InputError for what it raises.
    """
    model = stages.model
    name = type(model).__name__
    images = synthetic_images(model.input, _TOGETHER, seed=7)
    with torch.no_grad():
        state = {IMAGE: images}
        for spec in stages.specs:
            outputs: tuple[Tensor, ...] = ()
            rule, finishes = spec.rule, spec.flow.record.finishes
            for route in checked_routes(rule, finishes) if rule is not None else [()]:
                what = f"{name}.stage({spec.index}, {route})"
                inputs = [*spec.flow.taken(state), *_gates(route)]
                given = _require(what, spec.flow.module(model, route), *inputs)
                outputs = outputs or given
            if spec.experts is not None:
                _require_experts(model, spec, spec.experts, state)
            state |= spec.flow.given(outputs)
        # The guard names what is at fault where logits do not route.
        with suppress(RoutingError):
            forward = cast("nn.Module", model)
            _require(f"{name}.forward", forward, images, **_forced(model.routing))


def _forced(rules: Sequence[Rule]) -> dict[str, list[Route]]:
    """The argument `routes` of `forward`, where a caller has to choose: the first of each stage."""
    if default_selectors(rules) is not None:
        return {}
    return {"routes": [next(rule.routes()) for rule in rules]}


def _require_experts(
    model: RoutedModel, spec: StageSpec, experts: ExpertFlow, state: Mapping[str, Tensor]
) -> None:
    """Ask every expert and the join as a stage is asked, then whether they are what the stage is.

    `state` has tensors of two images.
    """
    name, rule = type(model).__name__, spec.flow.record.routing
    tensors = dict(zip(spec.flow.record.takes, spec.flow.taken(state), strict=True))
    for expert in experts.experts:
        module = experts.module(model, (expert,))
        _require(f"{name}.expert({spec.index}, {expert})", module, *experts.of(tensors, (expert,)))
    join = experts.module(model, JOIN)
    inputs = [*experts.join_inputs(model, tensors).values(), *_gates(tuple(range(experts.slots)))]
    _require(f"{name}.join({spec.index}, {experts.slots})", join, *inputs)
    routes = checked_routes(rule, spec.flow.record.finishes)
    require_joined(model, experts, routes, tensors)


def _gates(route: Route) -> list[Tensor]:
    """The gates that a stage takes for a route; the stem takes none."""
    if not route:
        return []
    return [torch.full((_TOGETHER, len(route)), 1 / len(route), dtype=torch.float32)]


def _require(
    what: str, module: nn.Module, *inputs: Tensor, **options: list[Route]
) -> tuple[Tensor, ...]:
    """What a part of the model gives for a batch, if it is the same again and for its first row."""
    together = _run(what, module, inputs, options)
    if (far := _furthest(_run(what, module, inputs, options), together)) > _REPEATED:
        error, bound = in_enough_digits(far, _REPEATED)
        raise CheckFailedError(
            f"{what} answers the same images in two ways: they differ by {error} of the largest "
            f"value (bound {bound}); take out what is random (a dropout is active without "
            f"training=self.training) or changes from call to call{quantizer(module)}",
            code="model.unsound",
            name=what,
            found="two answers",
        )
    alone = _run(what, module, tuple(tensor[:1] for tensor in inputs), options)
    if (far := _furthest(alone, tuple(tensor[:1] for tensor in together))) > _ALONE:
        error, bound = in_enough_digits(far, _ALONE)
        raise CheckFailedError(
            f"{what} answers an image in a batch otherwise than alone: they differ by {error} of "
            f"the largest value (bound {bound}); no image may depend on the others of its batch",
            code="model.unsound",
            name=what,
            found="another answer in a batch",
        )
    return together


def _run(
    what: str, module: nn.Module, inputs: tuple[Tensor, ...], options: Mapping[str, list[Route]]
) -> tuple[Tensor, ...]:
    """The tensors that a part of the model gives; the guard refuses what is no tensor."""
    with user_code(what):
        given = module(*(tensor.clone() for tensor in inputs), **options)
    return tuple(part for part in as_tuple(given) if isinstance(part, Tensor))


def _furthest(given: tuple[Tensor, ...], wanted: tuple[Tensor, ...]) -> float:
    """The largest difference of outputs, relative to their largest values; equal NaNs are equal."""
    return max(map(_distance, given, wanted), default=0.0)


def _distance(given: Tensor, wanted: Tensor) -> float:
    same = (given == wanted) | (given.isnan() & wanted.isnan())
    differences = (given.double() - wanted.double()).abs().masked_fill(same, 0.0)
    scale = peak(wanted[wanted.isfinite()])
    return differences.nan_to_num(nan=float("inf")).max().item() / scale
