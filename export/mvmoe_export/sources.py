"""Where a fact about an engine is known from, so that it can be looked up.

What public documents say was carried over as facts. Figures are theirs, of their devices.
"""

from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True)
class Citation:
    """A public document, a thread, or a measurement of ours with its command."""

    title: str
    address: str = ""

    def at(self, place: str) -> Self:
        """A place in it: `chapter 4`."""
        return replace(self, title=f"{self.title}, {place}")

    def __str__(self) -> str:
        return f"{self.title} ({self.address})" if self.address else self.title

    @property
    def markdown(self) -> str:
        """As a page of the documentation has it."""
        return f"[{self.title}]({self.address})" if self.address else self.title


def issue(repository: str, *numbers: int, note: str = "", kind: str = "issues") -> Citation:
    """Issues of a repository on GitHub, or its `pull` requests; the address is the first one's."""
    title = f"{repository}#{', #'.join(map(str, numbers))}" + (f", {note}" if note else "")
    return Citation(title, f"https://github.com/{repository}/{kind}/{numbers[0]}")


def as_text(sources: tuple[Citation, ...]) -> str:
    """Several sources in one line of text."""
    return "; ".join(map(str, sources))


ANE_GUIDE = Citation(
    "sbryngelson/ane-guide, reverse-engineered", "https://ane-guide.readthedocs.io"
)
APPLE_RULES = Citation(
    "Apple, coreai-models, Neural Engine Rules",
    "https://github.com/apple/coreai-models/blob/main/"
    "skills/skills/model-authoring/references/neural_engine_rules.md",
)
APPLE_TRANSFORMERS = Citation(
    "Apple, Deploying Transformers on the Apple Neural Engine",
    "https://machinelearning.apple.com/research/neural-engine-transformers",
)
ARM_SUMMARY = Citation(
    "Arm, ExecuTorch on Arm, Inspect the delegation summary",
    "https://learn.arm.com/courses/executorch-on-arm/optimize-image-classification/"
    "export-and-lower-mobilenetv2-with-executorch-and-xnnpack/inspect-the-delegation-summary/",
)
CORE_ML_AXES = issue("apple/coremltools", 1723)
MULTIFUNCTION = Citation(
    "coremltools, Multifunction Models",
    "https://apple.github.io/coremltools/docs-guides/source/multifunction-models.html",
)
ORT_CHECKER = Citation(
    "onnxruntime, Model Usability Checker",
    "https://onnxruntime.ai/docs/tutorials/mobile/helpers/model-usability-checker.html",
)
_ORT_SUPPORT = "https://github.com/microsoft/onnxruntime/blob/main/tools/ci_build/github"
ORT_NNAPI_OPERATORS = Citation(
    "onnxruntime, nnapi_supported_ops.md", f"{_ORT_SUPPORT}/android/nnapi_supported_ops.md"
)
ORT_COREML_OPERATORS = Citation(
    "onnxruntime, coreml_supported_mlprogram_ops.md",
    f"{_ORT_SUPPORT}/apple/coreml_supported_mlprogram_ops.md",
)
