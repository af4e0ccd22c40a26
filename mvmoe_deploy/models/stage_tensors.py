"""The tensors that stages pass on, by name: what a stage's module takes, and what it gives.

A stage takes tensors by the names of its parameters: `forward(self, p3, p4, gates)` takes the
latest `p3` and `p4` that earlier stages gave, and `image` is one of them. It gives a dict of named
tensors. The short form, for models that pass on one tensor, has no names: `(tokens, logits)`,
taken as the only parameter beside the gates, and the answer alone at the end.
"""

import inspect
from collections.abc import Collection, Mapping
from typing import Any

from torch import Tensor, nn

from mvmoe_deploy.errors import InputError

IMAGE, TOKENS, LOGITS, ANSWER = "image", "tokens", "logits", "answer"

State = dict[str, Tensor]
"""The latest tensor `[B, ...]` of each name."""


def run_stage(
    module: nn.Module,
    state: Mapping[str, Tensor],
    gates: Tensor | None = None,
) -> State:
    """What a stage's module gives for what it takes of `state`, which becomes the latest.

    `gates` `[B, k]` are those of a routed stage. Raises InputError as `taken_names` and
    `named_output` do.
    """
    inputs = [state[name] for name in taken_names(module, state, routed=gates is not None)]
    return named_output(module(*inputs, *([] if gates is None else [gates])))


def taken_names(module: nn.Module, known: Collection[str], *, routed: bool) -> tuple[str, ...]:
    """The tensors that a stage's module takes, in the order of its parameters.

    A routed stage takes gates behind them. The stem takes the image, whatever it calls it. Raises
    InputError for parameters that are no tensors of the stages before.
    """
    if not routed:
        return (IMAGE,)
    required = [
        parameter.name
        for parameter in inspect.signature(module.forward).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    ]
    names = tuple(required[:-1])
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


def named_output(output: Any) -> State:
    """What a stage's module has given, by name; raises InputError for what the contract lacks."""
    if isinstance(output, Mapping):
        return dict(output)
    if isinstance(output, Tensor):
        return {ANSWER: output}
    if isinstance(output, tuple) and len(output) == 2:
        return dict(zip((TOKENS, LOGITS), output, strict=True))
    raise InputError(
        f"a stage gives {type(output).__name__}; the contract expects a dict of named tensors, "
        "(tokens, logits) before the last stage, or the answer",
        code="model.contract",
    )
