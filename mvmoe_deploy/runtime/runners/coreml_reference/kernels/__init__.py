"""Implementations of the ops that coremltools itself does not evaluate, one family per file.

Everything else is evaluated by coremltools' own `value_inference`. A kernel takes the op, whose
inputs hold fp32 (or integer, bool, string) values, and gives the array of its output, or a tuple.
"""

from collections.abc import Callable
from typing import Any

from mvmoe_deploy.runtime.runners.coreml_reference.coremltools_imports import Operation
from mvmoe_deploy.runtime.runners.coreml_reference.kernels import (
    activations,
    attention_kernel,
    convolution,
    indexing,
    normalization,
    pooling,
    quantization,
    rearranging,
    resizing_kernels,
    scattering,
)

Kernel = Callable[[Operation], Any]

REGISTRY: dict[str, Kernel] = {
    **activations.KERNELS,
    **attention_kernel.KERNELS,
    **convolution.KERNELS,
    **indexing.KERNELS,
    **normalization.KERNELS,
    **pooling.KERNELS,
    **quantization.KERNELS,
    **rearranging.KERNELS,
    **resizing_kernels.KERNELS,
    **scattering.KERNELS,
}
"""Our kernels by the type of the op."""

_NOT_EVALUATED = frozenset({"const", "cond", "while_loop", "list_length", "_const_symbolic"})
"""Ops with a `value_inference` that does not evaluate them."""


def own_semantics(kind: type[Operation]) -> Kernel | None:
    """coremltools' own evaluation of an op, if it has one."""
    if kind.value_inference is Operation.value_inference or kind.__name__ in _NOT_EVALUATED:
        return None
    evaluation: Kernel = kind.value_inference
    return evaluation
