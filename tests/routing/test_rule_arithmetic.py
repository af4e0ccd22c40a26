"""The arithmetic that rules share: scores, their rounding, margins, the checks of logits."""

import math
from functools import reduce
from operator import add

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mvmoe_deploy.errors import RoutingError
from mvmoe_deploy.routing.rule_arithmetic import (
    first_one,
    log_scores,
    order_margins,
    rounded_share,
    scores,
    scores_one,
    softmax,
    softmax_one,
)

FP32_MAX = float(np.finfo(np.float32).max)

# Sums of at most 12 scores in fp32: 12 roundings of 6e-8 each, and some room.
SUM_TOLERANCE = 2e-6

LOGITS = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 5), st.integers(1, 12)),
    elements=st.one_of(st.sampled_from([-2.0, 0.0, 0.5, 1.0]), st.floats(-30, 30, width=32)),
)


def order_matters():
    """Logits `[4096]` whose first score is 1 in fp32 if summed in order, and less if not.

    e^-37 is less than half a unit in the last place of 1, so adding it to the first weight does
    nothing, one after the other; 4,094 of them together are 3.5e-13. The second logit takes the
    first score to 1e-13 above the middle of two fp32 numbers, which is far more than an `exp` of
    any language is wrong by, and less than those together.
    """
    middle = 1 - 2**-25
    wanted = (1 / middle - 1) - 1e-13
    second = np.float32(math.log(wanted))
    while math.exp(second) > wanted:
        second = np.nextafter(second, np.float32(-np.inf))
    logits = np.full(4096, -37, np.float32)
    logits[:2] = 0, second
    return logits


def rounded(weights, total):
    return np.float32([weight / total for weight in weights]).tolist()


@given(LOGITS)
def test_the_first_of_one_image_is_that_of_its_softmax(logits):
    """The same expert and fp32 score, wherever it says one; where it does not, they tie."""
    for row in logits.tolist():
        found, all_scores = first_one(row), softmax_one(row)
        top = max(all_scores)
        if found is None:
            near = [score for score in all_scores if score == 0 or score > top * (1 - 1e-5)]
            assert len(near) > 1
        else:
            assert found == (all_scores.index(top), top)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("row", [[0], [0, 1], [0, 1, 2]])
def test_there_is_no_first_of_what_is_not_finite(bad, row):
    for place in row:
        logits = [float(number) for number in row]
        logits[place] = bad
        assert first_one(logits) is None


def test_scores_that_are_equal_once_rounded_have_no_first():
    assert first_one([1.0, 1.0 + 2**-23]) is None
    assert first_one([0.0, 1.0]) is not None


def test_a_share_is_rounded_as_fp32_does():
    """To the nearest; what lies in the middle of two, to the even one."""
    shares = np.exp(np.random.default_rng(0).uniform(-8.3, 0, 20_000))
    single = shares.astype(np.float32)
    middles = (single[:-1].astype(float) + np.nextafter(single[:-1], np.float32(0))) / 2
    for share in [*shares.tolist(), *middles.tolist(), 1.0, 0.5, 2.0**-12]:
        assert rounded_share(share) == float(np.float32(share))


def test_scores_are_summed_from_the_first_expert_to_the_last():
    logits = order_matters()
    weights = [math.exp(logit) for logit in logits.tolist()]
    in_order = rounded(weights, reduce(add, weights))
    assert in_order[0] == 1.0
    # The example tells apart every other way to sum.
    for other in (reduce(add, weights[::-1]), np.sum(weights), math.fsum(weights)):
        assert rounded(weights, other)[0] < 1.0
    assert scores(logits[None])[0, 0] == 1.0
    assert softmax_one(logits.tolist())[0] == 1.0
    assert scores_one(logits, 4096)[1][0] == 1.0
    assert softmax(logits[None], np.ones((1, 4096), bool))[0, 0] == 1.0


def test_scores_are_rounded_to_fp32():
    row = np.float32([0, 1, -2, 0.5])
    _, found = scores_one(row, 4)
    assert found == np.float32(found).tolist() == scores(row[None])[0].tolist()


@given(LOGITS)
def test_scores_are_positive_and_sum_to_one(logits):
    probabilities = scores(logits)
    assert probabilities.dtype == np.float32
    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1, atol=SUM_TOLERANCE)


@given(LOGITS)
def test_one_image_has_the_scores_that_it_has_in_a_batch(logits):
    for row, wanted in zip(logits, scores(logits), strict=True):
        given_row, found = scores_one(row, len(row))
        assert given_row == row.tolist()
        # One unit in the last place: NumPy's exp and the C library's may differ in double.
        np.testing.assert_array_max_ulp(np.float32(found), wanted, maxulp=1)


@given(LOGITS, st.data())
def test_the_softmax_of_members_is_that_of_their_own_logits(logits, data):
    members = data.draw(hnp.arrays(bool, logits.shape))
    members[:, 0] = True
    found = softmax(logits, members)
    for row, inside, values in zip(logits, members, found, strict=True):
        np.testing.assert_array_equal(values[inside], softmax(row[None, inside])[0])
        assert not values[~inside].any()


@given(hnp.arrays(np.float32, (2, 5), elements=st.floats(-FP32_MAX, FP32_MAX, width=32)))
def test_softmax_is_stable_for_all_finite_logits(logits):
    np.testing.assert_allclose(scores(logits).sum(axis=-1), 1, atol=SUM_TOLERANCE)


@pytest.mark.parametrize("shape", [(), (3,), (2, 0), (1, 2, 3)])
def test_scores_of_another_shape_are_an_error(shape):
    with pytest.raises(RoutingError, check=lambda error: error.code == "routing.logits-shape"):
        scores(np.zeros(shape))


@given(LOGITS)
def test_logarithms_of_scores_are_theirs(logits):
    # Scores are rounded to fp32 once.
    np.testing.assert_allclose(np.exp(log_scores(logits)), scores(logits), rtol=1e-6)


def test_the_order_of_scores_has_a_margin_of_what_fp32_shows_of_it():
    """Clear scores, equal ones in fp32, two that underflow, one that does, nothing below."""
    upper = np.array([-0.5, -1.0, -200.0, -0.1, -0.5])
    lower = np.array([-1.5, -1.0 - 1e-8, -300.0, -300.0, -np.inf])
    found = order_margins(lower, upper)
    assert found[0] == pytest.approx(1, abs=1e-6)
    assert found[1] == found[2] == 0
    # The step of fp32 at 0 is 2^-149, which a score of e^-0.1 reaches first.
    assert found[3] == pytest.approx(149 * math.log(2) - 0.1, rel=1e-6)
    assert found[4] == np.inf
