"""Core ML programs in fp32, wholly or in parts: nothing of that runs on the Neural Engine."""

from collections.abc import Iterable

from mvmoe_bench.advice.contract import Finding, Op, TargetView
from mvmoe_bench.advice.engine_rule import (
    NEURAL_ENGINE,
    EngineRule,
    on_neural_engine,
    operators_on_neural_engine,
)
from mvmoe_bench.advice.wording import size
from mvmoe_deploy.errors import InputError
from mvmoe_export.compression import find_recipe
from mvmoe_export.sources import APPLE_RULES, Source

_BOUNDARY = ("cast",)
"""Operators that turn fp32 inputs and outputs into fp16 and back: every program has some."""


def _check(target: TargetView) -> Iterable[Finding]:
    """One finding a target in fp32, or a graph with fp32 parts."""
    if not _computes_in_fp32(target.record.precision):
        return _PARTS(target)
    sizes = target.record.sizes
    halved = f", and halves {size(sizes.distinct_bytes)} of weights" if sizes else ""
    text = (
        "All computation is in fp32, so that none of it will run on the Neural Engine; "
        f"--coreml-precision fp16 makes it eligible{halved}"
    )
    return [Finding("problem", NEURAL_ENGINE, text)]


def _is_wide(op: Op) -> bool:
    """Whether an operator within a graph gives fp32."""
    return op.type not in _BOUNDARY and any(out.dtype == "float32" for out in op.outputs)


_PARTS = operators_on_neural_engine(
    _is_wide,
    "{operators} in fp32 between those in fp16, which will leave the Neural Engine; write that "
    "part of the model in one precision",
)


def _computes_in_fp32(precision: str) -> bool:
    """Whether graphs of a recipe compute in fp32; False where it is not known.

    Its name is a bundle's, so that no plug-in is imported for it.
    """
    try:
        return find_recipe(precision, plugins=False).numbers.activations == "float32"
    except InputError:
        return False


PART = EngineRule(
    name="precision",
    looks_at="fp32 in Core ML programs",
    says="use fp16",
    gravity="whole: `problem`; parts: `warning`",
    reason="The Neural Engine computes in fp16 only; fp32 operators run on the GPU or CPU.",
    sources=(
        Source(
            "coremltools, Typed Execution Workflow Example",
            "https://apple.github.io/coremltools/docs-guides/source/typed-execution-example.html",
        ),
        APPLE_RULES,
    ),
    check=on_neural_engine(_check),
)
