"""How far a subject's answers are from the reference's, output by output."""

import numpy as np
import pytest

from mvmoe_bench.measure.jobs.answers import largest_errors
from mvmoe_deploy.outputs import find_kind

KINDS = {"answer": find_kind("logits"), "boxes": find_kind("boxes")}
REFERENCE = {
    "answer": np.array([[1, 2], [8, -4]], np.float32),
    "boxes": np.array([[[0, 0, 600, 400, 0.5]], [[0, 0, 9, 9, 0.8]]], np.float32),
}


def answered(image):
    """The right outputs `[1, ...]` of one image."""
    return {name: array[[image]].copy() for name, array in REFERENCE.items()}


def test_errors_are_relative_to_the_largest_value_of_all_images():
    given = answered(0)
    given["answer"][0, 1] = 2.4
    assert largest_errors(given, REFERENCE, 0, KINDS) == pytest.approx((0.4, 0.05))


def test_scores_of_boxes_are_not_held_against_pixels():
    given = answered(1)
    given["boxes"][0, 0, 4] = 0.6
    assert largest_errors(given, REFERENCE, 1, KINDS) == pytest.approx((0.2, 0.25))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_counts_as_very_large(value):
    given = answered(0)
    given["boxes"][0, 0, 0] = value
    assert largest_errors(given, REFERENCE, 0, KINDS) == (1e30, 1e30)
