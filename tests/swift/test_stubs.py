"""What is written for Apple's frameworks compiles against stubs of them, and the check can fail.

Apple's SDK is not here: `swift/Stubs` says what is checked, and what is not.
"""

import re
import shutil
from pathlib import Path

import apple_stubs
import pytest
import swift_availability
import swift_runner
from apple_stubs import STUBS

ROOT = Path(__file__).parents[2]
APPLE = ROOT / "swift/Sources/MVMoECoreML/Apple"
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

needs_swift = pytest.mark.skipif(
    bool(swift_runner.LACKS), reason=f"this machine lacks {swift_runner.LACKS}"
)


@pytest.fixture
def copy(tmp_path):
    """The part of the repository that the Core ML engine needs."""
    for part in ("swift/Stubs", "swift/Sources/MVMoECoreML"):
        shutil.copytree(ROOT / part, tmp_path / part)
    return tmp_path


@needs_swift
def test_everything_compiles(apple_modules):
    said = (apple_modules / "said").read_text()
    assert {path.stem for path in apple_modules.glob("*.swiftmodule")} >= {"CoreML", "MVMoE"}
    names = {"MVMoE", "AppleTests", "MVMoECoreML", "MVMoEExecuTorch", "MVMoEONNX", "MVMoEBench"}
    found = set(re.findall(r"^(\w+): [1-9]\d* files compile$", said, re.M))
    assert found == names | {"DemoLogic", "MVMoEDemo", "RunnerOnMac"}


@needs_swift
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(fault, apple_modules, copy):
    name, right, wrong, message = FAULTS[fault]
    path = copy / "swift/Sources/MVMoECoreML" / name
    text = path.read_text()
    assert right in text
    path.write_text(text.replace(right, wrong, 1))
    modules = shutil.copytree(apple_modules, copy / "modules")
    done = apple_stubs.check(modules, "MVMoECoreML", root=copy)
    assert done.returncode != 0
    assert re.search(message, done.stderr + done.stdout), done.stderr


def apple_sources():
    """Every Swift file of ours that is for Apple's systems alone."""
    folders = [ROOT / "swift/Sources", ROOT / "swift/extras"]
    paths = sorted(path for folder in folders for path in folder.rglob("*.swift"))
    return [path for path in paths if re.search(r"^#if canImport\(", path.read_text(), re.M)]


KINDS = {"class", "struct", "enum", "protocol", "func", "var", "let", "typealias", "init"}
SOURCE = re.compile(r"///.* ?(https?://\S+|ExecuTorch\S*\.(?:h|swift))")
# What Swift wants of our own stubs, and Apple has no page for.
PLUMBING = {"SystemView", "LevelStyle", "ActingGesture", "TupleChartContent", "Iterator"}


def declared(text):
    """Each public declaration: its kind and name, and where its comment says that it stands."""
    comment = []
    for line in text.splitlines():
        words = line.split("(")[0].split("{")[0].split()
        kinds = [word for word in words if word in KINDS or word.startswith("init")]
        if line.strip().startswith("///"):
            comment.append(line)
        elif not line.strip().startswith("@"):
            if {"public", "open"} & set(words) and kinds and "override" not in words:
                after = words[words.index(kinds[0]) + 1 :]
                name = re.sub(r"[:<?].*", "", after[0]) if after else "init"
                yield kinds[0], name, [page for row in comment for page in SOURCE.findall(row)]
            comment = []


def without_page(text, kinds):
    return [
        f"{kind} {name}"
        for kind, name, pages in declared(text)
        if kind in kinds and not pages and name not in PLUMBING
    ]


@pytest.mark.parametrize("path", sorted(STUBS.glob("*/*.swift")), ids=lambda path: path.stem)
def test_every_type_names_its_page(path):
    assert without_page(path.read_text(), {"class", "struct", "enum", "protocol"}) == []


@pytest.mark.parametrize("path", sorted((STUBS / "CoreML").glob("*.swift")), ids=lambda p: p.stem)
def test_every_signature_of_core_ml_names_its_page(path):
    text = path.read_text()
    assert without_page(text, KINDS | {"init"}) == []
    pages = [page for _, _, found in declared(text) for page in found]
    assert pages
    assert all(
        page.startswith("https://developer.apple.com/documentation/coreml/") for page in pages
    )


def test_a_signature_without_its_page_is_found():
    text = (STUBS / "CoreML/MLModelConfiguration.swift").read_text()
    bare = re.sub(r" *///.*\n", "", text)
    assert len(without_page(bare, KINDS)) == len(list(declared(text))) > 5


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
