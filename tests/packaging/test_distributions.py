"""What the wheel and the sdist hold, and what a package index shows of them."""

import email
import json
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path, PurePosixPath

import pytest

from mvmoe_deploy import __version__

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "mvmoe_deploy": "mvmoe_deploy",
    "mvmoe_export": "export/mvmoe_export",
    "mvmoe_bench": "benchmarks/mvmoe_bench",
}
"""The packages in the wheel, with their folders in the repository."""
SCHEMAS = ("manifest.schema.json", "orders.schema.json", "results.schema.json")


def tracked(folder):
    """The files of a folder that git knows, relative to it."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    files = (PurePosixPath(name) for name in listed.stdout.split("\0") if name)
    return {str(name.relative_to(folder)) for name in files if (ROOT / name).is_file()}


def test_the_wheel_holds_the_packages_and_the_schemas_alone(wheel):
    wanted = {f"mvmoe_deploy/schemas/{name}" for name in SCHEMAS}
    for package, folder in PACKAGES.items():
        wanted |= {f"{package}/{name}" for name in tracked(folder)}
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = f"mvmoe_deploy-{__version__}.dist-info"
        assert {name for name in names if not name.startswith(metadata)} == wanted
        assert f"{metadata}/licenses/LICENSE" in names
        for name in SCHEMAS:
            published = json.loads((ROOT / "docs" / name).read_text())
            assert json.loads(archive.read(f"mvmoe_deploy/schemas/{name}")) == published
    assert {f"{package}/py.typed" for package in PACKAGES} <= wanted


def test_the_sdist_holds_what_makes_the_wheel_and_its_documentation(sdist):
    with tarfile.open(sdist) as archive:
        names = {str(PurePosixPath(*PurePosixPath(n).parts[1:])) for n in archive.getnames()}
    for folder in (*PACKAGES.values(), "docs", "examples"):
        assert {f"{folder}/{name}" for name in tracked(folder)} <= names
    files = {"LICENSE", "README.md", "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md"}
    assert files | {"SECURITY.md", "mkdocs.yml", "pyproject.toml", "PKG-INFO"} <= names
    tops = {PurePosixPath(name).parts[0] for name in names if "/" in name}
    assert tops == {"mvmoe_deploy", "export", "benchmarks", "docs", "examples"}


def test_twine_finds_nothing_to_warn_of(wheel, sdist):
    done = subprocess.run(
        [sys.executable, "-m", "twine", "check", "--strict", wheel, sdist],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("PASSED") == 2


@pytest.fixture(scope="session")
def metadata(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return email.message_from_bytes(
            archive.read(f"mvmoe_deploy-{__version__}.dist-info/METADATA")
        )


def test_every_link_of_the_index_page_is_to_a_file_of_this_version(metadata):
    page = metadata.get_payload()
    links = re.findall(r"(!?)\[(?:[^\]]|\n)*?\]\(([^)\s]+)\)", page)
    own = [(mark, link) for mark, link in links if "mvmoe/mvmoe-deploy" in link]
    assert len(own) > 30
    assert all(link.startswith(("https://", "#")) for _, link in links)
    for picture, link in own:
        home = (
            f"https://raw.githubusercontent.com/mvmoe/mvmoe-deploy/v{__version__}/"
            if picture
            else f"https://github.com/mvmoe/mvmoe-deploy/blob/v{__version__}/"
        )
        assert link.startswith(home)
        assert (ROOT / link.removeprefix(home).partition("#")[0]).is_file(), link


def test_the_index_links_to_project_pages(metadata):
    labels = {value.partition(",")[0] for value in metadata.get_all("Project-URL")}
    assert {"Homepage", "Documentation", "Source", "Issues", "Changelog"} <= labels


def test_the_versions_that_a_runner_was_tested_with_are_those_that_its_extra_allows():
    from mvmoe_deploy.runtime.runners import find_runner

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    (tested,) = find_runner("onnx").tested_versions
    assert extras["onnx"] == [f"{tested.package}>={tested.lowest},<{tested.end}"]
    for name in ("coreml", "executorch"):
        (tested,) = find_runner(name).tested_versions
        stated = [line for line in extras[name] if line.startswith(f"{tested.package}==")]
        assert len(stated) == 1
        assert tested.hold(stated[0].partition("==")[2].partition(";")[0])


def test_an_extra_that_exports_pins_onnx_runtime():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    assert "onnxruntime==1.31.1" in extras["export"]
    assert "msgspec==0.22.0" in " ".join(extras["dev"])
