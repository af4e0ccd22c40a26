"""Tests ask for an error of ours by its code and fields (`expected_errors.raises`).

`pytest.raises` with `match=` asks for a sentence, which may change, and which another error may
have too; alone it asks for the class, which hundreds of errors share. Both are for errors that are
not ours. A test of the wording itself asks for the code first, and for `str(caught.value)` then.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from expected_errors import raises

from mvmoe_deploy import errors
from mvmoe_deploy.errors import InputError

ROOT = Path(__file__).parents[2]
PACKAGES = ("mvmoe_deploy", "export/mvmoe_export", "benchmarks")
CATCHES_OURS = frozenset({"Exception", "BaseException"})
NOT_RAISED = pytest.fail.Exception


def bases() -> dict[str, set[str]]:
    """The names of the bases of each class that has one."""
    found: dict[str, set[str]] = {}
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_bytes())):
                if isinstance(node, ast.ClassDef):
                    found.setdefault(node.name, set()).update(map(_last_name, node.bases))
    return found


def own_errors() -> frozenset[str]:
    """The names of all classes of errors that have a code."""
    known, own = bases(), {errors.MvmoeError.__name__}
    while more := {name for name, of in known.items() if of & own} - own:
        own |= more
    return frozenset(own)


def _last_name(node: ast.expr) -> str:
    """The name of a class, wherever it is imported from."""
    return ast.unparse(node).rpartition(".")[2]


def by_sentence(source: str, own: frozenset[str]) -> Iterator[int]:
    """The lines where a test expects an error that is or may be ours, without its code.

    A class in a variable may be ours: it is asked for by its code too.
    """
    tree = ast.parse(source)
    named = {
        item.context_expr
        for node in ast.walk(tree)
        if isinstance(node, ast.With)
        for item in node.items
        if item.optional_vars is not None
    }
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.raises"):
            continue
        keywords = {keyword.arg for keyword in node.keywords}
        kinds = node.args[0].elts if isinstance(node.args[0], ast.Tuple) else node.args[:1]
        names = {_last_name(kind) for kind in kinds}
        ours = names & (own | CATCHES_OURS) or any(
            name.isidentifier() and name.islower() for name in names
        )
        if ours and ("match" in keywords or not (node in named or "check" in keywords)):
            yield node.lineno


def test_errors_are_asked_for_by_their_codes() -> None:
    own = own_errors()
    assert {"InputError", "PartialResultError", "CheckpointError"} <= own
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for line in by_sentence(path.read_text(), own)
    ]
    assert found == []


@pytest.mark.parametrize(
    "expected",
    [
        "pytest.raises(InputError, match='is wrong')",
        "pytest.raises(errors.InputError, match='is wrong') as caught",
        "pytest.raises((KeyError, InputError), match='is wrong') as caught",
        "pytest.raises(kind, match='is wrong') as caught",
        "pytest.raises(Exception, match='is wrong') as caught",
        "pytest.raises(InputError)",
    ],
)
def test_the_check_finds_sentences_and_classes_alone(expected: str) -> None:
    assert list(by_sentence(f"with {expected}:\n    pass", frozenset({"InputError"}))) == [1]


@pytest.mark.parametrize(
    "expected",
    [
        "pytest.raises(ValueError, match='is wrong')",
        "pytest.raises(InputError) as caught",
        "pytest.raises(InputError, check=is_mine)",
        "raises(InputError, 'input.option', name='batch')",
    ],
)
def test_the_check_leaves_codes_and_the_errors_of_others(expected: str) -> None:
    assert not list(by_sentence(f"with {expected}:\n    pass", frozenset({"InputError"})))


@pytest.mark.parametrize(
    "error",
    [
        InputError("it is wrong", code="input.shape", name="batch"),
        InputError("it is wrong", code="input.option", name="threads"),
        InputError("it is wrong", code="input.option"),
    ],
    ids=["another code", "another field", "no field"],
)
def test_another_error_of_the_same_class_is_not_the_expected_one(error: InputError) -> None:
    with pytest.raises(AssertionError), raises(InputError, "input.option", name="batch"):
        raise error


def test_an_error_that_is_not_raised_is_missed() -> None:
    with pytest.raises(NOT_RAISED), raises(InputError, "input.option", name="batch"):
        pass


def test_a_general_code_says_too_little_alone() -> None:
    with pytest.raises(AssertionError), raises(InputError, "input.invalid"):
        raise InputError("it is wrong")
