"""The drawn shapes: the same every time, other ones in each split, and boxes around them."""

import numpy as np
import pytest

from mvmoe_deploy.training.datasets.shapes import CLASSES, PART, draw_shapes


@pytest.fixture(scope="module")
def drawn():
    return draw_shapes(40, side=64, seed=7)


def test_the_same_numbers_draw_the_same_images(drawn):
    again = draw_shapes(40, side=64, seed=7)
    np.testing.assert_array_equal(drawn.images, again.images)
    np.testing.assert_array_equal(drawn.boxes, again.boxes)
    few, other = draw_shapes(3, side=64, seed=7), draw_shapes(3, side=64, seed=8)
    np.testing.assert_array_equal(drawn.images[:3], few.images)
    assert not np.array_equal(few.images, other.images)


def test_every_image_has_shapes_of_all_classes_together(drawn):
    assert drawn.images.shape == (40, 64, 64, 3) and drawn.images.dtype == np.uint8
    there = drawn.boxes[:, :, 0] >= 0
    assert there[:, 0].all()
    assert set(drawn.boxes[there][:, 0].astype(int)) == set(range(len(CLASSES)))
    places = drawn.boxes[there][:, 1:]
    assert places.min() >= 0 and places.max() <= 1
    # No side is shorter than a turned triangle of the smallest size.
    assert (places[:, 2:] - places[:, :2]).min() > 0.05


def test_what_is_outside_of_all_boxes_is_background(drawn):
    """On dark scenes nothing bright is left where no box is, and something is in each box."""
    dark = np.flatnonzero(np.median(drawn.images, axis=(1, 2)).max(axis=1) < 70)
    assert len(dark) > 3
    for number in dark:
        image = drawn.images[number].max(axis=2)
        outside = np.ones((64, 64), bool)
        for label, *edges in drawn.boxes[number]:
            if label < 0:
                continue
            left, top, right, bottom = (np.array(edges) * 64).round().astype(int)
            assert image[top:bottom, left:right].max() >= 100
            # A pixel more: an edge is smooth.
            outside[max(0, top - 1) : bottom + 1, max(0, left - 1) : right + 1] = False
        assert image[outside].max() < 90


def test_the_splits_are_others_and_stay(drawn):
    images, boxes = PART.split("held-out")
    assert len(images) == len(boxes) == 200
    assert PART.split("held-out")[0] is images
