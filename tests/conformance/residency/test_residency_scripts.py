"""The scripts on mvmoe_deploy, on a second reader, and on wrong ones, which must fail."""

import importlib.util
from pathlib import Path

import pytest
from page_residency import open_page
from residency_reference import open_reference
from residency_suite import CASES, failures, files, play
from wrong_residency import WRONG

from mvmoe_deploy.error_codes import CODES

HERE = Path(__file__).parent


def _generator():
    found = importlib.util.spec_from_file_location("generate_residency", HERE / "generate.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


GENERATOR = _generator()


@pytest.mark.parametrize("open_", [open_reference, open_page])
def test_a_right_reader_passes_every_script(open_):
    assert list(failures(open_)) == []


@pytest.mark.parametrize("wrong", WRONG, ids=lambda each: each.__name__)
def test_a_wrong_reader_is_caught(wrong):
    assert next(failures(wrong), None) is not None


def test_there_are_enough_wrong_readers():
    assert len(WRONG) >= 80


@pytest.mark.parametrize("name", GENERATOR.FILES)
def test_the_generator_writes_what_is_committed(name):
    assert GENERATOR.text(name) == (CASES / f"{name}.json").read_text(encoding="utf-8")


def test_every_file_is_one_of_the_generators():
    assert {path.stem for path in CASES.iterdir()} == set(GENERATOR.FILES)
    assert sum(path.stat().st_size for path in CASES.iterdir()) < 2**20


def test_scripts_have_names_of_their_own_and_ask_for_known_codes():
    scripts = [script for _, found in files() for script in found]
    assert len({script["name"] for script in scripts}) == len(scripts) > 200
    codes = [
        result["code"]
        for script in scripts
        for step in script["steps"]
        for result in step["then"].get("ended", {}).values()
        if "code" in result
    ]
    assert set(codes) <= set(CODES) and len(set(codes)) >= 6


def test_both_right_readers_agree_on_scripts_that_nobody_chose(monkeypatch):
    """Other seeds than the committed one: both right readers do the same at every step."""
    for seed in (101, 102):
        monkeypatch.setattr(GENERATOR, "SEED", seed)
        for name in ("by_chance", "at_once_by_chance"):
            for script in GENERATOR.scripts(name):
                assert list(play(script, open_page)) == [step["then"] for step in script["steps"]]


def test_the_readme_says_every_step_that_there_is():
    readme = (HERE / "README.md").read_text(encoding="utf-8")
    done = {step["do"] for _, found in files() for script in found for step in script["steps"]}
    assert all(f"`{do}`" in readme for do in done)
    assert all(f"`{name}.json`" in readme for name in GENERATOR.FILES)
