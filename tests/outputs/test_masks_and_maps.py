"""The kinds `mask` and `map`: classes and numbers for each place of an image."""

import numpy as np
import pytest
from PIL import Image

from mvmoe_deploy.outputs import find_kind
from mvmoe_deploy.preprocessing import InputTransform

MASK, MAP = find_kind("mask"), find_kind("map")
WHOLE = InputTransform((4, 2), (4, 2), 0, 0, (4, 2))


def test_a_pixel_has_its_best_class_and_near_ties_are_left_out():
    theirs = np.array([[[[1.0, 0.0, 0.5, 2.0]], [[0.0, 1.0, 0.4, 0.0]]]], np.float32)
    ours = theirs.copy()
    ours[0, :, 0, 2] = 0.4, 0.5  # The near-tie turns.
    found = MASK.agreement(ours, theirs)
    assert found.agreement.tolist() == [0.75]
    assert MASK.agreement(ours, theirs, limit=0.2).agreement.tolist() == [1]
    ours[0, :, 0, 3] = 0, 2  # So does one that is none.
    assert MASK.agreement(ours, theirs, limit=0.2).agreement[0] == pytest.approx(2 / 3)


def test_one_class_is_foreground_above_zero():
    theirs = np.array([[[[-1.0, 0.0, 0.1, 3.0]]]], np.float32)
    ours = np.array([[[[-1.0, 0.1, -0.1, 3.0]]]], np.float32)
    assert MASK.agreement(ours, theirs).agreement.tolist() == [0.5]
    assert MASK.agreement(ours, theirs, limit=0.2).agreement.tolist() == [1]
    assert not MASK.agreement(ours, theirs, limit=5).decided[0]
    (share,) = MASK.data(theirs[0], ("lens",)).classes
    assert (share.label, share.share) == ("lens", 0.5)
    assert MASK.data(np.full((1, 2, 2), -1, np.float32), None).classes == ()


def test_the_share_of_each_class_that_is_there_is_shown():
    value = np.zeros((3, 1, 4), np.float32)
    value[2, 0, :3] = 1
    found = MASK.data(value, ("sky", "tree", "road")).classes
    assert [(each.label, each.index, each.share) for each in found] == [
        ("sky", 0, 0.25),
        ("road", 2, 0.75),
    ]
    assert MASK.describe(value, None).rows == (("2", "75.0%"), ("0", "25.0%"))


def test_the_picture_of_a_mask_has_the_classes_as_indices_and_the_size_of_the_photograph():
    value = np.zeros((3, 2, 2), np.float32)  # [[0, 1], [2, 0]] over the input.
    value[1, 0, 1] = value[2, 1, 0] = 1
    photograph = Image.new("RGB", (8, 4))
    # The input is the middle square of the photograph, at half its size.
    picture = MASK.picture(value, None, photograph, InputTransform((8, 4), (4, 2), 1, 0, (2, 2)))
    assert (picture.mode, picture.size) == ("P", (8, 4))
    assert np.asarray(picture).tolist() == [
        [255, 255, 0, 0, 1, 1, 255, 255],
        [255, 255, 0, 0, 1, 1, 255, 255],
        [255, 255, 2, 2, 0, 0, 255, 255],
        [255, 255, 2, 2, 0, 0, 255, 255],
    ]
    colours = np.asarray(picture.convert("RGBA"))
    assert colours[0, 0, 3] == 0
    assert colours[0, 2, 3] == 255
    assert len({tuple(colour) for colour in colours.reshape(-1, 4).tolist()}) == 4


def test_the_background_of_a_foreground_is_black():
    value = np.array([[[1.0, -1.0]]], np.float32)
    transform = InputTransform((2, 1), (2, 1), 0, 0, (2, 1))
    picture = MASK.picture(value, None, Image.new("L", (2, 1)), transform)
    assert np.asarray(picture).tolist() == [[1, 0]]
    assert np.asarray(picture.convert("RGB"))[0, 1].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([[[-1.0, 0.0, 3.0]]], [[0, 64, 255]]),
        ([[[5.0, 5.0, 5.0]]], [[0, 0, 0]]),
        ([[[0.0, np.nan, 1.0]]], [[0, 0, 255]]),
        ([[[0.0, 9.0, 1.0]], [[4.0, 0.0, 1.0]]], [[96, 255, 0]]),
    ],
)
def test_channels_of_a_map_are_grey_between_the_least_and_the_largest(value, expected):
    picture = MAP.picture(np.array(value, np.float32), None, Image.new("L", (1, 1)), WHOLE)
    assert picture.mode == "L"
    assert np.asarray(picture).tolist() == expected


def test_three_channels_of_a_map_are_colours():
    value = np.array([[[0.0]], [[0.5]], [[1.0]]], np.float32)
    picture = MAP.picture(value, None, Image.new("L", (1, 1)), WHOLE)
    assert picture.mode == "RGB"
    assert np.asarray(picture).tolist() == [[[0, 128, 255]]]
    picture = MAP.picture(value * 0.5, None, Image.new("L", (1, 1)), WHOLE)
    assert np.asarray(picture).tolist() == [[[0, 64, 128]]]
    picture = MAP.picture(value * 4 - 2, None, Image.new("L", (1, 1)), WHOLE)
    assert np.asarray(picture).tolist() == [[[0, 128, 255]]]
