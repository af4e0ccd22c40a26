"""Which rewrites make a graph quick, or one piece, for each of ONNX Runtime's providers."""

_PIECE = (
    "views",
    "arithmetic",
    "slices",
    "projections",
    "attention",
    "softmax",
    "batch-norm",
    "group-norm",
    "layer-norm",
    "averages",
    "division",
    "expands",
    "pools",
)
_LAST = ("rank", "views")
"""They see what the others have left."""

REWRITES: dict[str, tuple[str, ...]] = {
    "cpu": (),
    "nnapi": (*_PIECE, "gelu-tanh", "gelu-primitives", *_LAST),
    "coreml-ep": (*_PIECE, *_LAST),
}
"""By profile; `docs/rewrites.md` has the measurements behind them.

- cpu: ONNX Runtime has kernels for LayerNormalization and GELU.
- nnapi: it has neither, nor erf, nor a reciprocal, nor tensors of five axes.
- coreml-ep: it has no gather with a dynamic index and no LayerNormalization.
"""
