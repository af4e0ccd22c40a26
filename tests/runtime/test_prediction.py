"""What a prediction says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mvmoe_deploy.errors import RoutingError
from mvmoe_deploy.runtime.prediction import make_prediction
from mvmoe_deploy.runtime.timing import LapTimer

ROUTES = [(1, 3), (0, 2)]
GATES = [(0.5, 0.25), (0.75, 0.125)]


def predict(answer, labels=None):
    return make_prediction(np.array(answer, np.float32), ROUTES, GATES, labels, LapTimer())


@given(arrays(np.float32, st.integers(1, 8), elements=st.floats(-(2.0**100), 2.0**100, width=32)))
def test_probability_is_the_softmax_of_the_highest_logit(answer):
    prediction = predict(answer)
    exact = answer.astype(np.float64) - float(answer.max())
    # fp32 sums of at most eight terms between 0 and 1.
    assert prediction.probability == pytest.approx(1 / np.exp(exact).sum(), rel=1e-5)
    assert prediction.label_index == answer.argmax()
    np.testing.assert_array_equal(prediction.logits, answer)


def test_label_is_the_name_or_else_the_number():
    assert predict([0, 2, 1], ("ant", "bee", "cat")).label == "bee"
    assert predict([0, 2, 1]).label == "1"


def test_routes_and_gates_are_told_for_each_stage():
    prediction = predict([0, 1])
    assert prediction.routes == ((1, 3), (0, 2))
    assert prediction.stage_gates == ((0.5, 0.25), (0.75, 0.125))
    assert (prediction.route, prediction.gates) == ((1, 3), (0.5, 0.25))


def test_logits_are_a_copy():
    answer = np.array([0, 1], np.float32)
    prediction = make_prediction(answer, [], [], None, LapTimer())
    answer[:] = 7
    assert prediction.logits.tolist() == [0, 1]
    assert (prediction.route, prediction.gates) == ((), ())


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_answer_that_is_not_finite_is_an_error(value):
    with pytest.raises(RoutingError, match="not finite; check the weights"):
        predict([0, value])
