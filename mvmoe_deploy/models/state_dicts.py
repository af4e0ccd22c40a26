"""Loading a state dict into a model: what does not fit is named, key by key."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from mvmoe_deploy.errors import CheckpointError, InputError
from mvmoe_deploy.models.config import ViTConfig
from mvmoe_deploy.models.vit import ViT, resample_position_embedding
from mvmoe_deploy.text import name as printable

_LONGEST = 200
"""Characters of a name that a message quotes."""


def load_weights(model: ViT, state: Mapping[str, Tensor], where: str) -> None:
    """Load a state dict, position embeddings resampled if the image size differs.

    Weights of any floating-point type become the model's. Raises CheckpointError that names
    missing, extra and wrongly shaped keys, and tensors that hold no numbers or a value that is
    not finite.
    """
    expected = model.state_dict()
    shapes = {
        f"{name} {list(tensor.shape)} instead of {list(expected[name].shape)}"
        for name, tensor in state.items()
        if name in expected and not tensor.is_nested and not fits(name, tensor, expected[name])
    }
    problems = [
        _listing("missing keys", expected.keys() - state.keys()),
        _listing("unknown keys", state.keys() - expected.keys()),
        _listing("no floating-point weights in", {n for n, t in state.items() if not _is_plain(t)}),
        _listing("wrong shapes", shapes),
    ]
    _require_none(problems, model, where)
    # Only now: resampling takes memory for as many positions as the configuration asks for.
    state = _resampled(state, model.config, where)
    # Always a copy: tensors of a file share its memory map, those of a pickle may share storage.
    weights = {
        name: torch.empty(tensor.shape, dtype=expected[name].dtype).copy_(tensor.detach())
        for name, tensor in state.items()
    }
    infinite = {name for name, tensor in weights.items() if not torch.isfinite(tensor).all()}
    _require_none([_listing("values that are not finite in", infinite)], model, where)
    model.load_state_dict(weights, assign=any(tensor.is_meta for tensor in expected.values()))


def fits(name: str, tensor: Tensor, expected: Tensor) -> bool:
    """Whether a tensor has the shape of a parameter; position embeddings may be of another grid."""
    if name == "pos_embed" and tensor.ndim == 3:
        return (tensor.shape[0], tensor.shape[2]) == (expected.shape[0], expected.shape[2])
    return tensor.shape == expected.shape


def resampling_note(state: Mapping[str, Tensor], config: ViTConfig) -> str | None:
    """One line on position embeddings that `load_weights` resamples; None if they fit."""
    positions = state["pos_embed"].shape[1] - 1
    if positions + 1 == config.tokens:
        return None
    old, new = math.isqrt(positions), config.grid
    return f"weights: pos_embed is resampled from {old} x {old} patches to {new} x {new}"


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


def _resampled(state: Mapping[str, Tensor], config: ViTConfig, where: str) -> dict[str, Tensor]:
    """A state dict with the position embeddings on the model's grid."""
    try:
        embedding = resample_position_embedding(state["pos_embed"], config.tokens)
        return {**state, "pos_embed": embedding}
    except InputError as error:
        raise CheckpointError(f"{where} does not fit a {config.family}: {error}") from error


def _require_none(problems: list[str], model: ViT, where: str) -> None:
    """Raise CheckpointError if there is a problem."""
    if any(problems):
        raise CheckpointError(
            f"{where} does not fit a {model.config.family}: {'; '.join(filter(None, problems))}"
        )


def _listing(what: str, names: set[str], most: int = 5) -> str:
    """`what: a, b, c (and 4 more)`, or nothing for no names."""
    if not names:
        return ""
    shown = [printable(item, _LONGEST) for item in sorted(names)[:most]]
    rest = f" (and {len(names) - most} more)" if len(names) > most else ""
    return f"{what}: {', '.join(shown)}{rest}"
