"""Everything in ExecuTorch's portable kernels: for finding faults, not for users."""

from collections.abc import Iterator

from mvmoe_bench.advice.contract import Finding, TargetView
from mvmoe_bench.advice.engine_rule import EngineRule
from mvmoe_export.sources import Citation

_PORTABLE = "portable"


def _check(target: TargetView) -> Iterator[Finding]:
    """One finding a target of that delegate."""
    if target.engine is not None and target.engine.name == _PORTABLE:
        yield Finding(
            "warning",
            target.engine.title,
            "No delegate takes any of it, and the portable kernels are slow; ship the delegate "
            "xnnpack (--executorch-delegate xnnpack)",
        )


PART = EngineRule(
    name=_PORTABLE,
    looks_at="ExecuTorch without a delegate",
    says="ship one with XNNPACK",
    gravity="`warning`",
    reason="The portable kernels are written to run anywhere and not for speed; what makes "
    "ExecuTorch quick are its delegates.",
    sources=(
        Citation(
            "ExecuTorch, Kernel Registration",
            "https://docs.pytorch.org/executorch/stable/kernel-library-custom-aten-kernel.html",
        ),
    ),
    check=_check,
)
