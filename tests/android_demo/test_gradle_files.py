"""Gradle's files, which no test can run here, say the same as Maven's and build-apk.

They are read as text: a build script is a program, and its interpreter is not on any registry that
this build may use. That they are Kotlin, ktlint says at `mvn verify`.
"""

import re
from xml.etree import ElementTree

import demo_apk
import pack_apk
import pytest
import stand_in

MAVEN = {"maven": "http://maven.apache.org/POM/4.0.0"}
SAME_ON_PHONES = {"com.microsoft.onnxruntime:onnxruntime": "onnxruntime-android"}
"""What Maven has for desktops, and Gradle for phones."""


def pom(path):
    return ElementTree.parse(demo_apk.ROOT / path).getroot()


def script(name):
    """A build script without its comments."""
    return re.sub(r"//.*", "", (demo_apk.DEMO / name).read_text())


def listed(text, name):
    """The texts of `name += listOf(...)`."""
    (found,) = re.findall(rf"{name} \+= listOf\((.*?)\)", text)
    return re.findall(r'"(.*?)"', found)


@pytest.fixture(scope="module")
def app():
    return script("app/build.gradle.kts")


@pytest.fixture(scope="module")
def catalogue():
    return demo_apk.full_catalogue()


def test_versions_are_maven_s(catalogue):
    parent = pom("kotlin/pom.xml")
    properties = parent.find("maven:properties", MAVEN)
    versions = catalogue["versions"]
    for name in ("kotlin", "coroutines", "onnxruntime"):
        assert versions[name] == properties.findtext(f"maven:{name}.version", namespaces=MAVEN)
    assert versions["mvmoe"] == parent.findtext("maven:version", namespaces=MAVEN)


def test_the_app_has_the_version_of_its_library(app, catalogue):
    (version,) = re.findall(r'versionName = "(.*)"', app)
    assert version == catalogue["versions"]["mvmoe"].removesuffix("-SNAPSHOT")
    assert re.findall(r"versionCode = (.*)", app) == ["1"]


def test_dependencies_are_maven_s(app, catalogue):
    names = re.findall(r"implementation\(libs\.([\w.]+)\)", app)
    gradle = {catalogue["libraries"][name.replace(".", "-")]["module"] for name in names}
    maven = set()
    for row in pom("android_demo/pom.xml").iterfind("maven:dependencies/*", MAVEN):
        group, artifact, scope = (
            row.findtext(f"maven:{part}", namespaces=MAVEN)
            for part in ("groupId", "artifactId", "scope")
        )
        if scope != "test" and artifact != "android-all":
            maven.add(f"{group}:{SAME_ON_PHONES.get(f'{group}:{artifact}', artifact)}")
    assert gradle == maven


def test_every_name_of_the_catalogue_is_used_and_there(catalogue):
    text = script("app/build.gradle.kts") + script("build.gradle.kts")
    parts = set(re.findall(r"\blibs\.([\w.]+)\)", text))
    entries = {f"plugins.{name.replace('-', '.')}" for name in catalogue["plugins"]}
    assert parts == entries | {name.replace("-", ".") for name in catalogue["libraries"]}
    numbers = set(re.findall(r"\bversions\.(\w+)\.get\(\)", text))
    referred = {
        entry["version"]["ref"] for kind in ("libraries", "plugins")
        for entry in catalogue[kind].values()
    }  # fmt: skip
    assert referred | numbers == set(catalogue["versions"])


def test_both_builds_are_for_the_same_androids(app, catalogue):
    for name in ("minSdk", "targetSdk", "compileSdk"):
        assert re.findall(rf"\b{name} = (.*)", app) == [f"versions.{name}.get().toInt()"]
    numbers = catalogue["versions"]
    (linked,) = re.findall(
        r"--min-sdk-version (\d+) --target-sdk-version (\d+)",
        (demo_apk.DEMO / "pom.xml").read_text(),
    )
    assert linked == (numbers["minSdk"], numbers["targetSdk"]) == ("26", "35")
    assert int(numbers["compileSdk"]) >= int(numbers["targetSdk"])


def test_the_package_is_the_same_in_both(app):
    assert re.findall(r'(?:namespace|applicationId) = "(.*)"', app) == [demo_apk.PACKAGE] * 2
    assert f"package=&quot;{demo_apk.PACKAGE}&quot;" in (demo_apk.DEMO / "pom.xml").read_text()
    assert "package" not in demo_apk.source_manifest().attrib, "Gradle refuses it"


def test_both_read_the_folders_that_gradle_expects(app):
    assert "srcDir" not in app
    build = pom("android_demo/pom.xml").find("maven:build", MAVEN)
    assert build.findtext("maven:sourceDirectory", namespaces=MAVEN) == "app/src/main/kotlin"
    assert build.findtext("maven:testSourceDirectory", namespaces=MAVEN) == "app/src/test/kotlin"
    assert (demo_apk.MAIN / "AndroidManifest.xml").is_file()
    assert (demo_apk.MAIN / "kotlin/io/github/mvmoe/demo/MainActivity.kt").is_file()
    assert 'include(":app")' in script("settings.gradle.kts")


def test_libraries_and_weights_lie_alike_in_both(app):
    assert listed(app, "abiFilters") == list(stand_in.ABIS)
    assert [f".{suffix}" for suffix in listed(app, "noCompress")] == list(pack_apk.STORED_SUFFIXES)
    assert "jniLibs.useLegacyPackaging = false" in app
    application = demo_apk.source_manifest().find("application")
    assert application.attrib[f"{demo_apk.ANDROID}extractNativeLibs"] == "false"


def test_both_shrink_by_the_same_rules(app):
    assert '"proguard-rules.pro"' in app
    assert (demo_apk.DEMO / "app/proguard-rules.pro").is_file()
    assert "app/proguard-rules.pro" in (demo_apk.DEMO / "build-apk").read_text()


def test_the_local_repository_serves_the_library_alone():
    settings = script("settings.gradle.kts")
    assert 'mavenLocal { content { includeGroup("io.github.mvmoe") } }' in settings
    assert settings.count("mavenLocal") == 1
