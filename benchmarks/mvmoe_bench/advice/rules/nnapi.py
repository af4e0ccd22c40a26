"""NNAPI is an interface of the past."""

from collections.abc import Iterable

from mvmoe_bench.advice.contract import Finding, TargetView
from mvmoe_bench.advice.rules.engines import NNAPI, shaped_for


class Nnapi:
    """A target for NNAPI: deprecated since Android 15."""

    name = "nnapi"
    reason = (
        "Android deprecated NNAPI in version 15 and expects most devices to use its CPU backend; "
        "users report it slower than the CPU."
    )
    source = (
        "Android NDK, NNAPI Migration Guide (https://developer.android.com/ndk/guides/"
        "neuralnetworks/migration-guide); microsoft/onnxruntime#23206, #19452"
    )

    def check(self, target: TargetView) -> Iterable[Finding]:
        """One finding a target that is shaped for it."""
        if shaped_for(target) != "nnapi":
            return
        xnnpack = [
            name
            for name, record in target.targets.items()
            if record.options.get("delegate") == "xnnpack"
        ]
        if xnnpack:
            text = f"NNAPI is legacy; measure the target {xnnpack[0]} (XNNPACK) beside it"
            yield Finding("info", NNAPI, text)
        else:
            text = (
                "NNAPI is legacy, and this bundle has nothing to compare it with; export with "
                "--target executorch too, and measure XNNPACK beside it"
            )
            yield Finding("warning", NNAPI, text)


PART = Nnapi()
