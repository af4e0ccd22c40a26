"""Moves outlier channels of what layers take into their weights: the same function, smaller ranges.

    x / s [channels]  ->  linear(weight * s)        s = sqrt(max |x|) / sqrt(max |weight|)

As in Xiao et al., "SmoothQuant" (arXiv 2211.10438), section 4, with its alpha of 0.5. The division
is made in the weight and bias of the LayerNorm that gives `x`. A LayerNorm that several experts
share has one scale for all of their layers: with one for each, it would be stored once an expert.
"""

import copy
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from mvmoe_deploy.errors import CheckFailedError
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.models.user_code import user_code
from mvmoe_export.flow import as_tuple
from mvmoe_export.stage_calls import StageCall

ALPHA = 0.5

_AT_ONCE = 32
"""Images in one call."""

_ROUNDING = 1e-4
"""What the answers of the two models may differ by, relative to the largest: both are fp32."""

_LEAST = 1e-5
"""The least size of a channel: one that is never used needs no scale."""


@dataclass(frozen=True)
class Smoothed:
    """A model that computes the same, and how many of its norms have another scale."""

    model: RoutedModel
    norms: int


def smoothed(model: RoutedModel, calls: Iterable[StageCall]) -> Smoothed:
    """A copy of a model whose LayerNorms give channels of like size to the layers behind them.

    `calls` have to run every expert. A LayerNorm is left alone where something else than linear
    layers reads what it gives. Raises CheckFailedError if the copy computes something else.
    """
    calls = list(calls)
    changed = copy.deepcopy(model)
    norms = _watch(changed, calls)
    before = [_answers(model, call) for call in _firsts(calls)]
    for norm in norms:
        norm.smooth()
    after = [_answers(changed, call) for call in _firsts(calls)]
    _require_equal(before, after)
    return Smoothed(changed, len(norms))


_Place = tuple[int, tuple[int, ...]]
"""Where a weight's numbers are, and its shape: a model may make the tensor anew for each stage."""


@dataclass
class _Norm:
    """A LayerNorm as it was seen: its parameters, and the layers that read what it gives."""

    weight: Tensor
    bias: Tensor | None
    largest: Tensor
    """Of what it gives, by channel `[D]`."""
    layers: dict[_Place, Tensor] = field(default_factory=dict)
    """The weights of these layers."""
    is_free: bool = True
    """Whether nothing but layers reads what it gives."""

    def smooth(self) -> None:
        """Divide what it gives by a scale, and multiply the weights of its layers by it."""
        weights = torch.stack([weight.abs().amax(dim=0) for weight in self.layers.values()])
        inputs = self.largest.clamp(min=_LEAST) ** ALPHA
        scale = inputs / weights.amax(dim=0).clamp(min=_LEAST) ** (1 - ALPHA)
        with torch.no_grad():
            self.weight.div_(scale)
            if self.bias is not None:
                self.bias.div_(scale)
            for layer in self.layers.values():
                layer.mul_(scale)


class _Watching(TorchFunctionMode):
    """Sees every call of a function on tensors: who reads what a LayerNorm gives?"""

    def __init__(self, model: RoutedModel) -> None:
        super().__init__()
        parameters = cast(nn.Module, model).parameters()
        self._storages = {each.untyped_storage().data_ptr() for each in parameters}
        self.norms: dict[_Place, _Norm] = {}
        self._given: dict[int, tuple[Tensor, _Norm]] = {}
        """By the identity of a tensor, which is kept alive, the norm that gave it."""
        self.read_by: dict[_Place, set[_Place | None]] = {}
        """By layer the norms whose tensors it has read; None for something else."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Call a function, and note what it has to do with norms."""
        options = kwargs or {}
        result = func(*args, **options)
        if func is F.linear:
            self._see_linear(*args, **options)
        elif any(
            isinstance(part, Tensor) for part in as_tuple(result)
        ):  # Else it asks for a shape.
            self.end([*args, *options.values()])
        if func is F.layer_norm:
            self._see_norm(result, *args, **options)
        return result

    def end(self, values: Iterable[Any]) -> None:
        """Something that is no linear layer has these."""
        for value in values:
            if isinstance(value, list | tuple):
                self.end(value)
            elif isinstance(value, Tensor) and id(value) in self._given:
                self._given[id(value)][1].is_free = False

    def forget(self) -> None:
        """Let go of the tensors of a call."""
        self._given.clear()

    def _see_norm(
        self,
        given: Tensor,
        _: Tensor,
        shape: Any,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        eps: float = 1e-5,
    ) -> None:
        """A LayerNorm over the last axis has given a tensor."""
        if weight is None or not self._is_stored(weight) or len(shape) != 1:
            return
        largest = given.detach().abs().reshape(-1, given.shape[-1]).amax(dim=0)
        norm = self.norms.setdefault(_place(weight), _Norm(weight, bias, torch.zeros_like(largest)))
        norm.largest = torch.maximum(norm.largest, largest)
        if bias is not None and not self._is_stored(bias):
            norm.is_free = False
        self._given[id(given)] = (given, norm)

    def _see_linear(self, value: Tensor, weight: Tensor, bias: Tensor | None = None) -> None:
        """A linear layer reads a tensor."""
        found = self._given.get(id(value))
        norm = None if found is None else found[1]
        source = None if norm is None else _place(norm.weight)
        self.read_by.setdefault(_place(weight), set()).add(source)
        self.end([weight, bias])
        if norm is None:
            return
        if self._is_stored(weight):
            norm.layers[_place(weight)] = weight
        else:
            norm.is_free = False

    def _is_stored(self, weight: Tensor) -> bool:
        """Whether a tensor is a weight of the model, or a part of one: none that was computed."""
        return weight.untyped_storage().data_ptr() in self._storages


def _place(weight: Tensor) -> _Place:
    return weight.data_ptr(), tuple(weight.shape)


def _watch(model: RoutedModel, calls: Iterable[StageCall]) -> list[_Norm]:
    """The norms of a model that only linear layers read, which read nothing else."""
    watching = _Watching(model)
    for call in calls:
        for inputs in _parts(call):
            with torch.no_grad(), watching:
                given = _run(model, call, inputs)
            watching.end(given)
            watching.forget()
    found = [norm for norm in watching.norms.values() if norm.is_free and norm.layers]
    return [
        norm
        for norm in found
        if all(watching.read_by[layer] == {_place(norm.weight)} for layer in norm.layers)
    ]


def _run(model: RoutedModel, call: StageCall, inputs: list[Tensor]) -> tuple[Any, ...]:
    """What a stage gives."""
    with user_code(f"{type(model).__name__}.stage({call.stage}, {call.route})"):
        given = model.stage(call.stage, call.route).eval()(*inputs)
    return tuple(given.values()) if isinstance(given, dict) else as_tuple(given)


def _parts(call: StageCall) -> Iterable[list[Tensor]]:
    """What a stage took, a few rows at a time."""
    for first in range(0, len(call.inputs[0]), _AT_ONCE):
        yield [torch.from_numpy(array[first : first + _AT_ONCE].copy()) for array in call.inputs]


def _firsts(calls: Iterable[StageCall]) -> list[StageCall]:
    """The first call of each stage and route."""
    return list({(call.stage, call.route): call for call in reversed(list(calls))}.values())


def _answers(model: RoutedModel, call: StageCall) -> tuple[Tensor, ...]:
    """What a stage gives for the first of its images."""
    with torch.no_grad():
        return _run(model, call, next(iter(_parts(call))))


def _require_equal(before: list[tuple[Tensor, ...]], after: list[tuple[Tensor, ...]]) -> None:
    """Refuse a copy that computes something else."""
    for wanted, given in zip(before, after, strict=True):
        for one, other in zip(wanted, given, strict=True):
            largest = max(float(one.abs().max()), 1e-3) if one.numel() else 1.0
            error = float((one - other).abs().max()) if one.numel() else 0.0
            if not error <= _ROUNDING * largest:
                raise CheckFailedError(
                    f"smoothing has changed what the model computes by {error / largest:.2g} of "
                    "the largest value: it uses a weight in a way that cannot be seen from "
                    "outside; leave out --smooth"
                )
