"""The kind `boxes`, against suppression and matching written out pair by pair."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mvmoe_deploy.outputs import find_kind
from mvmoe_deploy.outputs.detections import SAME_BOX, detections_of
from mvmoe_deploy.preprocessing import InputTransform

BOXES = find_kind("boxes")


def overlap(one, other):
    """Intersection over union of two boxes."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    tall = min(one[3], other[3]) - max(one[1], other[1])
    common = max(wide, 0.0) * max(tall, 0.0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return common / (areas[0] + areas[1] - common)


def suppressed(rows):
    """The rows that are left, as (row, class, score, box), one decision at a time."""
    found = []
    for index, row in enumerate(rows.astype(float).tolist()):
        box, scores = row[:4], row[4:]
        if max(scores) >= 0.25 and box[2] > box[0] and box[3] > box[1]:
            found.append((index, scores.index(max(scores)), max(scores), box))
    found.sort(key=lambda each: (-each[2], each[0]))
    left = []
    for each in found:
        if not any(each[1] == best[1] and overlap(each[3], best[3]) > 0.5 for best in left):
            left.append(each)
    return left


# A few places and scores, so that equal ones, empty boxes and every overlap come up.
PLACES = st.integers(0, 6).map(float)
SCORES = st.sampled_from([0.0, 0.2, 0.25, 0.5, 0.5, 0.75, 1.0])
ROWS = st.lists(
    st.tuples(PLACES, PLACES, PLACES, PLACES, SCORES, SCORES), min_size=1, max_size=12
).map(lambda rows: np.array(rows, np.float32))


@given(rows=ROWS)
@settings(max_examples=300)
def test_suppression_is_that_of_pairs_in_a_row(rows):
    found, expected = detections_of(rows), suppressed(rows)
    assert found.boxes.tolist() == [box for _, _, _, box in expected]
    assert found.scores.tolist() == [score for _, _, score, _ in expected]
    assert found.classes.tolist() == [label for _, label, _, _ in expected]


@given(ours=ROWS, theirs=ROWS)
@settings(max_examples=300)
def test_agreement_is_the_share_of_boxes_that_the_other_side_has_too(ours, theirs):
    both = suppressed(ours), suppressed(theirs)
    same = [
        any(each[1] == other[1] and overlap(each[3], other[3]) >= 0.45 for other in others)
        for some, others in (both, both[::-1])
        for each in some
    ]
    size = max(len(ours), len(theirs))
    ours, theirs = (np.pad(rows, ((0, size - len(rows)), (0, 0))) for rows in (ours, theirs))
    found = BOXES.agreement(ours[None], theirs[None])
    assert found.decided[0] == bool(same)
    assert found.agreement[0] == (np.mean(same) if same else 1)


@given(rows=ROWS, seed=st.integers(0, 2**32 - 1))
@settings(max_examples=200)
def test_rounding_changes_nothing_that_is_counted(rows, seed):
    error = 1e-3
    noise = np.random.default_rng(seed).uniform(-error, error, rows.shape)
    rounded = (rows + noise).astype(np.float32)
    empty = (rows[:, 2] <= rows[:, 0]) | (rows[:, 3] <= rows[:, 1])
    rounded[empty] = rows[empty]  # Whether a box has an area is no matter of scores.
    # Twice an error, as two scores can move towards each other, and rounding to fp32.
    found = BOXES.agreement(rounded[None], rows[None], 2 * error + 1e-6)
    assert BOXES.summary(found) == 1


@given(rows=ROWS, scale=st.sampled_from([0.4, 1.0, 3.0]), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=300)
def test_a_shift_below_half_a_pixel_changes_nothing_that_is_counted(rows, scale, seed):
    """Boxes of a few pixels, whose overlaps such a shift changes entirely."""
    rows = rows.copy()
    rows[:, :4] *= scale
    moved = rows.copy()
    moved[:, :4] += np.random.default_rng(seed).uniform(-0.49, 0.49, rows[:, :4].shape)
    assert BOXES.summary(BOXES.agreement(moved[None], rows[None], 0.0)) == 1


def test_a_shift_of_more_than_that_is_seen_in_small_boxes():
    stays = row(50, 50, 60, 60, 0.9)
    small, moved = row(10, 10, 12, 12, 0.9), row(11.5, 10, 13.5, 12, 0.9)
    assert agreement([small, stays], [moved, stays], limit=0.0) == 0.5


def row(left, top, right, bottom, *scores):
    return [left, top, right, bottom, *scores]


def agreement(ours, theirs, limit=-1.0):
    arrays = (np.array([rows], np.float32) for rows in (ours, theirs))
    return BOXES.summary(BOXES.agreement(*arrays, limit))


def test_a_moved_box_is_not_found_on_either_side():
    stays = row(50, 50, 60, 60, 0.9)
    there, moved = row(0, 0, 10, 10, 0.9), row(6, 0, 16, 10, 0.9)
    assert agreement([there, stays], [moved, stays]) == 0.5
    assert agreement([there], [row(1, 0, 11, 10, 0.9)]) == 1


def test_another_class_and_a_box_too_many_are_seen():
    assert agreement([row(0, 0, 9, 9, 0.9, 0.1)], [row(0, 0, 9, 9, 0.1, 0.9)]) == 0
    nothing = row(50, 50, 60, 60, 0.1)
    extra = row(50, 50, 60, 60, 0.9)
    there = row(0, 0, 10, 10, 0.9)
    assert agreement([there, extra], [there, nothing]) == pytest.approx(2 / 3)
    assert agreement([there, nothing], [there, extra]) == pytest.approx(2 / 3)


def test_boxes_near_the_least_score_and_between_two_classes_are_left_out():
    there = row(0, 0, 10, 10, 0.9, 0)
    above, below = row(50, 50, 60, 60, 0.251, 0), row(50, 50, 60, 60, 0.249, 0)
    assert agreement([there, above], [there, below]) < 1
    assert agreement([there, above], [there, below], limit=0.003) == 1
    one, other = row(50, 50, 60, 60, 0.6, 0.601), row(50, 50, 60, 60, 0.601, 0.6)
    assert agreement([there, one], [there, other]) < 1
    assert agreement([there, one], [there, other], limit=0.003) == 1


def test_nothing_found_on_both_sides_says_nothing():
    nothing = np.array([[row(0, 0, 10, 10, 0.1)]], np.float32)
    assert not BOXES.agreement(nothing, nothing).decided[0]


def test_the_same_box_may_overlap_less_than_a_suppressed_one():
    assert SAME_BOX < 0.5


def test_coordinates_and_scores_are_compared_apart():
    pieces = BOXES.values(np.array([[row(0, 1, 600, 400, 0.5, 0.25)]], np.float32))
    assert pieces["coordinates"].tolist() == [[[0, 1, 600, 400]]]
    assert pieces["scores"].tolist() == [[[0.5, 0.25]]]


def test_boxes_are_shown_in_pixels_of_the_photograph():
    value = np.array([row(0, 2, 5, 7, 0.1, 0.5), row(0, 2, 10, 7, 0.8, 0.1)], np.float32)
    transform = InputTransform((100, 50), (10, 5), 0, -2, (10, 10))
    first, second = BOXES.data(value, ("cat", "dog"), transform).boxes
    assert (first.label, first.index, first.box) == ("cat", 0, (0, 0, 100, 50))
    assert (second.label, second.box) == ("dog", (0, 0, 50, 50))
    assert BOXES.data(value, None).boxes[0].box == (0, 2, 10, 7)
    assert BOXES.describe(value, None).rows[0] == ("0", "0.800", "0.0, 2.0, 10.0, 7.0")


def test_of_many_boxes_the_table_has_the_best():
    value = np.array([row(10 * i, 0, 10 * i + 9, 9, 0.9) for i in range(30)], np.float32)
    table = BOXES.describe(value, None)
    assert len(table.rows) == 21
    assert table.rows[-1][0] == "... and 10 more"
    assert len(BOXES.data(value, None).boxes) == 30


def test_the_picture_has_the_box_where_it_is_in_the_photograph():
    value = np.array([row(2, 4, 8, 9, 0.9)], np.float32)
    transform = InputTransform((400, 200), (10, 5), 0, -2, (10, 10))
    photograph = Image.new("RGB", (400, 200), "white")
    picture = BOXES.picture(value, ("cat",), photograph, transform)
    changed = (np.asarray(picture) != 255).any(axis=2)
    columns, rows = np.flatnonzero(changed[150]), np.flatnonzero(changed[:, 200])
    assert (columns[0], columns[-1]) == (80, 319)
    assert rows[-1] == 199  # The box reaches below the photograph, and is cut.
    assert np.asarray(photograph).min() == 255
