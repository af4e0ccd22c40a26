"""What is written for Apple's frameworks compiles against stubs of them, and the check can fail.

Apple's SDK is not here: `swift/Stubs` says what is checked, and what is not.
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import swift_availability

ROOT = Path(__file__).parents[2]
STUBS = ROOT / "swift/Stubs"
APPLE = ROOT / "swift/Sources/MVMoECoreML/Apple"
WITH_SWIFT = ROOT / "swift/tools/with-swift"
LACKS = subprocess.run(
    [WITH_SWIFT, "lacks"], capture_output=True, text=True, check=False
).stdout.strip()

FAULTS = {
    "a misspelt property": (
        "Apple/AppleCoreML.swift", "native.functionName", "native.functionname",
        "has no member 'functionname'",
    ),
    "another type": (
        "Apple/AppleCoreML.swift", "native.computeUnits = units.native", "native.computeUnits = 3",
        "cannot assign value of type 'Int' to type 'MLComputeUnits'",
    ),
    "a call that does not wait": (
        "Apple/AppleCoreML.swift", "try await MLModel.compileModel", "try MLModel.compileModel",
        "is not marked with 'await'",
    ),
    "a data race": (
        "Apple/AppleModel.swift", "return try await model.prediction",
        "Task.detached { _ = model.modelDescription }\n      return try await model.prediction",
        "risks? causing data races|later accesses could race",
    ),
    "a model that other threads may not have": (
        "Apple/AppleCall.swift", "CoreMLCall, @unchecked Sendable", "CoreMLCall",
        "non-sendable type",
    ),
    "a value that is read before it is there": (
        "Apple/AppleCall.swift", "names = Array(outputs.keys)", "",
        "without initializing all stored properties|not initialized",
    ),
    "a unit that the framework may get": (
        "Apple/AppleComputePlan.swift", '@unknown default: "another unit"', "",
        "may have additional unknown values",
    ),
}  # fmt: skip

needs_swift = pytest.mark.skipif(bool(LACKS), reason=f"this machine lacks {LACKS}")


def check(root: Path, modules: Path, *names: str) -> subprocess.CompletedProcess[str]:
    """Run the check of the repository, or a part of it, at `root`."""
    script = root / "swift/Stubs/check.sh"
    folders = ["-b", str(root), "-b", str(modules)]
    return subprocess.run(
        [WITH_SWIFT, *folders, "exec", script, "-o", modules, *names],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip


@pytest.fixture(scope="module")
def modules(tmp_path_factory):
    """The folder with the stubs and our modules, which all compile."""
    folder = tmp_path_factory.mktemp("modules")
    done = check(ROOT, folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^MVMoECoreML: \d+ files compile$", done.stdout, re.MULTILINE)
    return folder


@pytest.fixture
def copy(tmp_path):
    """The part of the repository that the Core ML engine needs."""
    for part in ("swift/Stubs", "swift/Sources/MVMoECoreML"):
        shutil.copytree(ROOT / part, tmp_path / part)
    return tmp_path


@needs_swift
def test_everything_compiles(modules):
    assert {path.stem for path in modules.glob("*.swiftmodule")} >= {"CoreML", "MVMoE"}


@needs_swift
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(fault, modules, copy):
    name, right, wrong, message = FAULTS[fault]
    path = copy / "swift/Sources/MVMoECoreML" / name
    text = path.read_text()
    assert right in text
    path.write_text(text.replace(right, wrong, 1))
    done = check(copy, modules, "MVMoECoreML")
    assert done.returncode != 0
    assert re.search(message, done.stderr + done.stdout), done.stderr


def apple_sources():
    """Every Swift file of ours that is for Apple's systems alone."""
    folders = [ROOT / "swift/Sources", ROOT / "swift/extras"]
    paths = sorted(path for folder in folders for path in folder.rglob("*.swift"))
    return [path for path in paths if re.search(r"^#if canImport\(", path.read_text(), re.M)]


def test_every_signature_names_its_page():
    for path in sorted((STUBS / "CoreML").glob("*.swift")):
        pages = re.findall(
            r"^ *(/// http\S+)\n(?: *@.*\n)* *.*(?:class|struct|enum) \w+", path.read_text(), re.M
        )
        assert pages, path
        assert all("developer.apple.com/documentation/coreml/" in page for page in pages)


def test_newer_api_is_known():
    newer = swift_availability.newer_names(STUBS / "CoreML")
    assert newer["functionName"] == newer["functionNames"] == 18
    assert newer["MLComputePlan"] == newer["optimizationHints"] == newer["deviceUsage"] == 17.4
    assert "computeUnits" not in newer
    assert "load" not in newer


def test_newer_api_is_asked_for():
    newer = swift_availability.newer_names(STUBS)
    assert APPLE / "AppleCoreML.swift" in apple_sources()
    assert [str(use) for use in swift_availability.unasked(apple_sources(), newer)] == []


@pytest.mark.parametrize(
    ("name", "right", "wrong", "found"),
    [
        ("AppleCoreML.swift", "if #available(iOS 18.0, macOS 15.0, *) {", "do {", "functionName"),
        ("AppleCoreML.swift", "iOS 18.0, macOS 15.0", "iOS 17.4, macOS 14.4", "functionNames"),
        (
            "AppleCoreML.swift",
            "guard #available(iOS 18.0, macOS 15.0, *) else { return [] }",
            "",
            "functionNames",
        ),
        ("AppleComputePlan.swift", "  @available(iOS 17.4, macOS 14.4, *)\n", "", "MLComputePlan"),
    ],
)
def test_newer_api_without_a_question_is_found(name, right, wrong, found, tmp_path):
    text = (APPLE / name).read_text()
    assert right in text
    path = tmp_path / name
    path.write_text(text.replace(right, wrong))
    newer = swift_availability.newer_names(STUBS)
    uses = swift_availability.unasked([path], newer)
    assert found in {use.name for use in uses}


def test_each_question_names_both_systems_of_a_year():
    pairs = {"17.4": "14.4", "18.0": "15.0", "18.4": "15.4", "26.0": "26.0"}
    for path in apple_sources():
        for ios, macos in re.findall(
            r"available\(iOS ([\d.]+), macOS ([\d.]+), \*\)", path.read_text()
        ):
            assert pairs[ios] == macos, path
