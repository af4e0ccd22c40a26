"""The cases on mvmoe_deploy, on a second implementation, and on wrong ones, which must fail."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from page_preprocessing import CHROMA, SAMPLES, PageReader
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


@settings(max_examples=200)
@given(st.data())
def test_both_right_readers_agree_on_cases_that_nobody_chose(data):
    """Other buffers, rules and sizes than the committed ones; broken buffers too."""
    buffer, spec = data.draw(drawn_buffers()), data.draw(drawn_inputs())
    ours, page = ReferenceReader(), PageReader()
    code = page.refusal(buffer)
    assert ours.refusal(buffer) == code
    if code is None:
        found, expected = ours.levels(buffer, spec), page.levels(buffer, spec)
        np.testing.assert_array_equal(found[0], expected[0])
        assert found[1] == expected[1]


@st.composite
def drawn_buffers(draw):
    kind = draw(st.sampled_from(sorted(SAMPLES)))
    part = 2 if kind in CHROMA else 1
    width, height = (part * draw(st.integers(1, 20)) for _ in range(2))
    if draw(st.integers(0, 9)) == 0:
        width += 1
    planes = []
    for number, count in enumerate(SAMPLES[kind]):
        columns, rows = (side // part if number else side for side in (width, height))
        pixel = count + draw(st.sampled_from([0, 0, 0, 1, 2, -1] if number else [0, 0, 0, 1]))
        row = (columns - 1) * pixel + count + draw(st.sampled_from([0, 0, 0, 3, 40]))
        length = max(0, (rows - 1) * row + (columns - 1) * pixel + count)
        length = max(0, length - (draw(st.integers(0, 19)) == 0))
        seed = draw(st.integers(0, 999))
        planes.append(
            {"row_stride": row, "pixel_stride": pixel, "seed": seed, "run": 1, "length": length}
        )
    colour = draw(st.sampled_from([("bt601", "full"), ("bt709", "video")])) if part == 2 else None
    stated = dict(zip(("matrix", "value_range"), colour, strict=True)) if colour else {}
    orientation = draw(st.integers(1, 8))
    return {
        "format": kind,
        "width": width,
        "height": height,
        "planes": planes,
        "orientation": orientation,
        **stated,
    }


@st.composite
def drawn_inputs(draw):
    rule = draw(st.sampled_from(["timm", "torchvision", "squash", "border", "letterbox"]))
    height, width = draw(st.integers(1, 24)), draw(st.integers(1, 24))
    order = draw(st.sampled_from(["RGB", "BGR", "L"]))
    fields = {
        "torchvision": {"resize_size": max(height, width) + draw(st.integers(0, 9))},
        "letterbox": {
            "pad_level": draw(st.integers(0, 255)),
            "pad_place": draw(st.sampled_from(["around", "right-bottom"])),
            "pad_rounding": draw(st.sampled_from(["nearest", "down"])),
        },
    }.get(rule, {"crop_fraction": draw(st.sampled_from([1.0, 0.95, 0.875, 0.5]))})
    return {
        "height": height,
        "width": width,
        "channel_order": order,
        "resize": rule,
        "interpolation": draw(st.sampled_from(["nearest", "bilinear", "bicubic", "lanczos"])),
        **GENERATOR.STATISTICS[order],
        **fields,
    }


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
