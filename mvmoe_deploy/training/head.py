"""The head of a checkpoint for the classes of a run: kept, put in their order, or begun afresh."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from mvmoe_deploy.models.class_parameters import class_dimensions
from mvmoe_deploy.models.contract import FamilyModel

_MOST_NAMED = 3
"""Classes that a note names."""


class FittedHead(NamedTuple):
    """The head's tensors that replace those of the checkpoint, and what to know of them."""

    tensors: Mapping[str, Tensor]
    notes: tuple[str, ...] = ()
    fresh: bool = False
    """Whether nothing of the checkpoint's head is left."""


def fitted_head(
    state: Mapping[str, Tensor],
    labels: Sequence[str] | None,
    model: FamilyModel,
    classes: Sequence[str],
) -> FittedHead:
    """The head of a state dict, whose classes are `labels`, for `model`, which answers `classes`.

    It is `model`'s own where the number of classes is another. Otherwise the state's is kept, in
    the order of `classes` if they are called the same.
    """
    axes, expected = class_dimensions(model.config), model.state_dict()
    stored = {name: state[name] for name in axes if name in state}
    others = [
        name for name in stored if _of_other_classes(stored[name], expected[name], axes[name])
    ]
    if others:
        notes = tuple(
            f"weights: {name} starts fresh, {list(expected[name].shape)} instead of the "
            f"checkpoint's {list(stored[name].shape)}"
            for name in others
        )
        return FittedHead({name: expected[name] for name in others}, notes, fresh=True)
    if labels is None or tuple(labels) == tuple(classes) or len(labels) != len(classes):
        return FittedHead({})
    if sorted(labels) != sorted(classes):
        return FittedHead({}, (_other_names(labels, classes),))
    order = torch.tensor([list(labels).index(name) for name in classes])
    moved = {name: tensor.index_select(axes[name], order) for name, tensor in stored.items()}
    return FittedHead(
        moved, (f"weights: {', '.join(moved)} are put into the order of the classes",)
    )


def _of_other_classes(stored: Tensor, expected: Tensor, axis: int) -> bool:
    """Whether a tensor has another number of classes and is the same in all else."""
    one, other = list(stored.shape), list(expected.shape)
    return (
        one != other
        and len(one) == len(other)
        and one[axis] != other[axis]
        and all(a == b for i, (a, b) in enumerate(zip(one, other, strict=True)) if i != axis)
    )


def _other_names(labels: Sequence[str], classes: Sequence[str]) -> str:
    """The note on a head whose classes have other names."""
    return (
        f"weights: the head keeps its {len(labels)} classes, which the checkpoint calls "
        f"{_first(labels)}, and the data {_first(classes)}"
    )


def _first(names: Sequence[str]) -> str:
    """The first few names."""
    return ", ".join(map(repr, names[:_MOST_NAMED])) + ", ..." * (len(names) > _MOST_NAMED)
