"""Every error code is documented, raised and tested, and errors have the fields of their code."""

import ast
import json
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

import mvmoe_bench
import mvmoe_deploy
import mvmoe_export
from mvmoe_deploy import errors
from mvmoe_deploy.error_codes import CODES, page
from mvmoe_deploy.errors import BundleError, MissingExtraError, MvmoeError, OutputError

_DOCS = Path(__file__).parents[1] / "docs"
_PACKAGES = [Path(found.__file__).parent for found in (mvmoe_deploy, mvmoe_export, mvmoe_bench)]
_MADE = {"ErrorReport", "Fault", "Limit"}
"""Calls whose first argument is a code."""


_GENERAL = {
    name: found.general_code
    for name, found in vars(errors).items()
    if isinstance(found, type) and issubclass(found, MvmoeError)
}
"""The code that an error of a class has where none is given."""


def _calls() -> Iterator[tuple[str, ast.Call]]:
    for package in _PACKAGES:
        for path in package.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_bytes())):
                if isinstance(node, ast.Call):
                    yield f"{path.name}:{node.lineno}", node


def _codes_in(node: ast.expr) -> set[str]:
    """The codes that an expression may be; none for what is passed on."""
    if isinstance(node, ast.IfExp):
        return _codes_in(node.body) | _codes_in(node.orelse)
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def _raised() -> Iterator[tuple[str, str, set[str]]]:
    """Places, the code of the error that is made there, and its fields."""
    for where, call in _calls():
        named = {keyword.arg: keyword.value for keyword in call.keywords}
        made = isinstance(call.func, ast.Name) and call.func.id in _MADE
        codes = _codes_in(call.args[0]) if made and call.args else set()
        if "code" in named:
            codes |= _codes_in(named["code"])
        elif isinstance(call.func, ast.Name) and call.func.id in _GENERAL:
            codes.add(_GENERAL[call.func.id])
        for code in codes:
            yield where, code, {name for name in named if name is not None and name != "code"}


def test_the_page_is_the_list():
    assert (_DOCS / "errors.md").read_text() == page()


def test_every_code_that_is_raised_is_in_the_list_with_its_fields():
    unknown = [(where, code) for where, code, _ in _raised() if code not in CODES]
    assert unknown == []
    assert set(_GENERAL.values()) <= CODES.keys()
    for where, code, fields in _raised():
        assert fields <= set(CODES[code].fields), where


def test_every_code_of_the_list_is_raised_somewhere():
    raised = {code for _, code, _ in _raised()}
    assert CODES.keys() - raised - set(_GENERAL.values()) == set()


def test_every_code_of_the_list_is_tested():
    tested = set()
    for path in Path(__file__).parent.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Constant) and node.value in CODES:
                tested.add(node.value)
    assert CODES.keys() - tested == set()


@pytest.mark.parametrize("code", CODES)
def test_a_code_has_an_area_a_meaning_and_a_remedy(code):
    area, _, what = code.partition(".")
    assert area.isalpha() and what.replace("-", "").isalpha() and code == code.lower()
    assert CODES[code].meaning.endswith(".") and CODES[code].remedy.endswith(".")


def test_an_error_without_a_code_has_that_of_its_class():
    assert BundleError("it").code == "bundle.invalid"
    assert OutputError("it").code == "output.refused"
    assert errors.CheckFailedError("it").code == "check.failed"
    assert errors.EngineError("it").code == "engine.failed"
    assert errors.RoutingError("it").code == "routing.invalid"
    assert errors.ResourceLimitError("it").code == "limit.reached"
    assert errors.CheckpointError("it").code == "checkpoint.invalid"
    assert errors.ImageError("it").code == "image.invalid"
    assert errors.InputError("it").code == "input.invalid"
    assert MvmoeError("it").code == "internal.error"


def test_an_error_keeps_its_code_and_fields_within_another_sentence_and_when_it_is_pickled():
    raised = BundleError("a.bin was altered", code="bundle.hash-mismatch", file="a.bin")
    for error in (raised.within("target onnx"), pickle.loads(pickle.dumps(raised))):
        assert type(error) is BundleError
        assert (error.code, error.fields) == ("bundle.hash-mismatch", {"file": "a.bin"})
    assert str(raised.within("target onnx")) == "target onnx: a.bin was altered"


def test_a_missing_extra_says_which():
    missing = MissingExtraError.of("scipy", "bench")
    assert (missing.code, missing.fields) == ("extra.missing", {"what": "scipy", "extra": "bench"})
    broken = MissingExtraError.from_import(ImportError("no library"), "coremltools", "coreml")
    assert broken.code == "extra.broken"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["nonsense"], "usage.invalid"), (["inspect", "missing"], "bundle.missing")],
)
def test_a_command_that_fails_prints_the_code(mvmoe, arguments, code):
    _, out, _ = mvmoe(*arguments, "--json")
    error = json.loads(out)["error"]
    assert set(error) == {"code", "message", "fields"}
    assert error["code"] == code
