"""Average precision, against curves worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvmoe_deploy.outputs import find_kind
from mvmoe_deploy.outputs.box_counts import BoxCounts, box_accuracy

KIND = find_kind("boxes")

HERE, THERE, NOWHERE = (0, 0, 10, 10), (20, 20, 40, 40), (50, 50, 60, 60)


def rows(*found):
    """Rows `[1, N, 6]` of two classes: a box, its class and its score."""
    made = np.zeros((1, len(found), 6), np.float32)
    for row, (box, label, score) in zip(made[0], found, strict=True):
        row[:4], row[4 + label] = box, score
    return made


def labels(*boxes):
    """Labels `[1, M + 1, 5]`, the last row without a box."""
    made = np.zeros((1, len(boxes) + 1, 5), np.float32)
    made[0, :, 0] = -1
    for row, (box, label) in zip(made[0], boxes, strict=False):
        row[:] = (label, *box)
    return made


def accuracy(found, boxes):
    counts = BoxCounts(2)
    counts.count(found, boxes)
    return counts.accuracy


def test_all_found_and_nothing_else_is_one():
    found = rows((HERE, 0, 0.9), (THERE, 1, 0.3))
    assert accuracy(found, labels((HERE, 0), (THERE, 1))) == 1.0


def test_a_wrong_box_of_a_higher_score_halves_the_precision():
    found = rows((NOWHERE, 0, 0.9), (HERE, 0, 0.8))
    assert accuracy(found, labels((HERE, 0))) == 0.5


def test_a_wrong_box_of_a_lower_score_costs_nothing():
    found = rows((HERE, 0, 0.8), (NOWHERE, 0, 0.7))
    assert accuracy(found, labels((HERE, 0))) == 1.0


def test_precision_is_the_best_of_any_higher_recall():
    # Right, wrong, right of two: precisions 1, 1/2, 2/3 at recalls 1/2, 1/2, 1.
    found = rows((HERE, 0, 0.9), (NOWHERE, 0, 0.8), (THERE, 0, 0.7))
    assert accuracy(found, labels((HERE, 0), (THERE, 0))) == pytest.approx(1 / 2 + 1 / 2 * 2 / 3)


def test_the_mean_is_over_classes_that_are_labelled():
    found = rows((HERE, 0, 0.9), (NOWHERE, 1, 0.9))
    assert accuracy(found, labels((HERE, 0))) == 1.0
    assert accuracy(found, labels((HERE, 0), (THERE, 1))) == 0.5
    assert accuracy(found, labels()) == 0.0


def test_the_class_has_to_be_the_same():
    assert accuracy(rows((HERE, 1, 0.9)), labels((HERE, 0))) == 0.0


@pytest.mark.parametrize(("right", "found"), [(10, 1.0), (9.9, 0.0)])
def test_half_of_the_area_has_to_be_shared(right, found):
    # Of 10 x 20 labelled, 10 x 20 - 10 x 10 = a half; a little less is too little.
    assert accuracy(rows(((0, 0, right, 10), 0, 0.9)), labels(((0, 0, 10, 20), 0))) == found


def test_a_labelled_box_is_found_once():
    # Overlaps of the two found boxes with each other are below that of the suppression.
    found = rows(((0, 0, 10, 10), 0, 0.9), ((3.4, 0, 13.4, 10), 0, 0.8))
    counts = BoxCounts(2)
    counts.count(found, labels(((1.7, 0, 11.7, 10), 0)))
    assert counts.found[0][:, 3].tolist() == [1, 0]


def test_a_score_that_no_application_shows_still_counts():
    assert accuracy(rows((HERE, 0, 0.05)), labels((HERE, 0))) == 1.0
    assert accuracy(rows((HERE, 0, 0.005)), labels((HERE, 0))) == 0.0


@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
def test_counts_of_processes_add_up(seed, parts):
    rng = np.random.default_rng(seed)
    found, boxes = scenes(rng, 6)
    together = BoxCounts(2)
    together.count(found, boxes)
    added = BoxCounts(2)
    for share in np.array_split(np.arange(6), parts):
        part = BoxCounts(2)
        part.count(found[share], boxes[share])
        added.add(part)
    assert added.accuracy == pytest.approx(together.accuracy, abs=1e-12)
    assert 0 <= together.accuracy <= 1


def scenes(rng, count):
    """Random rows and labels that are partly the same boxes."""
    corners = rng.uniform(0, 50, (count, 4, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(5, 20, (count, 4, 2))], axis=2)
    classes = rng.integers(0, 2, (count, 4))
    known = np.concatenate([classes[..., None], boxes], axis=2)
    known[:, 3, 0] = -1
    scores = rng.uniform(0, 1, (count, 4, 2))
    found = np.concatenate([boxes + rng.normal(0, 2, boxes.shape), scores], axis=2)
    return found.astype(np.float32), known.astype(np.float32)


def test_what_is_lost_has_an_interval_around_it():
    found, boxes = scenes(np.random.default_rng(0), 40)
    worse = found.copy()
    worse[::2, :, 4:] = 0  # Every other image lost.
    known = box_accuracy(found, worse, boxes)
    assert known.images == 40
    assert known.least_loss < known.loss < known.most_loss
    assert known.least_loss > 0
    assert box_accuracy(found, found, boxes).most_loss == 0.0


def test_classes_may_have_other_numbers():
    known = labels((HERE, 0), (THERE, 1))
    assert KIND.renumbered(known, np.array([5, 3]))[0, :, 0].tolist() == [5, 3, -1]
    assert KIND.shown_classes(known, 3).tolist() == [[True, True, False]]
