"""What Kotlin's tests compare outputs with is what mvmoe_deploy makes of them."""

import importlib.util
import json
from pathlib import Path

import pytest

CASES = Path(__file__).parents[2] / "kotlin/mvmoe-core/src/test/resources/outputs"


def _generator():
    found = importlib.util.spec_from_file_location("generate_outputs", CASES / "generate.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_the_cases_are_what_their_program_writes():
    """But for the last bits of sums and exponentials, which NumPy computes by what a CPU has."""
    for name, content in _generator().files().items():
        written = json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))
        _assert_same(json.loads(json.dumps(content)), written, name)


def _assert_same(found, wanted, path):
    assert type(found) is type(wanted), path
    if isinstance(wanted, dict):
        assert found.keys() == wanted.keys(), path
        for name, value in wanted.items():
            _assert_same(found[name], value, f"{path}.{name}")
    elif isinstance(wanted, list):
        assert len(found) == len(wanted), path
        for index, value in enumerate(wanted):
            _assert_same(found[index], value, f"{path}[{index}]")
    elif isinstance(wanted, float):
        assert found == pytest.approx(wanted, rel=1e-12, abs=1e-14), path
    else:
        assert found == wanted, path
