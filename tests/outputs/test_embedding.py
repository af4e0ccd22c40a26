"""The kind `embedding`: where a vector points."""

import numpy as np
import pytest

from mvmoe_deploy.bundle.manifest import Bounds
from mvmoe_deploy.outputs import find_kind

EMBEDDING = find_kind("embedding")


def test_it_is_the_cosine_whatever_the_length():
    theirs = np.array([[3, 4], [1, 0], [1, 0], [1e-38, 0]], np.float32)
    ours = np.array([[6, 8], [1, 1], [-1, 0], [3e38, 0]], np.float32)
    found = EMBEDDING.agreement(ours, theirs)
    np.testing.assert_allclose(found.agreement, [1, 2**-0.5, 0, 1], rtol=0, atol=1e-12)


def test_one_small_embedding_that_points_elsewhere_is_seen():
    theirs = np.eye(100, dtype=np.float32)
    theirs[7] *= 1e-6  # Less than any bound on errors, which is relative to the largest value.
    ours = theirs.copy()
    ours[7] = np.roll(ours[7], 1)
    bounds = Bounds(answer_error=0.1)
    assert np.abs(ours - theirs).max() < 1e-5 < bounds.answer_error
    found = EMBEDDING.summary(EMBEDDING.agreement(ours, theirs, limit=0.2))
    assert found == 0 < EMBEDDING.least_agreement(bounds)


def test_a_reference_of_zeros_points_nowhere_and_one_that_became_zeros_does_not_agree():
    zeros, ones = np.zeros((1, 3), np.float32), np.ones((1, 3), np.float32)
    assert not EMBEDDING.agreement(ones, zeros).decided[0]
    assert EMBEDDING.agreement(zeros, ones).agreement[0] == 0


def test_a_few_figures_are_shown():
    found = EMBEDDING.data(np.array([3, -4], np.float32), None)
    assert (found.shape, found.min, found.max, found.mean) == ((2,), -4, 3, -0.5)
    assert found.norm == pytest.approx(5)
    assert EMBEDDING.describe(np.array([3, -4], np.float32), None).rows == (
        ("2", "-4", "3", "-0.5", "5"),
    )
    assert find_kind("tensor").data(np.array([np.nan], np.float32), None).max is None
