"""The figures of outputs, each by its kind."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mvmoe_deploy.bundle.manifest import Bounds, Output
from mvmoe_deploy.verification.output_errors import compare_outputs, compare_route

ANSWER = Output(name="answer", kind="logits", tensors=("answer",))
BOXES = Output(name="boxes", kind="boxes", tensors=("boxes",))
DEPTH = Output(name="depth", kind="map", tensors=("depth",))
NUMBERS = st.floats(-100, 100, width=32)
ANSWERS = arrays.arrays(
    np.float32, st.tuples(st.integers(1, 6), st.integers(1, 5)), elements=NUMBERS
)


def answers(rows):
    return {"outputs.answer": np.array(rows, np.float32)}


def test_the_answers_of_a_classifier():
    given, wanted = answers([[0, 9], [2, 3]]), answers([[0, 10], [2, 0]])
    found = compare_outputs([ANSWER], given, wanted)
    assert found.images == 2
    errors = found.outputs["answer"]
    assert (errors.kind, errors.measure, errors.agreement) == ("logits", "top-1 agreement", 0.5)
    assert errors.max_abs_error == 3
    assert errors.max_rel_error == pytest.approx(0.3)
    assert errors.rms_error == pytest.approx(math.sqrt((1 + 9) / 4))
    assert errors.psnr_db == pytest.approx(20 * math.log10(10 / math.sqrt(2.5)))


@given(ANSWERS)
def test_what_is_identical_agrees(wanted):
    found = compare_outputs([ANSWER], {"outputs.answer": wanted.copy()}, {"outputs.answer": wanted})
    assert found.outputs["answer"].agreement == 1
    assert found.outputs["answer"].max_abs_error == 0


def test_near_ties_are_left_out_of_what_a_route_is_held_to():
    wanted = answers([[1, 1.0001], [0, 1], [1, 0]])
    given = answers([[1.0001, 1], [0, 1], [1, 0]])
    bounds = Bounds(answer_error=1e-2, agreement=0.9)
    found = compare_route([ANSWER], given, wanted, bounds)["answer"]
    assert found.errors.agreement == pytest.approx(2 / 3)
    assert (found.clear_agreement, found.least_agreement) == (1, 0.9)
    # An error beyond the bound excuses no more than the bound does.
    worse = answers([[1.0001, 1], [0.9, 0.8], [1, 0]])
    found = compare_route([ANSWER], worse, wanted, bounds)["answer"]
    assert found.clear_agreement == 0.5
    assert found.share_over_bound == pytest.approx(1 / 3)


def test_each_part_of_an_output_has_its_own_largest_value():
    wanted = np.array([[[0, 0, 100, 100, 0.5]]], np.float32)
    given = wanted + np.array([1, 0, 0, 0, 0.1], np.float32)
    arrays = {"outputs.boxes": given}, {"outputs.boxes": wanted}
    errors = compare_outputs([BOXES], *arrays).outputs["boxes"]
    assert errors.parts["coordinates"].max_rel_error == pytest.approx(0.01)
    assert errors.parts["scores"].max_rel_error == pytest.approx(0.2)
    assert errors.furthest == errors.noisiest == "scores"
    assert errors.max_abs_error == pytest.approx(0.1)
    assert errors.psnr_db == errors.parts["scores"].psnr_db
    found = compare_route([BOXES], *arrays, Bounds(answer_error=0.1))["boxes"]
    assert found.share_over_bound == 1


def test_a_kind_that_decides_nothing_has_errors_alone():
    both = {"outputs.depth": np.ones((2, 1, 3, 3), np.float32)}
    found = compare_route([DEPTH], both, both, Bounds())["depth"]
    assert (found.errors.agreement, found.clear_agreement, found.least_agreement) == (None,) * 3
    assert found.errors.psnr_db == math.inf


@pytest.mark.parametrize("output", [ANSWER, BOXES, DEPTH])
def test_what_is_not_finite_is_infinitely_wrong_and_agrees_with_nothing(output):
    shape = {"answer": (2, 3), "boxes": (2, 2, 6), "depth": (2, 1, 2, 2)}[output.name]
    wanted = np.ones(shape, np.float32)
    given = wanted.copy()
    given[1].flat[-1] = np.nan
    name = f"outputs.{output.name}"
    errors = compare_outputs([output], {name: given}, {name: wanted}).outputs[output.name]
    assert errors.max_rel_error == math.inf
    assert errors.psnr_db == -math.inf
    assert errors.agreement in (None, 0, 0.5)
