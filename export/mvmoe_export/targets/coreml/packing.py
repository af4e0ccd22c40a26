"""Packs weights of layers in programs that are converted already.

Before:  const(val=[0.81, 1.07, ...]) -> weight -> linear
After:   constexpr_blockwise_shift_scale(data=[96, 127, ...], scale=[...]) -> weight -> linear

Whether a constant is a layer's weight is known by the slot that it holds. So a structure is
converted once for all graphs, whatever numbers their weights are stored in.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx

from mvmoe_export.captured import CapturedFamily, tensor_key
from mvmoe_export.compile_job import CompileJob
from mvmoe_export.layers import Layer, LayerChanges, left_layer
from mvmoe_export.layers.finite import require_finite
from mvmoe_export.targets.coreml.binding import SlotPlace
from mvmoe_export.targets.coreml.constants import Array, BlobWriter, body, held_values, shape_of
from mvmoe_export.targets.coreml.engine import Converted
from mvmoe_export.targets.coreml.forms import Form, Part, Shape, form_of
from mvmoe_export.targets.coreml.options import CoreMLOptions

FOLDED = "coremltools has made another weight of it"
RESHAPED = "coremltools has its weight in another shape"
SHARED = "something else reads its weight, and that stays precise"
NO_SMALLER = "its weight is so small that it would take no fewer bytes"
BOUND = "its weight is an input of the graph, and Core ML unpacks constants alone"

_TYPES = {np.dtype(np.float16): torch.float16, np.dtype(np.float32): torch.float32}

_RECORD_BITS = 8 * 64
"""What each constant takes in the file beside its elements; a packed weight is two."""


@dataclass(frozen=True)
class PackedPlace:
    """A constant that is packed: which slot it holds, in which shape, and its axis of outputs."""

    place: SlotPlace
    shape: Shape
    axis: int


@dataclass(frozen=True)
class Packing:
    """What is packed of a program, by the indices of its constants."""

    packer: "Packer"
    places: Mapping[int, PackedPlace]
    left: Mapping[str, str]
    """The layers that are not, by their weights, with the reason."""


@dataclass
class Packer:
    """Packs weights in one form, each content once, whichever graphs read it."""

    form: Form
    as_attributes: bool
    """Whether an operator has its constants as attributes, as on older systems."""
    stored: dict[str, int] = field(default_factory=dict)
    """The bytes that weights take, by their keys (`captured.tensor_key`)."""
    _packed: dict[tuple[Any, ...], tuple[Part, ...]] = field(default_factory=dict)

    def plan(
        self,
        program: Converted,
        held: Mapping[int, SlotPlace],
        layers: Mapping[str, Layer],
        slots: Mapping[str, Array],
    ) -> Packing:
        """What is packed of a program whose constants hold weights of layers.

        `slots` are contents of the shapes that all graphs have.
        """
        operations = list(held_values(body(program.function)))
        places: dict[int, PackedPlace] = {}
        left = dict.fromkeys(layers, FOLDED)
        for index, place in held.items():
            operation, value = operations[index]
            axis = layers[place.slot].outputs_axis
            planned = self._planned(place, slots[place.slot].shape, axis, shape_of(value))
            if operation.type != "const":
                planned = NO_SMALLER  # coremltools writes none but the smallest into operators.
            if isinstance(planned, str):
                left[place.slot] = planned
                continue
            places[index] = planned
            left.pop(place.slot, None)
        return Packing(self, places, left)

    def write(
        self, operation: Any, packed: PackedPlace, slots: Mapping[str, Array], writer: BlobWriter
    ) -> list[tuple[int, int]]:
        """Let an operator that holds a weight unpack it; gives what that takes in the file.

        Raises InputError for a weight with values that are no finite numbers.
        """
        weight = torch.from_numpy(slots[packed.place.slot])
        key = tensor_key(weight)
        operation.type = self.form.operator
        del operation.attributes["val"]
        made = [
            (part.argument, *writer.make(part.kind, part.content))
            for part in self._parts(key, weight, packed)
        ]
        for argument, value, _ in made:
            if self.as_attributes:
                operation.attributes[argument].CopyFrom(value)
            else:
                operation.inputs[argument].arguments.add().value.CopyFrom(value)
        blobs = [blob for _, _, blob in made if blob is not None]
        self.stored[key] = sum(size for _, size in blobs)
        return blobs

    def _planned(
        self, place: SlotPlace, given: Shape, outputs: int, shape: Shape
    ) -> PackedPlace | str:
        """How a constant of a shape is packed whose slot has another, or why it is not."""
        axis = _same_axis(
            [given[at] for at in place.order], place.order.index(outputs % len(given)), shape
        )
        if axis is None:
            return RESHAPED
        itemsize = place.dtype.itemsize
        packed = self.form.bits_of(shape, axis, itemsize) + _RECORD_BITS
        return (
            PackedPlace(place, shape, axis) if packed < 8 * itemsize * prod(shape) else NO_SMALLER
        )

    def _parts(self, key: str, weight: Tensor, packed: PackedPlace) -> tuple[Part, ...]:
        """The constants of a weight in its form."""
        place = packed.place
        known = key, place.order, packed.shape, packed.axis, place.dtype
        if known not in self._packed:
            require_finite(place.slot, weight)
            laid = weight.permute(place.order).reshape(packed.shape)
            self._packed[known] = self.form.packed(laid, packed.axis, _TYPES[place.dtype])
        return self._packed[known]


class FamilyLayers:
    """The layers of a structure, and what has become of them in its graphs."""

    def __init__(self, job: CompileJob, family: CapturedFamily, packer: Packer) -> None:
        self._job = job
        self._family = family
        self._packer = packer
        free, precise = job.find_layers(family)
        self._left = [*precise]
        nodes = {layer.node for layer in free}
        self._free: dict[str, Layer] = {}
        for layer in free:
            reason = _reason(layer, nodes)
            if reason is None:
                self._free.setdefault(layer.name, layer)
            else:
                self._left.append(left_layer(layer, reason))
        self._unpacked: dict[str, str] = {}

    @property
    def names(self) -> Collection[str]:
        """The slots of weights that may be packed."""
        return self._free.keys()

    def plan(
        self, program: Converted, held: Mapping[int, SlotPlace], slots: Mapping[str, Array]
    ) -> Packing:
        """As `Packer.plan`, of constants that may hold other slots as well.

        Raises InputError for a weight with values that are no finite numbers.
        """
        for name in self._free:
            require_finite(name, torch.from_numpy(slots[name]))
        held = {index: place for index, place in held.items() if place.slot in self._free}
        packing = self._packer.plan(program, held, self._free, slots)
        self._unpacked |= packing.left
        return packing

    def note(self) -> None:
        """Tell the job what has become of them; one that some graph has as it was is left."""
        packed = {name: one for name, one in self._free.items() if name not in self._unpacked}
        left = [left_layer(self._free[name], why) for name, why in self._unpacked.items()]
        self._job.note_layers(self._family, LayerChanges(layers=packed, left=(*self._left, *left)))


def _reason(layer: Layer, free: Collection[fx.Node]) -> str | None:
    """Why no constant can be packed for a layer; None if one may be."""
    if layer.weight.op == "placeholder":
        return BOUND
    return SHARED if any(user not in free for user in layer.weight.users) else None


def packer_of(options: CoreMLOptions) -> Packer | None:
    """What packs the weights of layers; None if they are as everything else is."""
    form = form_of(options)
    return None if form is None else Packer(form, not options.blockwise)


def _same_axis(sizes: Sequence[int], axis: int, shape: Shape) -> int | None:
    """Where an axis is in a shape that may have axes of size 1 more or less; None if nowhere."""
    wide = [at for at, size in enumerate(sizes) if size > 1]
    theirs = [at for at, size in enumerate(shape) if size > 1]
    if [sizes[at] for at in wide] != [shape[at] for at in theirs]:
        return None
    if axis in wide:
        return theirs[wide.index(axis)]
    return next((at for at, size in enumerate(shape) if size == 1), None)
