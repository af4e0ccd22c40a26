"""Which of our rewrites replaces an operator that an engine does not take.

The names are those of `mvmoe_export.rewrites`, which is not imported: it needs PyTorch.
"""

from mvmoe_bench.advice.rules.engines import ON_NNAPI

_ATEN = {
    "native_layer_norm": "layer-norm",
    "native_group_norm": "group-norm",
    "_native_batch_norm_legit_no_training": "batch-norm",
    "mean": "averages",
    "sum": "averages",
    "var": "averages",
    "select_copy": "slices",
    "split_copy": "slices",
    "split_with_sizes_copy": "slices",
    "unbind_copy": "slices",
    "expand_copy": "expands",
    "repeat": "expands",
    "full_like": "attention",
    "eq": "attention",
    "logical_not": "attention",
    "any": "attention",
    "where": "attention",
    "scaled_dot_product_attention": "attention",
    "reciprocal": "division",
    "gelu": "gelu-primitives",
    "hardswish": "hard-swish",
    "hardsigmoid": "hard-swish",
    "avg_pool2d": "pools",
    "_adaptive_avg_pool2d": "pools",
    "_softmax": "softmax",
    "mul": "arithmetic",
    "add": "arithmetic",
    "sub": "arithmetic",
    "div": "arithmetic",
    "rsub": "arithmetic",
    "pow": "arithmetic",
    "clone": "views",
    "alias_copy": "views",
    "squeeze_copy": "views",
    "unsqueeze_copy": "views",
}
"""ExecuTorch's operators, without their overloads: `mul.Scalar_out` is `mul`."""

_ONNX = {
    "LayerNormalization": "layer-norm",
    "GroupNormalization": "group-norm",
    "InstanceNormalization": "group-norm",
    "BatchNormalization": "batch-norm",
    "ReduceMean": "averages",
    "ReduceSum": "averages",
    "ReduceSumSquare": "averages",
    "Gather": "slices",
    "Split": "slices",
    "Expand": "expands",
    "Tile": "expands",
    "Where": "attention",
    "IsNaN": "attention",
    "Equal": "attention",
    "Not": "attention",
    "Attention": "attention",
    "Reciprocal": "division",
    "Gelu": "gelu-primitives",
    "HardSwish": "hard-swish",
    "HardSigmoid": "hard-swish",
    "AveragePool": "pools",
    "Softmax": "softmax",
}

_NNAPI = {"Gelu": "gelu-tanh", "Erf": "gelu-tanh"}
"""NNAPI has no erf: there a GELU takes its tanh form, and is then written out."""

_BOOKKEEPING = frozenset({"getitem", "alloc", "free"})
"""Nodes that compute nothing: they hand a value on, or find room for it."""


def computes(operator: str) -> bool:
    """Whether a node outside of the partitions is work, and not bookkeeping."""
    return operator not in _BOOKKEEPING


def repairs(operator: str, engine: str) -> tuple[str, ...]:
    """The rewrites that an operator outside of `engine`'s partitions asks for; none if none does.

    `engine` is called as in the manifest's placements.
    """
    if engine == ON_NNAPI and operator in _NNAPI:
        return _NNAPI[operator], "gelu-primitives"
    found = _ONNX.get(operator) or _ATEN.get(operator.split(".", maxsplit=1)[0])
    return () if found is None else (found,)
