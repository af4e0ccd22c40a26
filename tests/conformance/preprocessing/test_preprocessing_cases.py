"""The cases on mvmoe_deploy, on a second implementation, and on wrong ones, which must fail."""

import importlib.util
from pathlib import Path

import pytest
from page_preprocessing import PageReader
from preprocessing_reference import ReferenceReader
from preprocessing_suite import CASES, PIXEL_FILES, buffer_bytes, failures, made_bytes, stored
from wrong_preprocessing import WRONG

HERE = Path(__file__).parent


def _generator():
    found = importlib.util.spec_from_file_location("generate_preprocessing", HERE / "generate.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


GENERATOR = _generator()


@pytest.mark.parametrize("reader", [ReferenceReader(), PageReader()], ids=["mvmoe", "page"])
def test_a_right_reader_passes_every_case(reader):
    assert list(failures(reader)) == []


@pytest.mark.parametrize("wrong", WRONG, ids=lambda each: each.__name__)
def test_a_wrong_reader_is_caught(wrong):
    assert next(failures(wrong(), large=False), None) is not None


def test_wrong_readers_of_every_step_are_tried():
    assert len(WRONG) >= 40


@pytest.mark.parametrize("name", GENERATOR.FILES)
def test_the_generator_writes_what_is_committed(name):
    assert GENERATOR.text(name) == (CASES / f"{name}.json").read_text()


def test_every_file_is_one_of_the_generators():
    assert {path.stem for path in CASES.iterdir()} == set(GENERATOR.FILES)
    assert sum(path.stat().st_size for path in CASES.iterdir()) < 2**20


def test_cases_have_names_of_their_own():
    names = [case["name"] for name in GENERATOR.FILES for case in stored(name)]
    assert len(names) == len(set(names))
    assert len(names) > 400


def test_images_above_64_kib_are_made_from_a_seed():
    for name in PIXEL_FILES:
        for case in stored(name):
            written = [plane for plane in case["buffer"]["planes"] if "base64" in plane]
            assert not written or buffer_bytes(case["buffer"]) <= 2**16


def test_the_formula_gives_the_numbers_of_the_readme():
    readme = (HERE / "README.md").read_text()
    for seed, run in ((1, 1), (7, 5)):
        numbers = ", ".join(map(str, made_bytes(seed, run, 12).tolist()))
        assert f"| {seed} | {run} | {numbers} |" in readme
