"""What a prediction says."""

import numpy as np
import pytest
from expected_errors import raises
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mvmoe_deploy.bundle.model_outputs import ClassOutput
from mvmoe_deploy.errors import InputError, RoutingError
from mvmoe_deploy.preprocessing import InputTransform
from mvmoe_deploy.runtime.prediction import Prediction, finite_copies, without_finite_answer
from mvmoe_deploy.runtime.timing import LapTimer

ROUTES = ((1, 3), (0, 2))
GATES = ((0.5, 0.25), (0.75, 0.125))


def predict(answer, labels=None, routes=ROUTES, gates=GATES, **others):
    answer = np.array(answer, np.float32)
    return Prediction(
        outputs={**others, "answer": answer},
        routes=routes,
        stage_gates=gates,
        last_stage="step2",
        transform=InputTransform((4, 4), (4, 4), 0, 0, (4, 4)),
        timings=LapTimer().timings(),
        class_output=ClassOutput("answer", len(answer), labels),
    )


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


def test_the_label_is_of_the_output_that_classifies():
    prediction = predict([0, 2, 1], depth=np.full((1, 2, 2), 9, np.float32))
    assert prediction.label == "1" and set(prediction.outputs) == {"depth", "answer"}


def test_a_model_that_does_not_classify_has_no_label():
    found = predict([0, 1])
    depth = Prediction(
        outputs={"depth": np.zeros((1, 2, 2), np.float32)},
        routes=found.routes,
        stage_gates=found.stage_gates,
        last_stage="step2",
        transform=found.transform,
        timings=found.timings,
        class_output=None,
    )
    for ask in ("label", "label_index", "probability", "logits"):
        with raises(InputError, "input.none-classifies", outputs=["depth"]):
            getattr(depth, ask)


def test_routes_and_gates_are_told_for_each_stage():
    prediction = predict([0, 1])
    assert prediction.routes == ((1, 3), (0, 2))
    assert prediction.stage_gates == ((0.5, 0.25), (0.75, 0.125))
    assert (prediction.route, prediction.gates) == ((1, 3), (0.5, 0.25))
    dense = predict([0, 1], routes=(), gates=())
    assert (dense.route, dense.gates) == ((), ())


def test_outputs_are_copies():
    given = {"answer": np.array([[0, 1]], np.float32)}
    outputs = finite_copies(given)
    given["answer"][:] = 7
    assert outputs["answer"].tolist() == [[0, 1]]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_output_that_is_not_finite_is_an_error(value):
    outputs = {"answer": np.zeros((1, 2), np.float32), "map": np.zeros((1, 1, 2, 2), np.float32)}
    outputs["map"][0, 0, 1, 0] = value
    with raises(RoutingError, "routing.not-finite", image=0):
        finite_copies(outputs)


def test_only_the_images_with_such_a_value_are_named():
    outputs = {"answer": np.zeros((3, 2), np.float32), "map": np.zeros((3, 1, 2, 2), np.float32)}
    outputs["map"][2, 0, 1, 0] = np.nan
    outputs["answer"][0, 1] = np.inf
    assert list(without_finite_answer(outputs)) == [0, 2]
