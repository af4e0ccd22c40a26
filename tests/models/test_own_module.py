"""A user's own module by the name of its factory."""

import sys
from pathlib import Path

import pytest
from expected_errors import raises
from torch import nn

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.own_module import make_own_module

_CODE = """
from dataclasses import dataclass

import beside
from torch import nn


@dataclass
class Options:
    width: "int" = 3


def make():
    import later

    return nn.Linear(Options().width, beside.OUT)


class Own(nn.Identity):
    made = nn.Linear(1, 1)


def fails():
    raise KeyError("weights")


number = 3
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a package, a file, and what the file imports."""
    (tmp_path / "own.py").write_text(_CODE)
    (tmp_path / "beside.py").write_text("OUT = 5\n")
    (tmp_path / "later.py").write_text("")
    (tmp_path / "broken.py").write_text("import no_such_module\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.mark.parametrize("place", ["own", "own.py", "./own.py"])
@pytest.mark.usefixtures("folder")
def test_the_factory_makes_the_model(place: str) -> None:
    model = make_own_module(f"{place}:make")
    assert isinstance(model, nn.Linear)
    assert (model.in_features, model.out_features) == (3, 5)


@pytest.mark.usefixtures("folder")
def test_a_class_is_called_and_a_module_is_taken() -> None:
    assert type(make_own_module("own:Own")).__name__ == "Own"
    assert isinstance(make_own_module("own:Own.made"), nn.Linear)


@pytest.mark.parametrize(
    ("spec", "given", "expected"),
    [
        ("own", "own", "a factory"),
        (":make", ":make", "a factory"),
        ("own:", "own:", "a factory"),
        ("absent.py:make", "absent.py", "a file"),
        ("a b:make", "a b", "a name of a module"),
        ("own:absent", "absent", "a name of the module"),
        ("own:number", "own:number", "a function"),
        ("beside.py:OUT", "beside.py:OUT", "a function"),
        ("own:Options", "own:Options", "a module"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_what_makes_no_model_is_refused(spec: str, given: str, expected: str) -> None:
    with raises(InputError, "input.option", name="model", given=given, expected=expected):
        make_own_module(spec)


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ("absent:make", "ModuleNotFoundError: No module named 'absent'"),
        ("broken.py:make", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("own:fails", "KeyError: 'weights'"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_code_that_fails_is_refused_in_a_sentence(spec: str, found: str) -> None:
    with raises(InputError, "model.code-failed", found=found):
        make_own_module(spec)
