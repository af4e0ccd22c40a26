"""Programs, wholly or in parts, in another precision than an accelerator computes in."""

from collections.abc import Iterable
from operator import attrgetter

from mvmoe_bench.advice.contract import Finding, TargetView
from mvmoe_bench.advice.engine_rule import Said, accelerator_rule, of_operators, of_targets
from mvmoe_bench.advice.wording import size
from mvmoe_deploy.bundle.manifest import Target
from mvmoe_deploy.errors import InputError
from mvmoe_export.accelerator import Accelerator
from mvmoe_export.compression import find_recipe
from mvmoe_export.graph_operators import Op
from mvmoe_export.neural_engine import NEURAL_ENGINE

_BOUNDARY = ("cast",)
"""Operators that turn fp32 inputs and outputs into fp16 and back: every program has some."""

_FULL = "float32"


def _say_of_whole(target: TargetView, dtype: str, unit: Accelerator) -> Said:
    """What there is to say of a target in fp32."""
    sizes = target.record.sizes
    halved = f", and halves {size(sizes.distinct_bytes)} of weights" if sizes else ""
    yield (
        "problem",
        f"All computation is in fp32, so that none of it will run on the {unit.title}; "
        f"--coreml-precision fp16 makes it eligible{halved}",
    )


def _is_wide(op: Op, dtype: str) -> bool:
    """Whether an operator within a graph gives fp32, which the accelerator does not compute."""
    wide = op.type not in _BOUNDARY and any(out.dtype == _FULL for out in op.outputs)
    return wide and dtype != _FULL


_WHOLE = of_targets(attrgetter("dtype"), _say_of_whole)
_PARTS = of_operators(
    attrgetter("dtype"),
    _is_wide,
    "{operators} in fp32 between those in fp16, which will leave the {unit}; write that part of "
    "the model in one precision",
)


def _check(target: TargetView) -> Iterable[Finding]:
    """One finding a target in fp32, or a graph with fp32 parts."""
    return (_WHOLE if _computes_in_fp32(target.record) else _PARTS)(target)


def _computes_in_fp32(record: Target) -> bool:
    """Whether a target's graphs compute in fp32; False where it is not known.

    The name of their recipe is a bundle's, so that no plug-in is imported for it.
    """
    if record.compression is not None:
        return record.compression.activations == _FULL
    try:
        return find_recipe(record.precision, plugins=False).numbers[0].activations == _FULL
    except InputError:
        return False


PART = accelerator_rule(
    "precision",
    NEURAL_ENGINE.dtype,
    _check,
    looks_at="fp32 in Core ML programs",
    says="use fp16",
    gravity="whole: `problem`; parts: `warning`",
)
