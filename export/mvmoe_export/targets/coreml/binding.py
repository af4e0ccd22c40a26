"""Which constants of a converted program are slots, so that it can be filled with other weights.

    probe:   linear(tokens, weight=[0.81, 1.07, ...])      what its slot held, cast and transposed
    member:  linear(tokens, weight=<that member's slot, cast and transposed in the same way>)

A program is converted twice, with two sets of made-up weights. What is the same in both does not
depend on weights; everything else must be the content of a slot. If it is not (a BatchNorm folded
into a convolution, a scale into a bias), the program cannot be bound.
"""

import itertools
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mvmoe_export.targets.coreml.constants import Array, body, values
from mvmoe_export.targets.coreml.engine import Converted

_MOST_AXES = 5
"""Of a slot whose transposes are tried."""

_LARGEST_FP16 = 65504
_INFINITE = 1e38
"""What coremltools takes for infinite: it becomes infinite in fp16, too."""
_SMALL = 400
"""Elements below which coremltools lets no number become zero in fp16."""
_TINY_FP16 = np.nextafter(np.float16(0), np.float16(1))
_TINY_FP32 = np.nextafter(np.float32(0), np.float32(1))


@dataclass(frozen=True)
class SlotPlace:
    """A constant that holds a slot: in which order of axes, and as which type."""

    slot: str
    order: tuple[int, ...]
    dtype: np.dtype[Any]

    def content(self, slots: Mapping[str, Array]) -> Array:
        """The constant's elements for contents of the slots."""
        return cast(slots[self.slot].transpose(self.order).reshape(-1), self.dtype)


Binding = tuple[SlotPlace | None, ...]
"""For each constant, the slot that it holds, if any."""


def find_places(
    probes: tuple[Converted, Converted],
    slots: tuple[Mapping[str, Array], Mapping[str, Array]],
) -> Binding | None:
    """The binding of a program from two conversions and what its slots held in each.

    None if something else than the slots themselves depends on what they hold.
    """
    one, other = probes
    if len(one.constants) != len(other.constants):
        return None
    places: list[SlotPlace | None] = []
    for constant, again in zip(one.constants, other.constants, strict=True):
        if constant is None or again is None or np.array_equal(constant, again, equal_nan=True):
            places.append(None)
            continue
        place = _find(constant, slots[0])
        if place is None or not np.array_equal(place.content(slots[1]), again):
            return None
        places.append(place)
    found = {place.slot for place in places if place is not None}
    floating = {name for name, content in slots[0].items() if content.dtype.kind == "f"}
    if found != floating or _outline(one, places) != _outline(other, places):
        return None
    return tuple(places)


def can_hold(binding: Binding, slots: Mapping[str, Array]) -> bool:
    """Whether these contents leave the program as it is.

    An operator with a number that fp16 cannot hold stays in fp32.
    """
    return not any(
        place.dtype == np.float16 and _overflows(slots[place.slot])
        for place in binding
        if place is not None
    )


def find_held(
    program: Converted, slots: Mapping[str, Array], names: Collection[str]
) -> dict[int, SlotPlace]:
    """The constants of a program that was converted with its weights which hold slots of `names`.

    By their content, so a constant that may hold another slot as well is not among them.
    """
    sizes = {slots[name].size for name in names}
    found = {
        index: list(_matches(constant, slots))
        for index, constant in enumerate(program.constants)
        if constant is not None and constant.size in sizes
    }
    return {
        index: places[0]
        for index, places in found.items()
        if places and all(place.slot in names for place in places)
    }


def fill(program: Converted, binding: Binding, slots: Mapping[str, Array]) -> list[Array | None]:
    """The contents of a program's constants for contents of its slots."""
    return [
        constant if place is None else place.content(slots)
        for constant, place in zip(program.constants, binding, strict=True)
    ]


def cast(content: Array, dtype: np.dtype[Any]) -> Array:
    """Numbers in another type, as coremltools casts constants."""
    with np.errstate(over="ignore"):
        given = content.astype(dtype)
    if dtype == np.float16 and content.size < _SMALL:
        vanished = (np.abs(content) > _TINY_FP32) & (np.abs(given) <= _TINY_FP16)
        given[vanished] = np.copysign(_TINY_FP16, content[vanished])
    return given


def _find(constant: Array, slots: Mapping[str, Array]) -> SlotPlace | None:
    """The one slot whose content a constant has."""
    found = list(_matches(constant, slots))
    return found[0] if len(found) == 1 else None


def _matches(constant: Array, slots: Mapping[str, Array]) -> Iterator[SlotPlace]:
    """The slots whose content a constant has, each in the first order of axes that fits."""
    for name, content in slots.items():
        if content.size != constant.size or content.dtype.kind != "f":
            continue
        first = cast(content.reshape(-1)[:1], constant.dtype)
        if not np.array_equal(first, constant[:1]):
            continue
        for order in itertools.permutations(range(min(content.ndim, _MOST_AXES))):
            place = SlotPlace(name, (*order, *range(_MOST_AXES, content.ndim)), constant.dtype)
            if np.array_equal(place.content(slots), constant):
                yield place
                break


def _overflows(content: Array) -> bool:
    size = np.abs(content)
    return bool(((size > _LARGEST_FP16) & (size < _INFINITE)).any())


def _outline(program: Converted, places: list[SlotPlace | None]) -> bytes:
    """A program without what its slots hold, and without where blobs are."""
    function = type(program.function)()
    function.CopyFrom(program.function)
    constants = values(body(function))
    for value, content, place in zip(constants, program.constants, places, strict=True):
        if place is not None or content is not None:
            _clear(value)
    return bytes(function.SerializePartialToString(deterministic=True))


def _clear(value: Any) -> None:
    """Drop a constant's elements or their place; type and shape stay."""
    value.ClearField("immediateValue")
    value.ClearField("blobFileValue")
