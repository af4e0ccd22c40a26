"""NNAPI is an interface of the past."""

from collections.abc import Iterator

from mvmoe_bench.advice.contract import Finding, TargetView
from mvmoe_bench.advice.engine_rule import EngineRule
from mvmoe_export.sources import Citation, issue

_NNAPI, _ITS_SUCCESSOR = "nnapi", "xnnpack"


def _check(target: TargetView) -> Iterator[Finding]:
    """One finding a target that is shaped for it."""
    if target.engine is None or target.engine.name != _NNAPI:
        return
    engines = {name: target.engine_of(record) for name, record in target.targets.items()}
    beside = [name for name, its in engines.items() if its and its.name == _ITS_SUCCESSOR]
    if beside:
        text = f"NNAPI is legacy; measure the target {beside[0]} (XNNPACK) beside it"
    else:
        text = (
            "NNAPI is legacy, and this bundle has nothing to compare it with; export with "
            "--target executorch too, and measure XNNPACK beside it"
        )
    yield Finding("info" if beside else "warning", target.engine.title, text)


PART = EngineRule(
    name="nnapi",
    looks_at="targets of the profile `nnapi`",
    says="legacy: measure XNNPACK beside it",
    gravity="without an XNNPACK target in the bundle: `warning`; else `info`",
    reason="Android deprecated NNAPI in version 15 and expects most devices to use its CPU "
    "backend; users report it slower than the CPU: a ViT took 2 s on the CPU and 4 s with NNAPI.",
    sources=(
        Citation(
            "Android NDK, NNAPI Migration Guide",
            "https://developer.android.com/ndk/guides/neuralnetworks/migration-guide",
        ),
        issue("microsoft/onnxruntime", 23206, 19452),
    ),
    check=_check,
)
