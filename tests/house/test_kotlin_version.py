"""The Kotlin library is released with the Python package: they have one version."""

import tomllib
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[2]
MAVEN = {"maven": "http://maven.apache.org/POM/4.0.0"}


def test_every_pom_has_the_package_s_version():
    package = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    parent = ElementTree.parse(ROOT / "kotlin/pom.xml")
    assert parent.findtext("maven:version", namespaces=MAVEN).removesuffix("-SNAPSHOT") == package
    modules = [
        ROOT / "kotlin" / module.text for module in parent.iterfind("maven:modules/*", MAVEN)
    ]
    assert len(modules) > 5
    versions = {
        ElementTree.parse(module / "pom.xml").findtext(
            "maven:parent/maven:version", namespaces=MAVEN
        )
        for module in modules
    }
    assert {version.removesuffix("-SNAPSHOT") for version in versions} == {package}
