"""The tensors that stages pass on, by name: what a stage's module takes, and what it gives.

A stage takes tensors by the names of its parameters: `forward(self, p3, p4, gates)` takes the
latest `p3` and `p4` that earlier stages gave, and `image` is one of them. It gives a dict of named
tensors. A module whose forward takes `*tensors` says their names in an attribute `takes`, a tuple
without the gates. The short form, for models that pass on one tensor, has no names: `(tokens,
logits)`, taken as the only parameter beside the gates, and the answer alone at the end.

The modules of single experts and those that join them (`ExpertModules`) take tensors by name too.
The model's outputs are the latest tensors of their names when an image is finished.
"""

import inspect
from collections.abc import Collection, Mapping
from typing import Any

from torch import Tensor, nn

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.outputs import DEFAULT_KIND
from mvmoe_deploy.routing import Route, Rule, require_route

IMAGE, TOKENS, LOGITS, ANSWER = "image", "tokens", "logits", "answer"

DEFAULT_OUTPUTS: Mapping[str, str] = {ANSWER: DEFAULT_KIND}
"""The outputs of a model that does not say: class logits `[B, classes]`."""

State = dict[str, Tensor]
"""The latest tensor `[B, ...]` of each name."""


def declared_outputs(model: object) -> dict[str, str]:
    """The kind of each of a model's outputs by name; raises InputError for what is no such table.

    A model without an attribute `outputs` gives class logits, called `answer`.
    """
    declared = getattr(model, "outputs", DEFAULT_OUTPUTS)
    if (
        not isinstance(declared, Mapping)
        or not declared
        or not all(isinstance(text, str) for pair in declared.items() for text in pair)
    ):
        raise InputError(
            f"{type(model).__name__}.outputs is {declared!r}; expected a dict with the kind of "
            'each output by its name, as {"answer": "logits"}',
            code="model.contract",
        )
    return dict(declared)


def declared_finishes(model: object, rules: Collection[Rule]) -> list[tuple[Route, ...]]:
    """For the stem and each routed stage the routes on which an image is finished.

    A model says them in an attribute `finishes`, a dict from the number of a routed stage (from 1)
    to routes; without it none does. Raises InputError for what is no such table, and for routes
    that a rule does not have.
    """
    declared = getattr(model, "finishes", {})
    found: list[tuple[Route, ...]] = [() for _ in range(len(rules) + 1)]
    try:
        for stage, routes in dict(declared).items():
            place = range(1, len(found)).index(stage)  # Neither the stem nor one from the end.
            found[1 + place] = tuple(sorted({tuple(route) for route in routes}))
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{type(model).__name__}.finishes is {declared!r}; expected a dict from the number of "
            f"a routed stage (1 to {len(rules)}) to its finishing routes, as {{1: [(0,)]}}",
            code="model.contract",
            name="finishes",
        ) from error
    for stage, (rule, routes) in enumerate(zip(rules, found[1:], strict=True), start=1):
        for route in routes:
            require_route(route, rule, f"{type(model).__name__}.finishes[{stage}]")
    return found


def run_stage(
    module: nn.Module,
    state: Mapping[str, Tensor],
    gates: Tensor | None = None,
    alone: str = ANSWER,
) -> State:
    """What a stage's module gives for what it takes of `state`, which becomes the latest.

    `gates` `[B, k]` are those of a routed stage. Raises InputError as `taken_names` and
    `named_output` do.
    """
    inputs = [state[name] for name in taken_names(module, state, routed=gates is not None)]
    return named_output(module(*inputs, *([] if gates is None else [gates])), alone)


def taken_names(module: nn.Module, known: Collection[str], *, routed: bool) -> tuple[str, ...]:
    """The tensors that a stage's module takes, in the order of its parameters.

    A routed stage takes gates behind them. The stem takes the image, whatever it calls it. Raises
    InputError for parameters that are no tensors of the stages before.
    """
    if not routed:
        return (IMAGE,)
    names = _said_names(module) or _required(module)[:-1]
    if names and all(name in known for name in names):
        return names
    if len(names) <= 1 and TOKENS in known:
        return (TOKENS,)
    raise InputError(
        f"{type(module).__name__}.forward takes {', '.join(names) or 'nothing'} and gates, but the "
        f"stages before it give {', '.join(known)}; name its parameters as the tensors that it "
        "takes, the gates last",
        code="model.contract",
    )


def expert_takes(module: nn.Module, known: Collection[str]) -> tuple[str, ...]:
    """The tensors that the module of one expert takes, in the order of its parameters.

    `known` are those that its stage takes. Raises InputError for parameters that are none of them.
    """
    names = _required(module)
    found = _by_name(names, known)
    if found:
        return found
    raise InputError(
        f"{type(module).__name__}.forward, of an expert, takes {', '.join(names) or 'nothing'}; "
        f"expected some of the tensors that its stage takes, by name: {', '.join(known)}",
        code="model.contract",
    )


def join_takes(module: nn.Module, known: Collection[str], count: int) -> tuple[str, ...]:
    """The tensors that a joining module takes before what `count` experts give, and the gates.

    `known` are those that its stage takes. Raises InputError for parameters that are none of them.
    """
    parameters = _required(module)
    names = _said_names(module) or parameters
    enough = _takes_any_number(module)
    if not enough:
        names, enough = parameters[: -(count + 1)], len(parameters) > count
    found = _by_name(names, known) if enough else None
    if found is not None:
        return found
    raise InputError(
        f"{type(module).__name__}.forward, of a join, takes {', '.join(parameters)}; expected some "
        f"of the tensors that its stage takes, by name: {', '.join(known)}, then what {count} "
        "experts give, and the gates (*outputs_and_gates)",
        code="model.contract",
    )


def _said_names(module: nn.Module) -> tuple[str, ...]:
    """The names in a module's attribute `takes`; empty where it has none, or something else."""
    said = getattr(module, "takes", ())
    is_said = isinstance(said, tuple) and all(isinstance(name, str) for name in said)
    return said if is_said else ()


def _required(module: nn.Module) -> tuple[str, ...]:
    """The parameters of a module's forward that have to be given, by position."""
    return tuple(
        parameter.name
        for parameter in inspect.signature(module.forward).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    )


def _takes_any_number(module: nn.Module) -> bool:
    """Whether a module's forward has a parameter such as `*outputs`."""
    parameters = inspect.signature(module.forward).parameters.values()
    return any(parameter.kind == parameter.VAR_POSITIONAL for parameter in parameters)


def _by_name(names: tuple[str, ...], known: Collection[str]) -> tuple[str, ...] | None:
    """The tensors that parameters stand for: by name, or the only one, whatever it is called."""
    if all(name in known for name in names):
        return names
    if len(names) == 1 and TOKENS in known:
        return (TOKENS,)
    return tuple(known) if len(names) == len(known) == 1 else None


def named_output(output: Any, alone: str = ANSWER) -> State:
    """What a stage's module has given, by name; raises InputError for what the contract lacks.

    A tensor without a name is the model's only output, whose name is `alone`.
    """
    if isinstance(output, Mapping):
        return dict(output)
    if isinstance(output, Tensor):
        return {alone: output}
    if isinstance(output, tuple) and len(output) == 2:
        return dict(zip((TOKENS, LOGITS), output, strict=True))
    raise InputError(
        f"a stage gives {type(output).__name__}; the contract expects a dict of named tensors, "
        "(tokens, logits) before the last stage, or the answer",
        code="model.contract",
    )


def output_alone(outputs: Collection[str]) -> str:
    """The name of an output that a stage or `forward` gives without a name: the model's first."""
    return next(iter(outputs))
