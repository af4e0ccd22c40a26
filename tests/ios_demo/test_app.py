"""What the app's sources and resources say of themselves, by reading them: no Mac was asked."""

import json
import plistlib
import re
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
APP = ROOT / "ios_demo" / "App"
SOURCES = sorted(APP.rglob("*.swift"))
LOGIC = sorted((ROOT / "ios_demo" / "Logic" / "Sources" / "DemoLogic").rglob("*.swift"))

_REASONED = {
    "FileTimestamp": r"modificationDate|contentModificationDate|creationDate|\bstat\(|lstat\(",
    "DiskSpace": r"volumeAvailableCapacity|systemFreeSize|statfs\(",
    "SystemBootTime": r"systemUptime|mach_absolute_time\(",
    "UserDefaults": r"UserDefaults|AppStorage",
    "ActiveKeyboards": r"activeInputModes",
}
"""What Apple wants a reason for, by how sources name it."""

_DRAWN = r"\b(Canvas|Chart)\s*\{"


def _text(path):
    return path.read_text()


def test_there_is_an_app():
    assert len(SOURCES) > 20
    assert sum("@main" in _text(path) for path in SOURCES) == 1


def test_the_privacy_manifest_has_a_reason_for_what_is_used_and_for_nothing_else():
    with (APP / "PrivacyInfo.xcprivacy").open("rb") as file:
        manifest = plistlib.load(file)
    assert manifest["NSPrivacyTracking"] is False
    assert manifest["NSPrivacyCollectedDataTypes"] == []
    told = {
        entry["NSPrivacyAccessedAPIType"].removeprefix("NSPrivacyAccessedAPICategory"): entry[
            "NSPrivacyAccessedAPITypeReasons"
        ]
        for entry in manifest["NSPrivacyAccessedAPITypes"]
    }
    sources = "\n".join(map(_text, [*SOURCES, *LOGIC]))
    used = {kind for kind, pattern in _REASONED.items() if re.search(pattern, sources)}
    assert set(told) == used
    assert all(told.values())


def test_text_grows_with_the_users_size():
    fixed = [
        path.name for path in SOURCES if re.search(r"\.system\(size:|Font\(|UIFont", _text(path))
    ]
    assert fixed == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_what_is_drawn_is_said(path):
    """A canvas or a chart is one element, whose label says it here or where it is used."""
    text = _text(path)
    if re.search(_DRAWN, text):
        assert ".accessibilityElement(children: .ignore)" in text
        name = re.search(r"struct (\w+): View", text)[1]
        users = [other for other in SOURCES if re.search(rf"\b{name}\(", _text(other))]
        labelled = [other for other in [path, *users] if "accessibilityLabel" in _text(other)]
        assert labelled, name


def test_images_without_a_name_are_not_read_out():
    for path in SOURCES:
        for line in _text(path).splitlines():
            assert not re.search(r"Image\(\"", line), (path.name, line)


def test_no_text_is_written_in_a_view():
    """All of them are in the tables of the logic, where translators find them."""
    for path in SOURCES:
        found = re.findall(r"\b(?:Text|Button|Label|Toggle|Card)\(\"([^\"]+)\"", _text(path))
        assert found == [], path.name


def test_no_view_is_built_for_previews_alone():
    """Stubs have no macros, so that a file with one would not be checked."""
    assert [path.name for path in SOURCES if "#Preview" in _text(path)] == []


def test_the_catalogue_of_assets_is_whole():
    assets = APP / "Assets.xcassets"
    for contents in assets.rglob("Contents.json"):
        said = json.loads(contents.read_text())
        for image in said.get("images", []):
            assert (contents.parent / image["filename"]).is_file()
    with Image.open(assets / "AppIcon.appiconset" / "icon.png") as icon:
        assert icon.size == (1024, 1024) and icon.mode == "RGB"
