"""Another distribution's parts, installed for the tests and for the processes they start."""

import os
import sys
import tomllib
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent / "package"
TESTS = Path(__file__).parents[1]


@pytest.fixture
def foreign(tmp_path, monkeypatch):
    """Installs `package/` as pip would: its modules, and the entry points of its pyproject."""
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    site = tmp_path / "site"
    info = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    lines = [
        line
        for group, entries in project["entry-points"].items()
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in entries.items()))
    ]
    (info / "entry_points.txt").write_text("\n".join(lines))
    added = [str(site), str(PACKAGE), str(TESTS / "support"), str(TESTS / "strategies")]
    for path in added:
        monkeypatch.syspath_prepend(path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(added), prepend=os.pathsep)
    yield project
    for name in [name for name in sys.modules if name.split(".")[0] == "mvmoe_foreign"]:
        del sys.modules[name]
