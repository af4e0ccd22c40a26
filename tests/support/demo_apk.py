"""The Android demo's APK, built once for all tests, and what Android's own programs say of it."""

import re
import shutil
import subprocess
import tomllib
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import kotlin_runner
from runner_program import is_older

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "android_demo"
MAIN = DEMO / "app/src/main"
ANDROID = "{http://schemas.android.com/apk/res/android}"
PACKAGE = "io.github.mvmoe.demo"

LACKS = ", ".join(
    f"{program} (Debian: {package})"
    for program, package in (
        ("aapt2", "aapt"),
        ("apksigner", "apksigner"),
        ("dexdump", "dexdump"),
        ("javac", "openjdk-17-jdk-headless"),
        ("mvn", "maven"),
        ("unzip", "unzip"),
    )
    if shutil.which(program) is None
)
"""What this machine needs to build and look at it; empty where all is there."""


def build(folder: Path) -> None:
    """Build it into a new folder, with what Maven and R8 have made on the way.

    Nothing is compiled again that Maven has compiled since the sources were changed.

    Where Maven has no R8, the folder holds the sentence that says so.
    """
    with kotlin_runner.build_lock():
        folder.mkdir()
        command = [DEMO / "build-apk", "--stand-in", "-o", folder / "demo.apk"]
        if is_compiled():
            command.append("--compiled")
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        if "Maven found no com.android.tools:r8" in ended.stderr:
            (folder / "lacks.txt").write_text(ended.stderr)
            return
        assert ended.returncode == 0, ended.stderr
        shutil.copytree(DEMO / "target/android", folder / "target/android")
        shutil.copytree(DEMO / "target/apk/dex", folder / "dex")
        shutil.copy(DEMO / "target/debug.keystore", folder)
        (jar,) = (DEMO / "target").glob("mvmoe-demo-*.jar")
        shutil.copy(jar, folder / "target")


def is_compiled() -> bool:
    """Whether Maven's classes of the app and of the library are newer than all of their sources."""
    jar = DEMO / f"target/mvmoe-demo-{catalogue()['mvmoe']}.jar"
    kotlin = kotlin_runner.KOTLIN
    poms = [DEMO / "pom.xml", kotlin / "pom.xml", *kotlin.glob("*/pom.xml")]
    folders = [MAIN, *kotlin.glob("*/src/main")]
    # A folder changes when a file in it is removed.
    sources = [path for folder in folders for path in (folder, *folder.rglob("*"))]
    return not is_older(jar, [*poms, *sources])


def said(*command: object) -> str:
    """What a program prints; it has to end well."""
    words = list(map(str, command))
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


@dataclass(frozen=True)
class Apk:
    """An APK as aapt2 and dexdump read it."""

    path: Path

    @cached_property
    def badging(self) -> str:
        """What an installer sees of it."""
        return said("aapt2", "dump", "badging", self.path)

    def named(self, kind: str) -> list[str]:
        """The `name` of every line of a kind."""
        return re.findall(rf"^ *{re.escape(kind)}:.*?name='([^']*)'", self.badging, re.MULTILINE)

    @cached_property
    def manifest(self) -> str:
        """The binary manifest as text."""
        return said("aapt2", "dump", "xmltree", "--file", "AndroidManifest.xml", self.path)

    @cached_property
    def members(self) -> dict[str, set[str]]:
        """The classes, with the names of their methods and fields."""
        found: dict[str, set[str]] = defaultdict(set)
        for line in said("dexdump", self.path).splitlines():
            if match := re.match(r"  Class descriptor  : 'L(.*);'", line):
                members = found[match[1].replace("/", ".")]
            elif match := re.match(r"      name          : '(.*)'", line):
                members.add(match[1])
        return dict(found)


def source_manifest() -> ElementTree.Element:
    """The manifest as it is written."""
    return ElementTree.parse(MAIN / "AndroidManifest.xml").getroot()


def source_strings() -> dict[str, str]:
    """The texts of the app, by name, as they are written."""
    root = ElementTree.parse(MAIN / "res/values/strings.xml").getroot()
    return {row.attrib["name"]: "".join(row.itertext()) for row in root.iter("string")}


def full_catalogue() -> dict[str, dict[str, Any]]:
    """Gradle's version catalogue."""
    return tomllib.loads((DEMO / "gradle/libs.versions.toml").read_text())


def catalogue() -> dict[str, str]:
    """Its numbers, which build-apk reads too."""
    return full_catalogue()["versions"]
