"""Names of engines as people know them, and which engine a target is shaped for."""

from mvmoe_bench.advice.contract import TargetView

NEURAL_ENGINE = "Neural Engine"
CORE_ML = "Core ML"
XNNPACK = "XNNPACK"
NNAPI = "NNAPI"
COREML_EP = "CoreML EP"

ON_NNAPI, ON_COREML_EP, ON_CORE_ML = "nnapi", "coreml-ep", "coreml"
"""Engines as the manifest's placements call them."""

BY_PLACEMENT = {
    "xnnpack": XNNPACK,
    ON_NNAPI: NNAPI,
    ON_COREML_EP: COREML_EP,
    ON_CORE_ML: CORE_ML,
}
"""What people call the engines of placements."""


_WITH_NEURAL_ENGINE = ("all", "cpu_and_ne")


def shaped_for(target: TargetView) -> str | None:
    """The engine that the export chose its rewrites for, as a placement calls it; None for a CPU.

    ONNX Runtime's profile `cpu` and ExecuTorch's portable kernels have no engine besides them.
    """
    options = target.record.options
    chosen = options.get("delegate") or options.get("profile")
    return chosen if chosen in BY_PLACEMENT else None


def is_core_ml(target: TargetView) -> bool:
    """Whether Core ML runs the graphs, by itself or below ExecuTorch, and may use its engines."""
    options = target.record.options
    if options.get("compute_units", "all") not in _WITH_NEURAL_ENGINE:
        return False
    return ON_CORE_ML in (target.record.format, options.get("delegate"))
