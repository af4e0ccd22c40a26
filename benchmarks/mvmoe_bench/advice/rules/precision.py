"""Core ML programs in fp32: nothing of them runs on the Neural Engine."""

from collections.abc import Iterable

from mvmoe_bench.advice import sources
from mvmoe_bench.advice.contract import Finding, GraphView, TargetView
from mvmoe_bench.advice.rules.engines import NEURAL_ENGINE, is_core_ml
from mvmoe_bench.advice.rules.wording import plural, size
from mvmoe_deploy.errors import InputError
from mvmoe_export.compression import find_recipe

_BOUNDARY = ("cast",)
"""Operators that turn fp32 inputs and outputs into fp16 and back: every program has some."""


class Precision:
    """fp32 computation, of all operators or of some."""

    name = "precision"
    reason = "The Neural Engine computes in fp16 only; fp32 operators run on the GPU or CPU."
    source = f"{sources.TYPED_EXECUTION}; {sources.APPLE_RULES}"

    def check(self, target: TargetView) -> Iterable[Finding]:
        """One finding a target in fp32, or a graph with fp32 parts."""
        if not is_core_ml(target):
            return
        if _computes_in_fp32(target.record.precision):
            yield Finding("problem", NEURAL_ENGINE, _whole(target))
            return
        for graph in target.graphs:
            count = _wide(graph)
            if count:
                yield Finding(
                    "warning",
                    NEURAL_ENGINE,
                    f"{plural(count, 'operator')} in fp32 between those in fp16, which will leave "
                    "the Neural Engine; write that part of the model in one precision",
                    graph.name,
                )


def _computes_in_fp32(precision: str) -> bool:
    """Whether graphs of a recipe compute in fp32; False where it is not known.

    Its name is a bundle's, so that no plug-in is imported for it.
    """
    try:
        return find_recipe(precision, plugins=False).numbers.activations == "float32"
    except InputError:
        return False


def _whole(target: TargetView) -> str:
    """What is said of a target in fp32."""
    sizes = target.record.sizes
    halved = f", and halves {size(sizes.distinct_bytes)} of weights" if sizes is not None else ""
    return (
        "All computation is in fp32, so that none of it will run on the Neural Engine; "
        f"--coreml-precision fp16 makes it eligible{halved}"
    )


def _wide(graph: GraphView) -> int:
    """Operators other than casts that give fp32."""
    return sum(
        any(tensor.dtype == "float32" for tensor in op.outputs)
        for op in graph.ops or ()
        if op.type not in _BOUNDARY
    )


PART = Precision()
