"""The kind `logits`: the best class, near-ties left out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from mvmoe_deploy.outputs import find_kind
from mvmoe_deploy.outputs.contract import class_margins

LOGITS = find_kind("logits")


@given(
    rows=npst.arrays(np.float32, (2, 6, 4), elements=st.sampled_from([0.0, 0.25, 0.5, 1.0, 2.0])),
    limit=st.sampled_from([0.0, 0.25, 0.6]),
)
def test_it_is_the_share_of_clear_images_with_the_same_best_class(rows, limit):
    ours, theirs = rows
    two = np.sort(theirs, axis=1)[:, -2:]
    clear = two[:, 1] - two[:, 0] > limit
    same = (ours.argmax(axis=1) == theirs.argmax(axis=1))[clear]
    expected = float(np.mean(same)) if clear.any() else 1.0
    assert LOGITS.summary(LOGITS.agreement(ours, theirs, limit)) == expected


def test_without_a_limit_every_image_counts():
    tied = np.array([[1, 1], [1, 0]], np.float32)
    found = LOGITS.agreement(tied[:, ::-1], tied)
    assert found.decided.tolist() == [True, True]
    assert found.agreement.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("answers", "expected"),
    [([[7, 1, 8, 5], [6, 0, 6, 1]], [1.0, 0.0]), ([[3], [4]], [np.inf] * 2)],
)
def test_the_margin_of_an_answer_is_between_its_two_best_classes(answers, expected):
    np.testing.assert_array_equal(class_margins(np.float32(answers)), expected)


def test_one_class_is_never_a_near_tie():
    one = np.zeros((2, 1), np.float32)
    assert LOGITS.agreement(one, one, 1e9).decided.all()


def test_the_five_best_classes_are_shown_with_their_probabilities():
    value = np.array([0, 3, 1, 3, 2, -1, -2], np.float32)
    best = LOGITS.data(value, tuple("abcdefg")).best
    assert [(found.label, found.index) for found in best] == [
        ("b", 1),
        ("d", 3),
        ("e", 4),
        ("c", 2),
        ("a", 0),
    ]
    powers = np.exp(value.astype(np.float64))
    assert best[0].probability == pytest.approx(powers[1] / powers.sum())
    table = LOGITS.describe(value, None)
    assert table.columns == ("label", "probability")
    assert table.rows[0] == ("1", f"{best[0].probability:.3f}")


def test_large_logits_have_probabilities():
    best = LOGITS.data(np.array([3e38, -3e38], np.float32), None).best
    assert [found.probability for found in best] == [1, 0]
