"""The wheel in an empty environment: what works without extras, and what the others bring."""

import json
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "tests" / "conformance" / "answers" / "bundles" / "dispatch"


@pytest.fixture(scope="session")
def environment(made_once, wheel):
    """The Python of an environment that holds the wheel and its dependencies, and no extra."""

    def write(place):
        venv.create(place)
        command = [sys.executable, "-m", "uv", "pip", "install", "--quiet"]
        done = subprocess.run(
            [*command, "--python", place / "bin" / "python", wheel],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if done.returncode:
            shutil.rmtree(place)  # Another worker is not to take it for made.
            pytest.skip(f"no package registry is reached: {done.stderr.strip()[-500:]}")

    return made_once("environment", write) / "bin" / "python"


def run(python, *arguments, at):
    """What a program of the environment gives, with nothing of this checkout in its way."""
    return subprocess.run(
        [python, "-I", *arguments],
        cwd=at,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_bundle_is_inspected_without_any_extra(environment, tmp_path):
    done = run(environment, "-m", "mvmoe_deploy", "inspect", BUNDLE, "--json", at=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["targets"]


def test_a_missing_engine_is_named_with_its_extra(environment, tmp_path):
    done = run(environment, "-m", "mvmoe_deploy", "verify", BUNDLE, "--json", at=tmp_path)
    assert done.returncode == 3
    error = json.loads(done.stdout)["error"]
    assert (error["code"], error["fields"]["extra"]) == ("extra.missing", "onnx")


def test_the_command_is_installed_and_the_schemas_are_found(environment, tmp_path):
    done = subprocess.run(
        [environment.with_name("mvmoe"), "--version"], capture_output=True, text=True, check=True
    )
    assert "0.1.0" in done.stdout
    program = (
        "import json, importlib.resources as r\n"
        "home = r.files('mvmoe_deploy') / 'schemas'\n"
        "print(sorted(p.name for p in home.iterdir() if json.loads(p.read_text())))"
    )
    done = run(environment, "-c", program, at=tmp_path)
    assert done.stdout.strip() == (
        "['manifest.schema.json', 'orders.schema.json', 'results.schema.json']"
    )


@pytest.mark.parametrize("package", ["mvmoe_export", "mvmoe_bench"])
def test_the_other_packages_are_there(environment, tmp_path, package):
    done = run(environment, "-c", f"import {package}; print({package}.__file__)", at=tmp_path)
    assert str(environment.parents[1]) in done.stdout, done.stderr
