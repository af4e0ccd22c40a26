"""How tensors go from stage to stage: found by running every stage of a model once.

The manifest has each tensor under a name of its own, `STAGE.NAME`; a later stage may give another
tensor of the same `NAME`, which the stages after it take then.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.models.stage_tensors import (
    IMAGE,
    LOGITS,
    declared_finishes,
    declared_outputs,
    named_output,
    output_alone,
    taken_names,
)
from mvmoe_deploy.models.user_code import user_code
from mvmoe_deploy.outputs import find_kind
from mvmoe_deploy.routing import Route, Rule
from mvmoe_deploy.routing.choices import router_of

_TYPES = (torch.float32, torch.float16)
"""Types of tensors that stages pass on."""

_NAME = re.compile("[a-z_][a-z0-9_]{0,60}")
"""Every format takes such a name."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class StageFlow:
    """One stage as the manifest describes it, with examples of what it takes and gives."""

    index: int
    record: manifest.Stage
    inputs: dict[str, Tensor]
    """By the names of the graphs' inputs, those that say the route left out."""
    outputs: dict[str, Tensor]
    """By the names of the graphs' outputs."""
    names: tuple[str, ...] = ()
    """The names under which the stage's module gives its outputs; empty for the short form."""
    contract_names: tuple[str, ...] = ()
    """The names of its outputs in the contract, in order."""

    def module(self, model: RoutedModel, route: Route) -> nn.Module:
        """The model's module of this stage; it gives its outputs in the order of `outputs`.

        Raises InputError for what the model's own code raises.
        """
        module = stage_module(model, self.index, route)
        return _InOrder(module, self.names) if self.names else module

    def tensor(self, contract_name: str) -> str:
        """The manifest's name of what the stage gives under a name of the contract."""
        return list(self.record.gives.values())[self.contract_names.index(contract_name)]

    def taken(self, state: Mapping[str, _T]) -> list[_T]:
        """What the stage takes, in order, of tensors by the manifest's names."""
        return [state[tensor] for tensor in self.record.takes.values()]

    def given(self, output: Any) -> dict[str, Tensor]:
        """What `module` has given, by the manifest's names."""
        return dict(zip(self.record.gives.values(), as_tuple(output), strict=True))

    def named(self, output: Any) -> dict[str, Tensor]:
        """What `module` has given, by the names of the graphs' outputs."""
        return dict(zip(self.record.gives, as_tuple(output), strict=True))

    def logits(self, state: Mapping[str, Tensor]) -> Tensor:
        """The logits of the stage's router; `[B, 0]` where there is none."""
        if self.record.router is None:
            return torch.zeros(len(state[IMAGE]), 0, dtype=torch.float32)
        return state[self.record.router]


class _InOrder(nn.Module):
    """A stage's module whose named outputs come as a tuple, or alone."""

    def __init__(self, stage: nn.Module, names: tuple[str, ...]) -> None:
        super().__init__()
        self.stage, self._names = stage, names

    def forward(self, *inputs: Tensor) -> Any:
        """The outputs in the order of their names."""
        given = self.stage(*inputs)
        outputs = tuple(given[name] for name in self._names)
        return outputs if len(outputs) > 1 else outputs[0]


def stage_module(model: RoutedModel, index: int, route: Route) -> nn.Module:
    """The model's own module for a stage and route; raises InputError for what its code raises."""
    with user_code(f"{type(model).__name__}.stage({index}, {route})"):
        return model.stage(index, route).eval()


def as_tuple(output: Any) -> tuple[Any, ...]:
    """What a module has given, one or several tensors, as a tuple."""
    return output if isinstance(output, tuple) else (output,)


@dataclass(frozen=True)
class ModelFlow:
    """All stages of a model, and which of their tensors its outputs are."""

    stages: tuple[StageFlow, ...]
    outputs: tuple[manifest.Output, ...]
    """Without labels."""
    inner_routers: tuple[str, ...] = ()
    """Tensors that are logits of routers whose gates a stage computes by itself."""

    @property
    def records(self) -> tuple[manifest.Stage, ...]:
        """The stages as the manifest describes them."""
        return tuple(flow.record for flow in self.stages)

    @property
    def alone(self) -> str:
        """The name of an output that comes without a name."""
        return self.outputs[0].name

    def shape(self, output: manifest.Output) -> tuple[int, ...]:
        """The shape of an output for one image."""
        return self.example(output.tensors[0]).shape[1:]

    def example(self, tensor: str) -> Tensor:
        """An example of a tensor by the manifest's name."""
        return next(
            flow.outputs[name]
            for flow in self.stages
            for name, given in flow.record.gives.items()
            if given == tensor
        )

    def outputs_of(self, state: Mapping[str, _T]) -> dict[str, _T]:
        """The outputs of images that have all run the same stages, which gave `state`."""
        return {
            output.name: state[[tensor for tensor in output.tensors if tensor in state][-1]]
            for output in self.outputs
        }


def flow_of(model: RoutedModel, batch: int = 1) -> ModelFlow:
    """The stages of a model, each down its first route; raises InputError for a broken contract."""
    images = torch.zeros(batch, *model.input.shape, dtype=torch.float32)
    kinds = declared_outputs(model)
    finishes = declared_finishes(model, model.routing)
    state = {IMAGE: (IMAGE, images)}
    flows: list[StageFlow] = []
    for index in range(len(model.routing) + 1):
        flow = _run_example(model, index, state, finishes[index], kinds)
        flows.append(flow)
        tensors = zip(flow.record.gives.values(), flow.outputs.values(), strict=True)
        state |= dict(zip(flow.contract_names, tensors, strict=True))
    inner = {name for flow in flows for name in flow.contract_names}.intersection(
        getattr(model, "inner_routers", ())
    )
    found = ModelFlow(
        tuple(flows),
        tuple(_outputs(model, flows, kinds)),
        tuple(flow.tensor(name) for flow in flows for name in flow.contract_names if name in inner),
    )
    _require_kinds(model, found)
    return found


def _outputs(
    model: RoutedModel, flows: list[StageFlow], kinds: Mapping[str, str]
) -> Iterator[manifest.Output]:
    """The tensors that each of a model's outputs may be."""
    ends = [*(flow.index for flow in flows if flow.record.finishes), len(flows)]
    first_finish = ends[0]
    for name, kind in kinds.items():
        by_stage = {flow.index: flow.tensor(name) for flow in flows if name in flow.contract_names}
        if min(by_stage, default=len(flows)) >= first_finish:
            given = ", ".join(dict.fromkeys(one for flow in flows for one in flow.contract_names))
            when = "" if first_finish == len(flows) else f" before stage {first_finish} may finish"
            raise InputError(
                f"no stage of {type(model).__name__} gives the output {name}{when}; they give "
                f"{given}: give a tensor of that name, or declare other outputs",
                code="model.contract",
                name=name,
            )
        # Of several stages before an end the last one: what the others give is never the output.
        last = {max(stage for stage in by_stage if stage < end) for end in ends}
        tensors = tuple(by_stage[stage] for stage in sorted(last))
        yield manifest.Output(name=name, kind=kind, tensors=tensors)


def _require_kinds(model: RoutedModel, found: ModelFlow) -> None:
    """Refuse outputs whose tensors have not one shape that fits their kind."""
    for output in found.outputs:
        shapes = {tuple(found.example(tensor).shape[1:]) for tensor in output.tensors}
        if len(shapes) > 1:
            raise InputError(
                f"stages of {type(model).__name__} give the output {output.name} in the shapes "
                f"{sorted(map(list, shapes))}; it must have one shape",
                code="model.contract",
            )
        try:
            find_kind(output.kind).require_shape(shapes.pop())
        except InputError as error:
            raise InputError(
                f"the output {output.name} of {type(model).__name__} does not fit its kind: "
                f"{error}",
                code="model.contract",
            ) from error


def _run_example(
    model: RoutedModel,
    index: int,
    state: Mapping[str, tuple[str, Tensor]],
    finishes: tuple[Route, ...],
    kinds: Mapping[str, str],
) -> StageFlow:
    """One stage on the latest tensors, each with the manifest's name of it."""
    where = f"stage {index} of {type(model).__name__}"
    rule = model.routing[index - 1] if index else None
    route = _first_route(rule, finishes, where)
    module = stage_module(model, index, route)
    taken = taken_names(module, state, routed=rule is not None)
    inputs = {name: state[name][1] for name in taken}
    output = _output(module, inputs, route, where)
    following = model.routing[index] if index < len(model.routing) else None
    given = _checked(
        output, len(state[IMAGE][1]), following, known=set(state), kinds=kinds, where=where
    )
    stage = f"step{index}" if index else "stem"
    # A graph cannot have one name for an input and an output.
    graph_names = {name: f"next_{name}" if name in taken else name for name in given}
    record = manifest.Stage(
        name=stage,
        rule=rule,
        router=None if rule is None or router_of(rule) is None else state[LOGITS][0],
        takes={name: state[name][0] for name in taken},
        gives={graph_names[name]: f"{stage}.{name}" for name in given},
        finishes=finishes,
    )
    # In the order of memory that a runner's buffers have, whatever the stage gave.
    outputs = {
        graph_names[name]: tensor.clone(memory_format=torch.contiguous_format)
        for name, tensor in given.items()
    }
    names = tuple(given) if isinstance(output, Mapping) else ()
    return StageFlow(index, record, inputs, outputs, names, tuple(given))


def _first_route(rule: Rule | None, finishes: tuple[Route, ...], where: str) -> Route:
    """The first route of a stage on which it runs; `()` for the stem."""
    if rule is None:
        return ()
    if len(finishes) > manifest.MAX_FINISHING or len(finishes) >= rule.count():
        raise InputError(
            f"{where} finishes images on {len(finishes)} routes; expected at most "
            f"{manifest.MAX_FINISHING}, and fewer than its rule has",
            code="model.contract",
            name="finishes",
            found=len(finishes),
        )
    return next(route for route in rule.routes() if route not in finishes)


def _output(module: nn.Module, inputs: Mapping[str, Tensor], route: Route, where: str) -> Any:
    """What a stage's module gives for its example tensors."""
    given = [tensor.clone() for tensor in inputs.values()]
    if route:
        given.append(torch.ones(len(given[0]), len(route), dtype=torch.float32))
    with torch.no_grad(), user_code(where):
        return module(*given)


def _checked(
    output: Any,
    batch: int,
    following: Rule | None,
    *,
    known: set[str],
    kinds: Mapping[str, str],
    where: str,
) -> dict[str, Tensor]:
    """What a stage gives by name; refuses what the contract does not expect of it.

    `following` is the rule of the next stage, None behind the last one.
    """
    if isinstance(output, Mapping):
        require_names(output, where)
    elif following is None:
        _require_answer(output, where)
    else:
        _require_pair(output, where)
    given = named_output(output, output_alone(kinds))
    for name, tensor in given.items():
        fp32 = name == LOGITS or name in kinds
        _require_type(tensor, f"{where} gives {name}", (torch.float32,) if fp32 else _TYPES)
    routed = following is not None and router_of(following) is not None
    if routed and LOGITS not in given and LOGITS not in known:
        raise InputError(
            f"{where} gives no logits, which the rule of the next stage decides on",
            code="model.contract",
        )
    _require_shapes(given, batch, following, where)
    return given


def require_names(given: Mapping[str, Any], where: str) -> None:
    """Refuse names that no graph could have; raises InputError."""
    for name in given:
        if not isinstance(name, str) or not _NAME.fullmatch(name) or name == IMAGE:
            raise InputError(
                f"{where} gives a tensor of the name {name!r}; names are lower-case letters, "
                f"digits and _, and {IMAGE} is the input's",
                code="model.contract",
            )
    if not given:
        raise InputError(
            f"{where} gives no tensors; the contract expects some", code="model.contract"
        )


def _require_pair(output: Any, where: str) -> None:
    """Refuse what is neither named tensors nor the short form of a stage before the last."""
    if not (isinstance(output, tuple) and len(output) == 2):
        raise InputError(
            f"{where} gives {type(output).__name__}; the contract expects (tokens, logits) before "
            "the last stage, or a dict of named tensors",
            code="model.contract",
        )


def _require_shapes(
    given: Mapping[str, Tensor], batch: int, following: Rule | None, where: str
) -> None:
    """Refuse tensors whose first size is not the batch, and logits of other experts."""
    for name, tensor in given.items():
        router = None if following is None or name != LOGITS else router_of(following)
        experts = None if router is None else router.experts
        wanted = f"[{batch}, {experts}]" if experts else f"[{batch}, ...]"
        fits = tuple(tensor.shape) == (batch, experts) if experts else tensor.ndim >= 2
        if not fits or len(tensor) != batch:
            raise InputError(
                f"{where} gives {name} {list(tensor.shape)}; the contract expects {wanted}",
                code="model.contract",
            )


def require_passed_on(name: str, tensor: Any, batch: int, where: str) -> None:
    """Refuse what is no tensor `[B, ...]` that graphs can pass on; raises InputError."""
    _require_type(tensor, f"{where} gives {name}", _TYPES)
    if tensor.ndim < 2 or len(tensor) != batch:
        raise InputError(
            f"{where} gives {name} {list(tensor.shape)}; the contract expects [{batch}, ...]",
            code="model.contract",
        )


def _require_answer(output: Any, where: str) -> None:
    """Refuse what is not the answer of the last stage in its short form."""
    if not isinstance(output, Tensor):
        raise InputError(
            f"{where} gives {type(output).__name__}; the contract expects the answer of the last "
            "stage, or a dict of named tensors",
            code="model.contract",
        )


def _require_type(given: Any, what: str, expected: tuple[torch.dtype, ...]) -> None:
    """Refuse what is no tensor of one of some types."""
    kind = type_name(given.dtype) if isinstance(given, Tensor) else type(given).__name__
    names = [type_name(dtype) for dtype in expected]
    if kind not in names:
        raise InputError(
            f"{what} of type {kind}; the contract expects {' or '.join(names)}: convert it at the "
            "end of the stage",
            code="model.contract",
        )


def type_name(dtype: torch.dtype) -> str:
    """`float32`."""
    return str(dtype).removeprefix("torch.")
