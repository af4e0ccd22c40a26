"""Which rewrites make a graph quick, or one piece, for each of ONNX Runtime's providers."""

_PIECE = ("views", "slices", "projections", "rank", "attention")

REWRITES: dict[str, tuple[str, ...]] = {
    "cpu": (),
    "nnapi": (*_PIECE, "gelu-tanh", "layer-norm", "averages", "division", "views"),
    "coreml-ep": (*_PIECE, "layer-norm", "averages", "views"),
}
"""By profile; `docs/rewrites.md` has the measurements behind them.

- cpu: ONNX Runtime has kernels for LayerNormalization and GELU.
- nnapi: it has neither, nor erf, nor a reciprocal, nor tensors of five axes.
- coreml-ep: it has no gather with a dynamic index and no LayerNormalization.
"""
