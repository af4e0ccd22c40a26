"""How tensors go from stage to stage: found by running every stage of a model once.

The manifest has each tensor under a name of its own, `STAGE.NAME`; a later stage may give another
tensor of the same `NAME`, which the stages after it take then.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.models.stage_tensors import (
    ANSWER,
    IMAGE,
    LOGITS,
    TOKENS,
    named_output,
    taken_names,
)
from mvmoe_deploy.routing import Route, Rule
from mvmoe_deploy.routing.choices import router_of
from mvmoe_export.user_code import user_code

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

    @property
    def answer(self) -> str:
        """The manifest's name of the answer, which the last stage gives."""
        return self.record.gives[ANSWER]

    def module(self, model: RoutedModel, route: Route) -> nn.Module:
        """The model's module of this stage; it gives its outputs in the order of `outputs`.

        Raises InputError for what the model's own code raises.
        """
        module = stage_module(model, self.index, route)
        return _InOrder(module, self.names) if self.names else module

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


def flow_of(model: RoutedModel, batch: int = 1) -> tuple[StageFlow, ...]:
    """The stages of a model, each down its first route; raises InputError for a broken contract."""
    images = torch.zeros(batch, *model.input.shape, dtype=torch.float32)
    state = {IMAGE: (IMAGE, images)}
    flows = []
    for index in range(len(model.routing) + 1):
        flow = _run_example(model, index, state)
        flows.append(flow)
        contract_names = flow.names or _short_names(flow)
        tensors = zip(flow.record.gives.values(), flow.outputs.values(), strict=True)
        state |= dict(zip(contract_names, tensors, strict=True))
    return tuple(flows)


def _run_example(
    model: RoutedModel, index: int, state: Mapping[str, tuple[str, Tensor]]
) -> StageFlow:
    """One stage on the latest tensors, each with the manifest's name of it."""
    where = f"stage {index} of {type(model).__name__}"
    rule = model.routing[index - 1] if index else None
    route: Route = next(rule.routes()) if rule is not None else ()
    module = stage_module(model, index, route)
    taken = taken_names(module, state, routed=rule is not None)
    inputs = {name: state[name][1] for name in taken}
    output = _output(module, inputs, route, where)
    following = model.routing[index] if index < len(model.routing) else None
    given = _checked(output, len(state[IMAGE][1]), following, known=set(state), where=where)
    stage = f"step{index}" if index else "stem"
    # A graph cannot have one name for an input and an output.
    graph_names = {name: f"next_{name}" if name in taken else name for name in given}
    record = manifest.Stage(
        name=stage,
        rule=rule,
        router=None if rule is None or router_of(rule) is None else state[LOGITS][0],
        takes={name: state[name][0] for name in taken},
        gives={graph_names[name]: f"{stage}.{name}" for name in given},
    )
    # In the order of memory that a runner's buffers have, whatever the stage gave.
    outputs = {
        graph_names[name]: tensor.clone(memory_format=torch.contiguous_format)
        for name, tensor in given.items()
    }
    names = tuple(given) if isinstance(output, Mapping) else ()
    return StageFlow(index, record, inputs, outputs, names)


def _output(module: nn.Module, inputs: Mapping[str, Tensor], route: Route, where: str) -> Any:
    """What a stage's module gives for its example tensors."""
    given = [tensor.clone() for tensor in inputs.values()]
    if route:
        given.append(torch.ones(len(given[0]), len(route), dtype=torch.float32))
    with torch.no_grad(), user_code(where):
        return module(*given)


def _short_names(flow: StageFlow) -> tuple[str, ...]:
    """The names of the short form: tokens and logits, or the answer."""
    return (ANSWER,) if len(flow.outputs) == 1 else (TOKENS, LOGITS)


def _checked(
    output: Any, batch: int, following: Rule | None, *, known: set[str], where: str
) -> dict[str, Tensor]:
    """What a stage gives by name; refuses what the contract does not expect of it.

    `following` is the rule of the next stage, None behind the last one.
    """
    if isinstance(output, Mapping):
        given = named_output(output)
        _require_names(given, where)
    elif following is None:
        _require_answer(output, batch, where)
        return named_output(output)
    else:
        _require_pair(output, where)
        given = named_output(output)
    for name, tensor in given.items():
        _require_type(tensor, f"{where} gives {name}", _types_of(name))
    if following is None:
        _require_answer(given.get(ANSWER), batch, where)
    elif router_of(following) is not None and LOGITS not in given and LOGITS not in known:
        raise InputError(
            f"{where} gives no logits, which the rule of the next stage decides on",
            code="model.contract",
        )
    _require_shapes(given, batch, following, where)
    return given


def _types_of(name: str) -> tuple[torch.dtype, ...]:
    """Types that a tensor of a name may have."""
    return (torch.float32,) if name in (LOGITS, ANSWER) else _TYPES


def _require_names(given: Mapping[str, Any], where: str) -> None:
    """Refuse names that no graph could have."""
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


def _require_answer(output: Any, batch: int, where: str) -> None:
    """Refuse what is not the answer of the last stage."""
    if not isinstance(output, Tensor) or output.ndim != 2 or len(output) != batch:
        given = list(output.shape) if isinstance(output, Tensor) else type(output).__name__
        raise InputError(
            f"{where} gives {given}; the contract expects the answer [{batch}, classes] of the "
            "last stage",
            code="model.contract",
        )
    _require_type(output, f"{where} gives an answer", (torch.float32,))


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
