"""ExecuTorch programs without a delegate."""

from collections.abc import Iterable

from mvmoe_bench.advice.contract import Finding, TargetView

_PORTABLE = "Portable kernels"


class Portable:
    """Everything in ExecuTorch's portable kernels: for finding faults, not for users."""

    name = "portable"
    reason = (
        "The portable kernels are written to run anywhere and not for speed; what makes ExecuTorch "
        "quick are its delegates."
    )
    source = (
        "ExecuTorch, Kernel Registration (https://docs.pytorch.org/executorch/stable/"
        "kernel-library-custom-aten-kernel.html)"
    )

    def check(self, target: TargetView) -> Iterable[Finding]:
        """One finding a target of that delegate."""
        if target.record.options.get("delegate") == "portable":
            yield Finding(
                "warning",
                _PORTABLE,
                "No delegate takes any of it, and the portable kernels are slow; ship the delegate "
                "xnnpack (--executorch-delegate xnnpack)",
            )


PART = Portable()
