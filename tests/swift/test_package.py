"""The manifests of the Swift packages: what an application that depends on them downloads."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from swift_runner import LACKS, WITH_SWIFT

ROOT = Path(__file__).parents[2]
EXTRAS = ROOT / "swift/extras/MVMoEONNX"
CONSUMER = ROOT / "swift/Consumer"

needs_swift = pytest.mark.skipif(bool(LACKS), reason=f"this machine lacks {LACKS}")


def manifest(folder):
    """What SwiftPM makes of the manifest in a folder."""
    words = ["package", "--package-path", folder, "dump-package"]
    ended = subprocess.run([WITH_SWIFT, *words], capture_output=True, text=True, check=True)
    return json.loads(ended.stdout)


@pytest.fixture(scope="module")
def root():
    return manifest(ROOT)


@pytest.fixture(scope="module")
def onnx():
    return manifest(EXTRAS)


@needs_swift
def test_the_package_downloads_nothing(root):
    assert root["dependencies"] == []
    assert {product["name"] for product in root["products"]} >= {
        "MVMoE",
        "MVMoECoreML",
        "MVMoEONNX",
    }


@needs_swift
def test_an_application_may_name_a_version_of_the_package(root, onnx):
    """SwiftPM refuses flags of the compiler or linker in a package that is named by a version."""
    for target in (*root["targets"], *onnx["targets"]):
        kinds = {kind for setting in target["settings"] for kind in setting["kind"]}
        assert kinds <= {"linkedLibrary"}, target["name"]


@needs_swift
def test_every_target_has_a_folder_and_no_file_is_in_two(root):
    folders = [ROOT / target["path"] for target in root["targets"]]
    assert all(folder.is_dir() for folder in folders)
    pairs = [(one, other) for one in folders for other in folders if one != other]
    assert not [pair for pair in pairs if pair[0].is_relative_to(pair[1])]


@needs_swift
def test_the_package_for_apple_has_the_same_sources(root, onnx):
    sources = {target["name"]: EXTRAS / "Sources" / target["name"] for target in onnx["targets"]}
    own = {target["name"]: ROOT / target["path"] for target in root["targets"]}
    assert sources.keys() == {"COnnxRuntime", "MVMoEONNX"}
    assert all(own[name] == folder for name, folder in sources.items())
    [here], [remote] = (dependency.popitem()[1] for dependency in onnx["dependencies"])
    assert Path(here["path"]).samefile(ROOT)
    [location] = remote["location"]["remote"]
    assert location["urlString"] == "https://github.com/microsoft/onnxruntime-swift-package-manager"


@needs_swift
def test_all_packages_are_for_the_same_systems(root, onnx):
    assert root["platforms"] == onnx["platforms"]


def test_the_consumer_sees_what_is_public():
    for path in CONSUMER.glob("Sources/**/*.swift"):
        assert not re.search(r"@testable|@_spi|package import", path.read_text()), path


def test_a_machine_without_swift_is_told_so(tmp_path):
    """`make swift-test` goes on without it, in one line."""
    folders = {"PATH": "/usr/bin:/bin", "SWIFT_HERE_DIR": str(tmp_path / "nothing")}
    if subprocess.run(["which", "swift"], env=folders, capture_output=True, check=False).stdout:
        pytest.skip("this machine has Swift in /usr/bin")
    sentence = "this machine lacks Swift 6 (on Debian tools/swift-here setup brings it)"
    check = subprocess.run(
        [ROOT / "swift/tools/check"], env=folders, capture_output=True, text=True, check=False
    )
    assert check.returncode == 0
    assert check.stdout == f"The Swift package was not built: {sentence}.\n"
    build = subprocess.run(
        [WITH_SWIFT, "build"], env=folders, capture_output=True, text=True, check=False
    )
    assert build.returncode == 3
    assert build.stderr == f"with-swift: {sentence}\n"
    assert not (tmp_path / "nothing").exists()
