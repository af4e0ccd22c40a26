"""The list of mutants does not rot: every one of them can still be made, and names its tests."""

import importlib.util
import sys
from collections import Counter
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def runner():
    spec = importlib.util.spec_from_file_location("mutants_run", HERE / "run.py")
    module = importlib.util.module_from_spec(spec)
    # A dataclass looks its module up.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_every_original_text_is_still_there_once(runner):
    counts = {
        mutant.name: (runner.ROOT / mutant.file).read_text(encoding="utf-8").count(mutant.original)
        for mutant in runner.read_mutants()
    }

    assert {name: count for name, count in counts.items() if count != 1} == {}


def test_every_mutant_changes_something_and_has_a_name_and_tests_of_its_own(runner):
    mutants = runner.read_mutants()

    assert len(mutants) >= 40
    assert [name for name, count in Counter(m.name for m in mutants).items() if count > 1] == []
    for mutant in mutants:
        assert mutant.original != mutant.replacement, mutant.name
        assert mutant.tests, mutant.name
        for test in mutant.tests:
            assert (runner.ROOT / test.partition("::")[0]).exists(), test


def test_a_mutant_that_tests_notice_is_killed_and_the_file_is_as_before(runner, tmp_path):
    (tmp_path / "code.py").write_text("VALUE = 1\n")
    test = "def test_it():\n    assert 'VALUE = 1' in open('code.py').read()\n"
    (tmp_path / "test_code.py").write_text(test)
    mutant = runner.Mutant("m", "code.py", "VALUE = 1", "VALUE = 2", ("test_code.py",))

    assert runner.killed(mutant, tmp_path)
    assert (tmp_path / "code.py").read_text() == "VALUE = 1\n"
    harmless = runner.Mutant("n", "code.py", "\n", "\n\n", ("test_code.py",))
    assert not runner.killed(harmless, tmp_path)
