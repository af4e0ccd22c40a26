"""The Xcode project: written by hand, so every reference in it is resolved here."""

import plistlib
import re
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
from openstep_parser import OpenStepDecoder

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "ios_demo"
PROJECT = DEMO / "MVMoEDemo.xcodeproj"
_ID = re.compile(r"[0-9A-F]{24}")


@pytest.fixture(scope="module")
def text():
    return (PROJECT / "project.pbxproj").read_text()


@pytest.fixture(scope="module")
def project(text):
    return OpenStepDecoder.ParseFromString(text)


def _referred(value):
    """Every identifier that a value names."""
    if isinstance(value, str):
        return {value} if _ID.fullmatch(value) else set()
    items = value.values() if isinstance(value, dict) else value
    return set().union(*map(_referred, items)) if items else set()


def _dangling(project):
    known = set(project["objects"])
    return (_referred(project["objects"]) | _referred(project["rootObject"])) - known


def _unused(project):
    objects = project["objects"]
    reached, left = set(), {project["rootObject"]}
    while left:
        name = left.pop()
        reached.add(name)
        left |= (_referred(objects[name]) & set(objects)) - reached
    return set(objects) - reached


def _of(project, isa):
    return {name: each for name, each in project["objects"].items() if each["isa"] == isa}


def test_every_identifier_is_there_and_used(project):
    assert _dangling(project) == set() and _unused(project) == set()
    assert project["objectVersion"] == "77"


def test_one_that_is_missing_or_left_over_would_be_found(text):
    (target,) = re.findall(r"([0-9A-F]{24}) /\* MVMoEDemo \*/ = \{", text)
    broken = text.replace(f"{target} /* MVMoEDemo */ = {{", f"{'0' * 24} = {{")
    project = OpenStepDecoder.ParseFromString(broken)
    assert _dangling(project) == {target}
    assert "0" * 24 in _unused(project)


def test_every_path_exists(project):
    objects = project["objects"]
    (main,) = [objects[project["rootObject"]]["mainGroup"]]
    found = []

    def walk(name, folder):
        each = objects[name]
        place = folder / each.get("path", "")
        if each.get("sourceTree") == "<group>" and each["isa"] != "PBXGroup":
            found.append(place)
        for child in each.get("children", []):
            walk(child, place)

    walk(main, DEMO)
    assert {place.name for place in found} == {"App", "Demo.xcconfig", "Info.plist", "Models"}
    assert [place for place in found if not place.exists()] == []


def test_packages_are_there_and_have_their_products(project):
    wanted = {
        each["productName"]: DEMO / project["objects"][each["package"]]["relativePath"]
        for each in _of(project, "XCSwiftPackageProductDependency").values()
    }
    assert set(wanted) == {"MVMoE", "MVMoECoreML", "MVMoEBench", "DemoLogic"}
    for product, package in wanted.items():
        said = (package / "Package.swift").read_text()
        assert f'.library(name: "{product}"' in said, product
    linked = {
        project["objects"][each["productRef"]]["productName"]
        for each in _of(project, "PBXBuildFile").values()
        if "productRef" in each
    }
    assert linked == set(wanted)


def test_the_models_are_copied_as_they_are(project):
    """As a folder: a package among sources would be compiled, and its hashes with it."""
    (models,) = [
        each for each in _of(project, "PBXFileReference").values() if each["path"] == "Models"
    ]
    assert models["lastKnownFileType"] == "folder"
    ignored = subprocess.run(
        ["git", "check-ignore", "-q", "ios_demo/Models/digits.mvmoe/manifest.json"],
        cwd=ROOT,
        check=False,
    )
    assert ignored.returncode == 0


def test_scheme_and_settings_name_what_is_there(project):
    scheme = ElementTree.parse(PROJECT / "xcshareddata/xcschemes/MVMoEDemo.xcscheme")
    named = {each.get("BlueprintIdentifier") for each in scheme.iter("BuildableReference")}
    assert named == set(_of(project, "PBXNativeTarget"))
    settings = [each["buildSettings"] for each in _of(project, "XCBuildConfiguration").values()]
    plists = {each["INFOPLIST_FILE"] for each in settings if "INFOPLIST_FILE" in each}
    assert plists == {"Configuration/Info.plist"}
    configured = (DEMO / "Configuration/Demo.xcconfig").read_text()
    assert "SWIFT_VERSION = 6.0" in configured
    (oldest,) = re.findall(r"IPHONEOS_DEPLOYMENT_TARGET = (\d+)\.0", configured)
    assert f".iOS(.v{oldest})" in (ROOT / "Package.swift").read_text()
    assert "DEVELOPMENT_TEAM =" not in re.sub(r"//.*", "", configured)


def test_the_app_is_the_one_that_the_bench_asks_for():
    from mvmoe_bench.measure.devices.ios.app import IDENTIFIER

    configured = (DEMO / "Configuration/Demo.xcconfig").read_text()
    assert f"PRODUCT_BUNDLE_IDENTIFIER = {IDENTIFIER}\n" in configured


def test_it_says_why_it_asks_for_the_camera_and_for_nothing_else():
    with (DEMO / "Configuration/Info.plist").open("rb") as file:
        info = plistlib.load(file)
    asked = {key for key in info if key.endswith("UsageDescription")}
    assert asked == {"NSCameraUsageDescription"}
    assert info["NSCameraUsageDescription"].endswith("stay on this phone.")
