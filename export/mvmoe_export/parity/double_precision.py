"""The model in double precision, and how far PyTorch's own fp32 is from it.

An ill-conditioned model magnifies rounding: its fp32 answers are off by thousands of units in the
last place, in PyTorch as in any engine. No graph can be nearer to it than PyTorch is itself.
"""

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from mvmoe_deploy.bundle.manifest import IMAGE, Output
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.outputs import find_kind
from mvmoe_deploy.routing import Route
from mvmoe_deploy.verification.run_stages import Vectors, run_stages, run_stem
from mvmoe_export.flow import ModelFlow, StageFlow, as_tuple, flow_of
from mvmoe_export.parity.nearness import Outputs, difference, peak
from mvmoe_export.parity.torch_stages import TorchStages

_ROUNDING = 2.0**-23
"""By how much an input is moved where the model does not run in double precision."""

_ENOUGH = 8
"""Images that tell how well a model is conditioned."""

_T = TypeVar("_T")


class DoublePrecisionCopy:
    """A copy of a model in double precision.

    `model` is None for one that does not run there, whatever it raises.
    """

    def __init__(self, model: RoutedModel, image: Tensor, flow: ModelFlow | None = None) -> None:
        self._single = model
        self._image = image
        self._flow = flow

    @property
    def flows(self) -> Sequence[StageFlow]:
        """How tensors go through the model."""
        if self._flow is None:
            self._flow = flow_of(self._single)
        return self._flow.stages

    @cached_property
    def model(self) -> RoutedModel | None:
        """The copy, which runs."""
        try:
            return _double(self._single, self._image, self.flows)
        # The model's own code: an assertion on types, for example, or a call of sys.exit().
        except (Exception, SystemExit):
            return None

    def ask(self, question: Callable[[RoutedModel], _T]) -> _T | None:
        """What a question about the copy gives; None without a copy, or if the copy raises.

        One route may run in double precision and another one not.
        """
        if self.model is None:
            return None
        try:
            return question(self.model)
        except (Exception, SystemExit):  # The model's own code raises what it likes.
            return None

    def own_error(
        self,
        names: tuple[str, ...],
        part: Callable[[RoutedModel], nn.Module],
        inputs: list[Tensor],
    ) -> tuple[dict[str, float], Outputs | None]:
        """How far PyTorch's own fp32 is off, relative to each output's peak, and the fp64 outputs.

        `part` makes the module of a model that is asked, such as a stage, for fp32 inputs; `names`
        are those of its outputs. Where it does not run in double precision: by how much a rounding
        of what the module is given moves what it gives.
        """
        module = part(self._single)
        single = dict(zip(names, _run(module, inputs), strict=True))
        outputs = self.ask(lambda model: _run(part(model), map(_widened, inputs)))
        if outputs is not None:
            precise = dict(zip(names, outputs, strict=True))
            return {name: _share(single[name], precise[name]) for name in names}, precise
        other = dict(zip(names, _run(module, [*map(moved, inputs)]), strict=True))
        return {name: _share(single[name], other[name]) for name in names}, None


class DoubleStages(TorchStages):
    """The engine that the stages of a model in double precision are, on fp32 arrays."""

    def stem(self, images: np.ndarray) -> Vectors:
        """What the stem gives."""
        return super().stem(_widened_array(images))

    def step(self, stage: int, route: Route, tensors: Vectors, gates: np.ndarray) -> Vectors:
        """What a routed stage gives."""
        wide = {name: _widened_array(tensor) for name, tensor in tensors.items()}
        return super().step(stage, route, wide, _widened_array(gates))


@torch.no_grad()
def whole_way_error(model: RoutedModel, vectors: Vectors) -> tuple[float, float]:
    """PyTorch's own fp32 errors of router logits and answers, relative to the largest of each.

    `vectors` are what fp32 gave for images, by the names of the golden vectors; a few of them are
    taken down the same routes in double precision; of a model that does not run there, images that
    are moved by one rounding. Raises RoutingError for a logit that is not finite.
    """
    few = {name: array[:_ENOUGH] for name, array in vectors.items()}
    count, images = len(model.routing), few["image"]
    imposed = [few[f"members.{stage}"] for stage in range(1, count + 1)]

    flow = flow_of(model)

    def answers(engine: TorchStages, images: np.ndarray) -> Vectors:
        start = run_stem(engine, flow.records, images)
        return run_stages(engine, flow.records, flow.outputs, start, imposed=imposed)

    in_double = DoublePrecisionCopy(model, torch.from_numpy(images[:1].copy()), flow)
    precise = in_double.ask(lambda double: answers(DoubleStages(double, flow), images))
    if precise is None:
        precise = answers(TorchStages(model, flow), moved(torch.from_numpy(images)).numpy())
    routers = [
        _array_share(few[name], array)
        for name, array in precise.items()
        if name.startswith("logits.")
    ]
    outputs = [
        _array_share(part, precise_part)
        for output in flow.outputs
        for part, precise_part in _parts(output, few, precise)
    ]
    return max(routers, default=0.0), max(outputs)


def _parts(
    output: Output, few: Vectors, precise: Vectors
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The parts of an output that are compared by themselves, in fp32 and in double precision."""
    kind, name = find_kind(output.kind), f"outputs.{output.name}"
    found = kind.values(precise[name])
    for part, array in kind.values(few[name]).items():
        yield array, found[part]


def _double(model: RoutedModel, image: Tensor, flows: Sequence[StageFlow]) -> RoutedModel:
    """A copy in double precision that has run once; raises whatever the model raises."""
    in_double, precise = copy.deepcopy(model).double(), image.double()
    routes = [flow.record.first_route for flow in flows[1:]]
    in_double(precise.clone(), routes=routes or None)
    state = {IMAGE: precise}
    for flow, route in zip(flows, [(), *routes], strict=True):
        gates = [torch.ones(len(precise), len(route), dtype=torch.float32)] if route else []
        given = [tensor.clone() for tensor in (*flow.taken(state), *gates)]
        state |= flow.given(flow.module(in_double, route)(*given))
    return in_double


def _run(module: nn.Module, inputs: Iterable[Tensor]) -> tuple[Tensor, ...]:
    return as_tuple(module(*(tensor.clone() for tensor in inputs)))


def _widened(tensor: Tensor) -> Tensor:
    """A copy in double precision; fp16 stays, since the stage before rounds to it on purpose."""
    return tensor.double() if tensor.dtype == torch.float32 else tensor.clone()


def _widened_array(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float64) if array.dtype == np.float32 else array


def moved(tensor: Tensor) -> Tensor:
    """A tensor whose values were rounded otherwise, up or down by one unit in the last place."""
    generator = torch.Generator().manual_seed(0)
    signs = torch.rand(tensor.shape, generator=generator, dtype=torch.float32) - 0.5
    return tensor * (1 + signs.sign() * _ROUNDING).to(tensor.dtype)


def _share(single: Tensor, precise: Tensor) -> float:
    return difference(single, precise) / peak(single)


def _array_share(single: np.ndarray, precise: np.ndarray) -> float:
    """The largest share of any image: each may be the only one of its route."""
    rows = zip(*map(torch.from_numpy, map(np.ascontiguousarray, (single, precise))), strict=True)
    return max(_share(*row) for row in rows)
