"""The ExecuTorch target: one `.pte` with a method for each graph, XNNPACK's constants shared."""

from mvmoe_export.targets.executorch.options import ExecuTorchOptions
from mvmoe_export.targets.executorch.target import ExecuTorchTarget

__all__ = ["PART", "ExecuTorchOptions", "ExecuTorchTarget"]

PART = ExecuTorchTarget()
