"""Which rewrites make a graph quick, or one piece, for each of ONNX Runtime's providers."""

from mvmoe_export.rewrites import ONE_PIECE

_LAST = ("rank", "views")

REWRITES: dict[str, tuple[str, ...]] = {
    "cpu": (),
    "nnapi": (*ONE_PIECE, "gelu-tanh", "gelu-primitives", "hard-swish", *_LAST),
    "coreml-ep": (*ONE_PIECE, *_LAST),
}
"""By profile; `docs/rewrites.md` has the measurements behind them.

- cpu: ONNX Runtime has kernels for LayerNormalization and GELU.
- nnapi: it has neither, nor erf, nor a reciprocal, nor a hard sigmoid, nor tensors of five axes.
- coreml-ep: it has no gather with a dynamic index and no LayerNormalization.
"""
