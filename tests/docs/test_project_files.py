"""Files of the repository that others read: citation, workflows, how to report."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from mvmoe_deploy import __version__

ROOT = Path(__file__).parents[2]
WORKFLOWS = ROOT / ".github" / "workflows"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def workflow(name):
    """A workflow's fields; YAML reads its key `on` as true."""
    return yaml.safe_load((WORKFLOWS / name).read_text())


def supported():
    """The Pythons that the classifiers name."""
    pattern = re.compile(r"Programming Language :: Python :: (3\.\d+)")
    return [found[1] for line in PROJECT["classifiers"] if (found := pattern.fullmatch(line))]


def test_the_citation_names_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == PROJECT["version"] == __version__
    assert citation["license"] == PROJECT["license"]
    assert citation["repository-code"] == PROJECT["urls"]["Source"]


def test_the_citation_is_of_its_format():
    # cffconvert takes other versions of libraries than ours: it runs in an environment of uv's.
    command = [sys.executable, "-m", "uv", "tool", "run", "--quiet", "--from", "cffconvert==2.0.0"]
    done = subprocess.run(
        [*command, "cffconvert", "--validate", "--infile", ROOT / "CITATION.cff"],
        env={**os.environ, "UV_PYTHON_DOWNLOADS": "never"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode and "jsonschema" not in done.stdout + done.stderr:
        pytest.skip(f"cffconvert cannot be had here: {done.stderr.strip()[-300:]}")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_tests_run_on_every_python_that_is_named():
    assert supported() == ["3.11", "3.12", "3.13"]
    for job in workflow("tests.yml")["jobs"].values():
        assert job["strategy"]["matrix"]["python"] == supported()


def test_workflows_run_what_is_there():
    for file in WORKFLOWS.glob("*.yml"):
        text = file.read_text()
        for used in re.findall(r"\./\.github/workflows/[\w.]+", text):
            assert (ROOT / used).is_file()
        for used in re.findall(r"(?:bash|python) ((?:\.ci|tools)/[\w-]+)", text):
            assert os.access(ROOT / used, os.X_OK) or used.startswith(".ci"), used
            assert (ROOT / used).is_file(), used


def test_a_release_is_tested_built_and_published_without_a_password():
    release = workflow("release.yml")
    publish = release["jobs"]["publish"]
    assert set(publish["needs"]) == {"tests", "build"}
    assert publish["permissions"] == {"id-token": "write"}
    assert release["permissions"] == {"contents": "read"}
    assert "secrets." not in (WORKFLOWS / "release.yml").read_text()
    steps = [step.get("run", "") for step in release["jobs"]["build"]["steps"]]
    assert any("twine check --strict" in step for step in steps)


def test_the_steps_of_a_release_accept_this_checkout(tmp_path):
    """The step that compares tag and versions, run here as the workflow runs it."""
    if shutil.which("bash") is None:
        pytest.skip("the step is written for bash")
    steps = workflow("release.yml")["jobs"]["build"]["steps"]
    (script,) = [step["run"] for step in steps if step.get("name") == "The tag is the version"]
    place = tmp_path / "checkout"
    (place / "mvmoe_deploy").mkdir(parents=True)
    for file in ("pyproject.toml", "CITATION.cff", "mvmoe_deploy/__init__.py"):
        shutil.copy(ROOT / file, place / file)
    log = place / "CHANGELOG.md"

    def accepts(tag):
        python = {**os.environ, "GITHUB_REF_NAME": tag}
        python["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), python["PATH"]])
        done = subprocess.run(["bash", "-e", "-c", script], cwd=place, env=python, check=False)
        return done.returncode == 0

    log.write_text(f"## [{__version__}]\n")
    assert accepts(f"v{__version__}")
    assert not accepts("v9.9.9")
    log.write_text("## [Unreleased]\n")
    assert not accepts(f"v{__version__}")
