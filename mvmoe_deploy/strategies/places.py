"""Which weights of a route's module belong to the expert at which place of the route.

Found from the contract of a routed model alone: by the memory of the weights that modules of
several routes have. Values are never looked at: zero biases of two experts are equal.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.routing import Route
from mvmoe_deploy.strategies.contract import Build

if TYPE_CHECKING:
    from torch import Tensor, nn

Weights = dict[str, "Tensor"]
"""The parameters and buffers of a module by name."""


def first_route(size: int) -> Route:
    """The first `size` experts."""
    return tuple(range(size))


def placed(expert: int, place: int, size: int) -> Route:
    """The first `size` experts, but `expert` at `place`; one of them changes places for that."""
    route = list(range(size))
    if expert < size:
        route[expert] = place
    route[place] = expert
    return tuple(route)


def placements(experts: int, size: int) -> Iterator[tuple[int, int, Route]]:
    """Every expert at every place of a route of `size`: the expert, its place, and the route."""
    for expert in range(experts):
        for place in range(size):
            yield expert, place, placed(expert, place, size)


def weights_of(module: "nn.Module") -> Weights:
    """A module's parameters and buffers by name, tied ones under each of their names."""
    return {
        **dict(module.named_parameters(remove_duplicate=False)),
        **dict(module.named_buffers(remove_duplicate=False)),
    }


def is_same(one: "Tensor", other: "Tensor") -> bool:
    """Whether two tensors are the same memory, read in the same way."""
    return (one.data_ptr(), one.shape, one.stride()) == (
        other.data_ptr(),
        other.shape,
        other.stride(),
    )


def places_of_weights(experts: int, size: int, build: Build) -> dict[str, int]:
    """The place of the expert that each weight of the first route's module belongs to, by name.

    `build` makes the module of any `size` of the `experts` experts. Weights that do not depend on
    an expert are left out.

    Raises InputError for experts whose modules have weights of different names or shapes.
    """
    if experts == 1:
        return {}
    first = weights_of(build(first_route(size)))
    found: dict[str, int] = {}
    for place in range(size):
        for name in _of_place(experts, size, place, first, build):
            found.setdefault(name, place)
    return found


def _of_place(experts: int, size: int, place: int, first: Weights, build: Build) -> Iterator[str]:
    """The weights that change with the expert at a place."""
    if size < experts:
        # Experts beyond the first route stand at a place without moving the others.
        others = [
            _alike(first, weights_of(build(placed(one, place, size))))
            for one in range(size, experts)
        ]
        for name, tensor in first.items():
            if not all(is_same(tensor, other[name]) for other in others):
                yield name
        return
    # Every expert is on the route: one's own weights are those that no other has alone.
    alone = [weights_of(build((expert,))) for expert in range(experts)]
    own = _memories(alone[place])
    for expert, weights in enumerate(alone):
        if expert != place:
            own -= _memories(weights)
    yield from (name for name, tensor in first.items() if tensor.data_ptr() in own)


def _alike(first: Weights, other: Weights) -> Weights:
    """Other weights, which must have the names and shapes of the first."""
    if other.keys() != first.keys():
        name = sorted(other.keys() ^ first.keys())[0]
        raise InputError(
            f"one graph can serve experts with the same parameters alone, but {name} is not in all "
            "of them: export the model with another --strategy",
            code="model.contract",
            name=name,
        )
    for name, tensor in first.items():
        if other[name].shape != tensor.shape:
            raise InputError(
                f"one graph can serve experts of equal shapes alone, but {name} is "
                f"{list(tensor.shape)} and {list(other[name].shape)}: export the model with "
                "another --strategy",
                code="model.contract",
                name=name,
                expected=list(tensor.shape),
                found=list(other[name].shape),
            )
    return other


def _memories(weights: Weights) -> set[int]:
    """Where weights are in memory."""
    return {tensor.data_ptr() for tensor in weights.values()}
