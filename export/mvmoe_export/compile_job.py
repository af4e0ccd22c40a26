"""A compiler's job: captured programs and weights as files, finished graphs come back as files.

The compiler works in a process of its own, and rewrites there too: a target's `start` has only to
name the rewrites. A graph's structure is compiled once: of several graphs, the program holds
made-up weights, each slot's unlike all others, so that the compiler can find each in its output.
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypeVar

import msgspec
import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor
from torch.export import ExportedProgram

from mvmoe_deploy.bundle.manifest import DType, TensorSpec
from mvmoe_export.captured import (
    CALIBRATION,
    WEIGHTS,
    CapturedCall,
    CapturedFamily,
    CapturedGraph,
    Families,
    key_bytes,
    tensor_key,
)
from mvmoe_export.compression import FLOAT32, NumberTypes, find_recipe
from mvmoe_export.expert_weights import BoundRecords, ExpertFile
from mvmoe_export.layer_tally import LayerTally
from mvmoe_export.layers import (
    Layer,
    LayerChanges,
    LayerWriter,
    PreciseLayer,
    Ranges,
    find_layers,
)
from mvmoe_export.programs import LayerRequest, Program, rewrite_program
from mvmoe_export.stage_calls import StageCall, batches
from mvmoe_export.stages import dtype_of
from mvmoe_export.weight_file import WeightFile

OUTPUT = "output"
EXPERT_WEIGHTS = "weights.bin"
"""The file of the weights that graphs take as inputs, below the output."""


class CompileRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a compiler is asked to do: `module:function` on families, with options of its own."""

    compiler: str
    extra: str
    """The extra of the distribution that the compiler's packages come with."""
    captured: str
    """The folder of the captured programs and weights."""
    families: Families
    rewrites: tuple[str, ...]
    """The names of the rewrites to apply, in order."""
    recipe: str
    """The name of the recipe that changes the programs, and the weights of each graph, then."""
    numbers: NumberTypes = FLOAT32
    """Those of the recipe that the target has taken."""
    experts: tuple[int, ...] = ()
    """How many experts each routed stage has, where graphs take their weights as inputs."""
    calibration: tuple[CapturedCall, ...] = ()
    """What stages took for calibration images, where the numbers need that."""
    options: msgspec.Raw
    """The compiler's own struct, encoded (`encoded`): only the compiler knows it."""


def encoded(options: msgspec.Struct) -> msgspec.Raw:
    """A compiler's options as a job holds them."""
    return msgspec.Raw(msgspec.json.encode(options))


class Rewritten(msgspec.Struct, frozen=True, kw_only=True):
    """What rewriting has made of a job's programs, for the manifest."""

    rewrites: tuple[str, ...] = ()
    """Those that changed something, each once, in order."""
    tensors: dict[str, dict[str, int]] = msgspec.field(default_factory=dict)
    """For each graph by name, the keys of the tensors that it reads, and their bytes."""
    tally: LayerTally = msgspec.field(default_factory=LayerTally)
    """What was done to layers."""


Options = TypeVar("Options", bound=msgspec.Struct)


@dataclass(frozen=True)
class CompileJob:
    """A job as the compiler sees it, in its own process.

    A compiler is a function `compile(job: CompileJob) -> dict`: it writes its files below
    `job.output` and gives JSON data about them. It raises MvmoeError in one sentence.
    """

    folder: Path
    job: CompileRequest
    report: Callable[[str], None]
    """To be called with a graph's name when it is done."""
    writer: LayerWriter | None = None
    """How the engine's graphs have layers with compressed weights, if that is done to programs."""
    _programs: dict[str, Program] = field(default_factory=dict)
    """By the file of the program that was captured."""
    _changes: dict[str, LayerChanges] = field(default_factory=dict)
    """What the compiler itself has done to layers, by the same file."""
    _ranges: dict[str, Ranges | None] = field(default_factory=dict)
    """By the name of the graph."""

    def writing(self, writer: LayerWriter | None) -> Self:
        """This job with programs whose layers are written by `writer`; before the first one."""
        return replace(self, writer=writer)

    def options(self, kind: type[Options]) -> Options:
        """The compiler's options, of the struct that its target has encoded."""
        return msgspec.json.decode(self.job.options, type=kind)

    @property
    def families(self) -> Families:
        """The graphs to make, by structure."""
        return self.job.families

    @property
    def output(self) -> Path:
        """Where finished files go."""
        return self.folder / OUTPUT

    def program(self, family: CapturedFamily) -> ExportedProgram:
        """A family's program after the rewrites, nobody else's; its parameters are the slots.

        Raises InputError for a rewrite or recipe that does not exist.
        """
        return copy.deepcopy(self._rewritten(family).exported)

    def slots(self, family: CapturedFamily) -> tuple[str, ...]:
        """The names of a family's slots."""
        return self._rewritten(family).slots

    def weights(self, family: CapturedFamily, graph: CapturedGraph) -> dict[str, Tensor]:
        """The content of each slot of a family's graph."""
        weights = self._captured_weights(graph.weights)
        return self._rewritten(family).contents(weights, self.ranges(family, graph))

    def ranges(self, family: CapturedFamily, graph: CapturedGraph) -> Ranges | None:
        """The ranges of what a graph's layers take and give; None where nobody needs them.

        Raises InputError if no calibration image came to the graph.
        """
        if graph.name not in self._ranges:
            weights = self._captured_weights(graph.weights)
            given = batches(self._calls, graph.stage, graph.route or (), family.inputs[0].shape[0])
            self._ranges[graph.name] = self._rewritten(family).ranges(weights, given)
        return self._ranges[graph.name]

    def bound(self, family: CapturedFamily) -> tuple[TensorSpec, ...]:
        """What a family's program takes behind its stage's inputs: weights of experts, in order.

        In the numbers of the recipe.
        """
        program = self._rewritten(family)
        nodes = program.exported.graph.find_nodes(op="placeholder")
        found = [node.meta["val"] for node in nodes[len(nodes) - len(program.bound) :]]
        return tuple(
            TensorSpec(name=slot.name, shape=tuple(value.shape), dtype=self._number(value))
            for slot, value in zip(program.bound, found, strict=True)
        )

    def write_expert_weights(self) -> BoundRecords:
        """Write the weights of experts that graphs take, if they take any, for the target's record.

        The file is `output / EXPERT_WEIGHTS`.
        """
        if not self.job.experts:
            return BoundRecords()
        experts = ExpertFile(self.job.experts, self.job.numbers.other)
        for family in self.families:
            slots = self._rewritten(family).bound
            for graph in family.graphs:
                experts.add(graph.stage, graph.name, slots, self._fillings(family, graph))
        with WeightFile(self.output / EXPERT_WEIGHTS) as file:
            return experts.write(file)

    def _number(self, value: Tensor) -> DType:
        """The type of an input that is a weight."""
        if value.is_floating_point():
            return self.job.numbers.other
        return dtype_of(value)

    def _fillings(
        self, family: CapturedFamily, graph: CapturedGraph
    ) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
        """What the bound inputs of a graph hold, expert by expert and place by place."""
        program, own = self._rewritten(family), self._captured_weights(graph.weights)
        for filling in graph.fillings if program.bound else ():
            weights = {**own, **self._captured_weights(filling.weights)}
            found = program.bound_contents(weights, filling.place)
            yield filling.expert, {name: tensor.numpy() for name, tensor in found.items()}

    def layers(self, family: CapturedFamily) -> LayerChanges:
        """What has become of the layers of a family's program."""
        return self._rewritten(family).layers

    def find_layers(self, family: CapturedFamily) -> tuple[list[Layer], list[PreciseLayer]]:
        """The layers of a family's program that may be compressed, and those that stay precise.

        For a compiler that changes layers in what it makes of the program: it says what it has
        done by `note_layers`.
        """
        program = self._rewritten(family)
        names = {*program.slots, *(slot.name for slot in program.bound)}
        graph = program.exported.module(check_guards=False).graph
        return find_layers(graph, names, family.roles)

    def note_layers(self, family: CapturedFamily, changes: LayerChanges) -> None:
        """What the compiler has done to layers of a family, for the manifest."""
        self._changes[family.program] = changes

    def rewritten(self) -> Rewritten:
        """What the manifest says of the rewrites, and of what each graph reads."""
        counts = [self._rewritten(family).rewritten for family in self.families]
        return Rewritten(
            rewrites=tuple(
                name
                for name in dict.fromkeys(self.job.rewrites)
                if any(count.get(name) for count in counts)
            ),
            tensors={
                graph.name: self._read(family, graph)
                for family in self.families
                for graph in family.graphs
            },
            tally=self._tally(),
        )

    def _read(self, family: CapturedFamily, graph: CapturedGraph) -> dict[str, int]:
        """The keys of the tensors that a graph reads, and the bytes that are stored of each."""
        packed, found = self.layers(family).packed, dict[str, int]()
        for slot, tensor in self.weights(family, graph).items():
            key = tensor_key(tensor)
            bits = packed(slot)
            found[key] = key_bytes(key) if bits is None else -(-tensor.numel() * bits // 8)
        return found

    def _tally(self) -> LayerTally:
        """What was done to layers, by the writer of programs or by the compiler."""
        tally = LayerTally()
        for family in self.families if self.job.numbers.changes_layers else ():
            program = self._rewritten(family)
            changes = self._changes.get(family.program, program.layers)
            tally.add_structure(family.graphs[0].name, changes)
            for graph in family.graphs:
                own = self._captured_weights(graph.weights)
                tally.add_weights(program.plain_contents(own).values())
                for filling in graph.fillings if program.bound else ():
                    weights = {**own, **self._captured_weights(filling.weights)}
                    bound = program.plain_bound_contents(weights, filling.place)
                    tally.add_weights(bound.values())
        return tally

    def _rewritten(self, family: CapturedFamily) -> Program:
        """A family's program after the rewrites, made once."""
        if family.program not in self._programs:
            self._programs[family.program] = self._rewrite(family)
        return self._programs[family.program]

    def _rewrite(self, family: CapturedFamily) -> Program:
        captured = torch.export.load(Path(self.job.captured) / family.program)
        first = family.graphs[0]
        weights = self._captured_weights(first.weights)
        layers = None
        if self.writer is not None or self.job.numbers.needs_images:
            layers = LayerRequest(self.writer, family.roles)
        rewritten = rewrite_program(
            first.name, captured, weights, self.job.rewrites, family.bound, layers=layers
        )
        program = find_recipe(self.job.recipe).compress(rewritten)
        if family.probed:
            _probe(program)
        return program

    def _captured_weights(self, keys: Mapping[str, str]) -> Mapping[str, Tensor]:
        """Weights by name, of the keys of their tensors; those of one key are one tensor."""
        tensors = {key: self._file.get_tensor(key) for key in set(keys.values())}
        return {name: tensors[key] for name, key in keys.items()}

    @cached_property
    def _calls(self) -> list[StageCall]:
        """What stages took for calibration images."""
        if not self.job.calibration:
            return []
        with safe_open(str(Path(self.job.captured) / CALIBRATION), framework="np") as file:
            return [
                StageCall(call.stage, call.route, tuple(map(file.get_tensor, call.inputs)))
                for call in self.job.calibration
            ]

    @cached_property
    def _file(self) -> Any:
        return safe_open(str(Path(self.job.captured) / WEIGHTS), framework="pt")


def made_up_numbers(whole: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Whole numbers of 8 bits in the shapes of others, no two alike."""
    generator = torch.Generator().manual_seed(0)
    return {
        slot: torch.randint(-127, 128, tensor.shape, generator=generator, dtype=torch.int8)
        for slot, tensor in whole.items()
    }


def _probe(program: Program) -> None:
    """Fill the slots of a program with made-up weights, no two alike, also in fp16."""
    generator = torch.Generator().manual_seed(0)
    for index, slot in enumerate(program.slots):
        weight = program.exported.state_dict[slot]
        if weight.dtype == torch.int8:
            largest = 2 ** ((program.layers.packed(slot) or 8) - 1) - 1
            made_up = torch.randint(
                -largest, largest + 1, weight.shape, generator=generator, dtype=torch.int8
            )
            program.exported.state_dict[slot] = torch.nn.Parameter(made_up, requires_grad=False)
        if not weight.is_floating_point():
            continue
        # Around 1 and positive: an engine that folds a variance or a scale gets sane numbers.
        made = torch.rand(weight.shape, generator=generator) * 0.5 + 0.75
        made.reshape(-1)[0] = 1 + (index + 1) % 1024 / 1024
        program.exported.state_dict[slot] = torch.nn.Parameter(
            made.to(weight.dtype), requires_grad=False
        )
