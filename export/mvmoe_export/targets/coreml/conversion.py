"""What the compiler's process does for the Core ML target: programs in, packages out."""

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.export import ExportedProgram

from mvmoe_export.captured import CapturedFamily, CapturedGraph
from mvmoe_export.compile_job import CompileJob
from mvmoe_export.targets.coreml.assembly import (
    PackagedGraph,
    figures,
    write_multifunction,
    write_single,
)
from mvmoe_export.targets.coreml.binding import Binding, can_hold, find_held, find_places
from mvmoe_export.targets.coreml.constants import Array
from mvmoe_export.targets.coreml.engine import Converted, Signature, convert, lower
from mvmoe_export.targets.coreml.options import ConversionOptions
from mvmoe_export.targets.coreml.packing import FamilyLayers, Packer, Packing, packer_of
from mvmoe_export.targets.coreml.pixel_stem import take_pixels

_SEED = 1
"""Of the second set of made-up weights; that of the first is in `compile_job`."""


def compile(job: CompileJob) -> dict[str, Any]:
    """Write the packages of all graphs; gives `graphs`, and how many were bound and converted.

    And `stored`, the bytes of weights that were packed, by the keys of their tensors. Raises
    InputError for a graph that coremltools does not convert.
    """
    options = job.options(ConversionOptions)
    counts: Counter[str] = Counter()
    packer = packer_of(options.chosen)
    parts = _parts(job, options, packer, counts)
    if options.chosen.multifunction:
        written = write_multifunction(parts, options, job.output)
    else:
        written = [write_single(part, options, job.output) for part in parts]
    return {
        "graphs": figures(written),
        "bound": counts["bound"],
        "converted": counts["converted"],
        "stored": {} if packer is None else packer.stored,
    }


def _parts(
    job: CompileJob, options: ConversionOptions, packer: Packer | None, counts: Counter[str]
) -> Iterator[PackagedGraph]:
    """Every graph; each may be forgotten before the next is made."""
    for family in job.families:
        layers = None if packer is None else FamilyLayers(job, family, packer)
        for part in _Family(job, family, options, layers, counts).parts():
            yield part
            counts["bound"] += part.binding is not None
            job.report(part.graph.name)
        if layers is not None:
            layers.note()


class _Family:
    """Graphs of one structure on their way to ML Programs."""

    def __init__(
        self,
        job: CompileJob,
        family: CapturedFamily,
        options: ConversionOptions,
        layers: FamilyLayers | None,
        counts: Counter[str],
    ) -> None:
        self._job = job
        self._family = family
        self._options = options
        self._layers = layers
        self._counts = counts
        self._name = family.graphs[0].name
        self._layout: str | None = None
        self._program = lower(self._source(), self._name)

    def parts(self) -> Iterator[PackagedGraph]:
        """Every graph of the family, bound to its weights or converted with them."""
        if not self._family.probed:
            yield self._own(self._family.graphs[0], {})
            return
        probe, binding = self._bind()
        packing = None if binding is None else self._packing(probe, binding)
        for graph in self._family.graphs:
            weights = self._job.weights(self._family, graph)
            if binding is None or not self._fits(weights, binding):
                yield self._own(graph, weights)
            else:
                slots = partial(self._slots, graph)
                ranges = partial(self._job.ranges, self._family, graph)
                yield PackagedGraph(self._family, graph, probe, binding, slots, packing, ranges)

    def _source(self) -> ExportedProgram:
        """The family's program, on pixels if it takes images and that was asked for."""
        program = self._job.program(self._family)
        image = self._family.inputs[0]
        if image.name != "image" or self._options.chosen.input != "image":
            return program
        program, self._layout = take_pixels(program, self._options.preprocessing, image.shape[0])
        return program

    def _bind(self) -> tuple[Converted, Binding | None]:
        """The program with made-up weights, and which of its constants are slots."""
        weights = {slot: self._program.state_dict[slot] for slot in self._job.slots(self._family)}
        other = _made_up(weights)
        self._indices = {
            slot: tensor for slot, tensor in weights.items() if not tensor.is_floating_point()
        }
        probe = self._convert(weights)
        binding = find_places((probe, self._convert(other)), (_arrays(weights), _arrays(other)))
        return probe, binding

    def _slots(self, graph: CapturedGraph) -> dict[str, Array]:
        """What the slots hold in a graph."""
        return _arrays(self._job.weights(self._family, graph))

    def _fits(self, weights: Mapping[str, Tensor], binding: Binding) -> bool:
        """Whether the bound program is that of these weights: what was not made up is the same."""
        indices = self._indices.items()
        same = all(torch.equal(weights[slot], tensor) for slot, tensor in indices)
        return same and can_hold(binding, _arrays(weights))

    def _packing(self, probe: Converted, binding: Binding) -> Packing | None:
        """What is packed of all graphs that are bound."""
        if self._layers is None:
            return None
        state = self._program.state_dict
        slots = {slot: state[slot].detach() for slot in self._job.slots(self._family)}
        held = {index: place for index, place in enumerate(binding) if place is not None}
        return self._layers.plan(probe, held, _arrays(slots))

    def _own(self, graph: CapturedGraph, weights: Mapping[str, Tensor]) -> PackagedGraph:
        """A graph that is converted with its weights."""
        program = self._convert(weights, graph.name)
        if self._layers is None:
            return PackagedGraph(self._family, graph, program)
        slots = self._slots(graph)
        packing = self._layers.plan(program, find_held(program, slots, self._layers.names), slots)
        return PackagedGraph(
            self._family,
            graph,
            program,
            slots=partial(self._slots, graph),
            packing=packing,
            ranges=partial(self._job.ranges, self._family, graph),
        )

    def _convert(self, weights: Mapping[str, Tensor], name: str | None = None) -> Converted:
        """The ML Program for contents of slots; those that are not given stay."""
        for slot, tensor in weights.items():
            self._program.state_dict[slot] = torch.nn.Parameter(tensor, requires_grad=False)
        self._counts["converted"] += 1
        signature = Signature(
            name or self._name,
            (*self._family.inputs, *self._job.bound(self._family)),
            self._family.outputs,
            self._layout,
        )
        return convert(self._program, signature, self._options.chosen)


def _made_up(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Other contents for slots, around 1 and unlike what they hold; integers stay."""
    generator = torch.Generator().manual_seed(_SEED)
    return {
        slot: torch.rand(tensor.shape, generator=generator).to(tensor.dtype) * 0.5 + 0.75
        if tensor.is_floating_point()
        else tensor
        for slot, tensor in weights.items()
    }


def _arrays(weights: Mapping[str, Tensor]) -> dict[str, Array]:
    return {slot: tensor.detach().numpy() for slot, tensor in weights.items()}
