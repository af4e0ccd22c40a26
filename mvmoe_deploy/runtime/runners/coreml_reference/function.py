"""A function of an ML Program in memory, and how it runs: op by op, as its types declare.

Inside an op everything is computed in fp32 and rounded once to the declared type of its output.
That is what an fp16 engine with wide accumulators does; engines differ in what they fuse.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mvmoe_deploy.errors import EngineError, InputError
from mvmoe_deploy.runtime.runners.coreml_reference.coremltools_imports import Operation
from mvmoe_deploy.runtime.runners.coreml_reference.kernels import Kernel
from mvmoe_deploy.runtime.runners.coreml_reference.operations import Slot
from mvmoe_deploy.runtime.runners.coreml_reference.printable import one_line, printable_name
from mvmoe_deploy.runtime.runners.coreml_reference.tensors import MilTensorType, cast_to_declared


@dataclass(eq=False)
class Step:
    """One op: what computes it, where it reads and writes, and whose last reader it is."""

    op_type: str
    operation: Operation
    kernel: Kernel
    outputs: list[Slot]
    reads: list[Slot]
    releases: list[Slot] = field(default_factory=list)


def evaluate(step: Step) -> list[Any]:
    """The outputs of an op on the values in its inputs' slots; raises EngineError."""
    with np.errstate(all="ignore"):  # Infinities are values like others: the comparison tells.
        result = step.kernel(step.operation)
    results = list(result) if isinstance(result, tuple | list) else [result]
    if len(results) != len(step.outputs):
        raise EngineError(f"it yields {len(results)} values instead of {len(step.outputs)}")
    pairs = zip(results, step.outputs, strict=True)
    return [cast_to_declared(value, slot.declared) for value, slot in pairs]


class MilFunction:
    """One function; thread-safe, one run at a time."""

    def __init__(
        self, name: str, inputs: Sequence[Slot], outputs: Sequence[Slot], steps: Sequence[Step]
    ) -> None:
        self.name = name
        self._inputs = list(inputs)
        self._outputs = list(outputs)
        self._steps = list(steps)
        self._running = threading.Lock()
        self.most_bytes = self._plan()

    @property
    def inputs(self) -> dict[str, MilTensorType]:
        """Shape and type of each input; an image is `[1, C, H, W]` with values from 0 to 255."""
        return {slot.name: slot.declared for slot in self._inputs}

    @property
    def outputs(self) -> dict[str, MilTensorType]:
        """Shape and type of each output."""
        return {slot.name: slot.declared for slot in self._outputs}

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The outputs for arrays of exactly the shapes and types in `inputs`.

        Raises InputError for other arrays, EngineError if an op fails or yields something else
        than the program declares.
        """
        self._require(inputs)
        with self._running:
            try:
                for slot in self._inputs:
                    slot.value = cast_to_declared(_widened(inputs[slot.name]), slot.declared)
                for step in self._steps:
                    self._run_step(step)
                return {slot.name: _narrowed(slot) for slot in self._outputs}
            finally:
                self._clear()

    def _run_step(self, step: Step) -> None:
        """Run one op and release the values that no later op reads."""
        try:
            values = evaluate(step)
        except Exception as error:  # NumPy and coremltools raise whatever they like.
            known = error.fields if isinstance(error, EngineError) else {}
            raise EngineError(
                f"op {step.op_type} ({printable_name(step.outputs[0].name)}) of function "
                f"{self.name} failed: {one_line(error)}",
                code="engine.failed",
                **known | {"operator": step.op_type},
            ) from error
        for slot, value in zip(step.outputs, values, strict=True):
            slot.value = value
        for slot in step.releases:
            slot.value = None

    def _clear(self) -> None:
        """Forget the values of a run."""
        for slot in [*self._inputs, *(slot for step in self._steps for slot in step.outputs)]:
            slot.value = None

    def _plan(self) -> int:
        """Find each value's last reader; gives the most bytes that are alive at once."""
        last: dict[Slot, Step] = {}
        for step in self._steps:
            last |= dict.fromkeys([*step.outputs, *step.reads], step)
        for slot, step in last.items():
            if slot not in self._outputs:
                step.releases.append(slot)
        alive = most = sum(slot.declared.size for slot in self._inputs)
        for step in self._steps:
            alive += sum(slot.declared.size for slot in step.outputs)
            most = max(most, alive)
            alive -= sum(slot.declared.size for slot in step.releases)
        return 4 * most

    def _require(self, inputs: Mapping[str, np.ndarray]) -> None:
        """Refuse inputs of other names, shapes or types."""
        given = {name: f"{array.dtype} {list(array.shape)}" for name, array in inputs.items()}
        wanted = {name: f"{type_.dtype} {list(type_.shape)}" for name, type_ in self.inputs.items()}
        if given != wanted:
            raise InputError(
                f"function {self.name} was given {given}; expected {wanted}",
                name=self.name,
                given=given,
                expected=wanted,
            )


def _widened(array: np.ndarray) -> np.ndarray:
    """An input as ops take it: fp16 in fp32."""
    return array.astype(np.float32) if array.dtype == np.float16 else array.copy()


def _narrowed(slot: Slot) -> np.ndarray:
    """An output in its declared type, as an array that belongs to the caller."""
    return np.array(slot.value, slot.declared.dtype)
