"""ONNX Runtime is imported in one place, after its telemetry was switched off."""

import ast
import os
import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from expected_errors import raises

from mvmoe_deploy.errors import MissingExtraError
from mvmoe_deploy.runtime.runners.onnx import importing

PACKAGES = ("mvmoe_deploy", "mvmoe_export", "mvmoe_bench")
THE_PLACE = Path(importing.__file__)


def sources():
    """Every module of the three packages."""
    for package in PACKAGES:
        yield from sorted(Path(find_spec(package).submodule_search_locations[0]).rglob("*.py"))


def imported(node):
    """The modules that a statement or a call of `import_module` names."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        return [str(node.args[0].value)] if name in ("import_module", "__import__") else []
    return []


def importers(root):
    """The modules, of all packages, that import something of the package `root`."""
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if any(name.split(".")[0] == root for name in imported(node)):
                yield path


def test_nothing_else_imports_it():
    assert set(importers("onnxruntime")) == set()
    assert THE_PLACE in set(importers("importlib"))


@pytest.mark.parametrize("chosen, found", [(None, "1"), ("0", "0"), ("", "")])
def test_what_the_user_has_set_stays(monkeypatch, chosen, found):
    monkeypatch.delenv(importing.TELEMETRY_SWITCH, raising=False)
    if chosen is not None:
        monkeypatch.setenv(importing.TELEMETRY_SWITCH, chosen)
    importing.disable_telemetry()
    assert os.environ[importing.TELEMETRY_SWITCH] == found


def test_the_switch_is_set_when_the_import_begins(monkeypatch):
    seen = []

    def note(name):
        seen.append((name, os.environ.get(importing.TELEMETRY_SWITCH)))
        raise ModuleNotFoundError(name)

    monkeypatch.delenv(importing.TELEMETRY_SWITCH, raising=False)
    monkeypatch.setattr(importing.importlib, "import_module", note)
    with pytest.raises(
        MissingExtraError,
        check=lambda error: (error.code, error.fields["extra"]) == ("extra.missing", "onnx"),
    ):
        importing.import_onnxruntime("onnxruntime.tools")
    assert seen == [("onnxruntime.tools", "1")]


def test_an_installation_that_cannot_be_loaded_is_not_called_missing(monkeypatch):
    def refuse(name):
        raise ImportError("libonnxruntime.so.1: cannot open shared object file\nmore")

    monkeypatch.setattr(importing.importlib, "import_module", refuse)
    told = r"ONNX Runtime is installed but cannot be loaded \(libonnx.* file more\); run: pip"
    with raises(MissingExtraError, "extra.broken", what="ONNX Runtime", extra="onnx") as caught:
        importing.import_onnxruntime()
    assert re.match(told, str(caught.value))
