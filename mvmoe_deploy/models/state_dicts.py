"""Loading a state dict into a model: what does not fit is named, key by key."""

from collections.abc import Mapping

import torch
from torch import Tensor

from mvmoe_deploy.errors import CheckpointError, InputError
from mvmoe_deploy.models.contract import AdaptedState, FamilyModel
from mvmoe_deploy.models.families import find_family
from mvmoe_deploy.models.model_config import ModelConfig
from mvmoe_deploy.text import name as printable

_MOST_KEYS = 16
"""Keys in a field of an error."""

_LONGEST = 200
"""Characters of a name that a message quotes."""


def load_weights(model: FamilyModel, state: Mapping[str, Tensor], where: str) -> tuple[str, ...]:
    """Load a state dict, adapted by the model's family; what was adapted, one line each.

    Weights of any floating-point type become the model's. Raises CheckpointError that names
    missing, extra and wrongly shaped keys, and tensors that hold no numbers or a value that is
    not finite.
    """
    expected = model.state_dict()
    fits = find_family(model.config.family).fits
    shapes = {
        f"{name} {list(tensor.shape)} instead of {list(expected[name].shape)}"
        for name, tensor in state.items()
        if name in expected and not tensor.is_nested and not fits(name, tensor, expected[name])
    }
    missing, unknown = expected.keys() - state.keys(), state.keys() - expected.keys()
    problems = [
        _listing("missing keys", missing),
        _listing("unknown keys", unknown),
        _listing("no floating-point weights in", {n for n, t in state.items() if not _is_plain(t)}),
        _listing("wrong shapes", shapes),
    ]
    _require_none(
        problems,
        model,
        where,
        missing=_first(missing),
        unknown=_first(unknown),
        shapes=_first(shapes),
    )
    # Only now: adapting takes as much memory as the configuration asks for.
    adapted = _adapted(state, model.config, where)
    # Always a copy: tensors of a file share its memory map, those of a pickle may share storage.
    weights = {
        name: torch.empty(tensor.shape, dtype=expected[name].dtype).copy_(tensor.detach())
        for name, tensor in adapted.tensors.items()
    }
    not_finite = {name for name, tensor in weights.items() if not torch.isfinite(tensor).all()}
    _require_none([_listing("values that are not finite in", not_finite)], model, where)
    model.load_state_dict(weights, assign=any(tensor.is_meta for tensor in expected.values()))
    return adapted.notes


def _is_plain(tensor: Tensor) -> bool:
    """Whether a tensor holds floating-point numbers, in memory and one after the other."""
    return (
        tensor.is_floating_point()
        and tensor.layout == torch.strided
        and not tensor.is_quantized
        and not tensor.is_meta
        and not tensor.is_nested
        and tensor.dtype.itemsize >= 2  # scaled 8-bit and packed 4-bit floats are not weights yet
    )


def _adapted(state: Mapping[str, Tensor], config: ModelConfig, where: str) -> AdaptedState:
    """The state dict in the shapes of the model; raises CheckpointError."""
    try:
        return find_family(config.family).adapt(state, config)
    except InputError as error:
        raise CheckpointError(
            f"{where} does not fit a {config.family}: {error}",
            code="checkpoint.does-not-fit",
            family=config.family,
        ) from error


def _require_none(problems: list[str], model: FamilyModel, where: str, **keys: list[str]) -> None:
    """Raise CheckpointError if there is a problem."""
    if any(problems):
        raise CheckpointError(
            f"{where} does not fit a {model.config.family}: {'; '.join(filter(None, problems))}",
            code="checkpoint.does-not-fit",
            family=model.config.family,
            **{name: found for name, found in keys.items() if found},
        )


def _first(names: set[str]) -> list[str]:
    """The first of some keys, for the field of an error."""
    return [printable(item, _LONGEST) for item in sorted(names)[:_MOST_KEYS]]


def _listing(what: str, names: set[str], most: int = 5) -> str:
    """`what: a, b, c (and 4 more)`, or nothing for no names."""
    if not names:
        return ""
    shown = [printable(item, _LONGEST) for item in sorted(names)[:most]]
    rest = f" (and {len(names) - most} more)" if len(names) > most else ""
    return f"{what}: {', '.join(shown)}{rest}"
