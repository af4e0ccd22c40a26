"""Which rewrites make a graph quick, or one piece, for each of ONNX Runtime's providers."""

from mvmoe_export.rewrites import Need, names_for

_ONE_PARTITION: tuple[Need, ...] = ("one-partition", "no-reductions", "fold-batch-norm")

_NEEDS: dict[str, tuple[Need, ...]] = {
    "cpu": (),
    "nnapi": (*_ONE_PARTITION, "no-erf", "gelu-as-trained", "no-hard-swish"),
    "coreml-ep": _ONE_PARTITION,
}

REWRITES = {profile: names_for(needs) for profile, needs in _NEEDS.items()}
"""By profile; `docs/rewrites.md` has the measurements behind them.

- cpu: ONNX Runtime has kernels for LayerNormalization and GELU.
- nnapi: it has neither, nor erf, nor a reciprocal, nor a hard sigmoid, nor tensors of five axes.
- coreml-ep: it has no gather with a dynamic index and no LayerNormalization.
"""
