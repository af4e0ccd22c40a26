"""The rule of detectors, against the formulas of the tools that train them, and the way back."""

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mvmoe_deploy.cli.shared_options import input_options
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.preprocessing import (
    InputTransform,
    Preprocessing,
    prepare,
    resize,
    transform_of,
    window_of,
)
from mvmoe_deploy.preprocessing.resize_rules import RULES


def spec(side=640, place="around", rounding="nearest", level=114, **fields):
    return Preprocessing(
        **{
            "height": side,
            "width": side,
            "resize": "letterbox",
            "pad_level": level,
            "pad_place": place,
            "pad_rounding": rounding,
            "mean": (0.0,) * 3,
            "std": (1.0,) * 3,
            **fields,
        }
    )


def ultralytics(width, height, side_w, side_h):
    """Size and place by the formulas of Ultralytics' `LetterBox(scaleup=True, center=True)`."""
    ratio = min(side_h / height, side_w / width)
    whole = round(width * ratio), round(height * ratio)
    left, top = (
        round((side - new) / 2 - 0.1) for side, new in zip((side_w, side_h), whole, strict=True)
    )
    return whole, left, top


def yolox(width, height, side_w, side_h):
    """Size by the formulas of YOLOX's `preproc`: the rest is to the right and below."""
    ratio = min(side_h / height, side_w / width)
    return (int(width * ratio), int(height * ratio)), 0, 0


SIZES = [(w, h) for w in range(1, 2000, 83) for h in range(1, 2000, 67)]


@pytest.mark.parametrize(("side_w", "side_h"), [(640, 640), (416, 320), (319, 513)])
def test_the_size_is_that_of_ultralytics(side_w, side_h):
    fields = spec(width=side_w, height=side_h)
    for width, height in SIZES:
        window = window_of((width, height), fields)
        whole, left, top = ultralytics(width, height, side_w, side_h)
        if 0 not in whole:
            assert (window.whole, -window.left, -window.top) == (whole, left, top)


def test_the_size_is_that_of_yolox_but_for_its_rounded_scale():
    """`int` of a product in floating point loses a pixel where the exact product is whole."""
    fields = spec(place="right-bottom", rounding="down")
    others = 0
    for width, height in SIZES:
        window = window_of((width, height), fields)
        whole, left, top = yolox(width, height, 640, 640)
        assert (window.left, window.top) == (left, top)
        differences = [
            ours - max(1, theirs) for ours, theirs in zip(window.whole, whole, strict=True)
        ]
        assert all(difference in (0, 1) for difference in differences)
        others += any(differences)
        assert max(window.whole) == 640
    assert others < len(SIZES) / 10


@given(
    st.tuples(st.integers(1, 10**6), st.integers(1, 10**6)),
    st.tuples(st.integers(1, 8192), st.integers(1, 8192)),
    st.sampled_from(["around", "right-bottom"]),
    st.sampled_from(["nearest", "down"]),
)
def test_the_image_fills_one_side_and_is_inside_the_input(image, size, place, rounding):
    window = window_of(image, spec(width=size[0], height=size[1], place=place, rounding=rounding))
    assert any(whole == side for whole, side in zip(window.whole, size, strict=True))
    for whole, side, begin in zip(window.whole, size, (window.left, window.top), strict=True):
        assert 1 <= whole <= side
        after = side - whole + begin
        assert (begin == 0) if place == "right-bottom" else (after + begin in (0, 1))


def test_halves_go_to_the_even_pixel():
    # 4 x 2 pixels fill 6 columns with 3 rows; 8 x n have exact halves at 0.5, 1.5, 2.5 rows.
    heights = [window_of((8, n), spec(side=4)).whole[1] for n in (1, 3, 5, 7)]
    assert heights == [1, 2, 2, 4]
    assert [window_of((8, n), spec(side=4, rounding="down")).whole[1] for n in (1, 3, 5, 7)] == [
        1,
        1,
        2,
        3,
    ]


@pytest.mark.parametrize(
    ("place", "rows"), [("around", range(2, 7)), ("right-bottom", range(0, 5))]
)
@pytest.mark.parametrize("level", [0, 114, 255])
@pytest.mark.parametrize("order", ["RGB", "BGR"])
def test_the_padding_has_its_level_and_its_place(place, rows, level, order):
    fields = spec(side=10, place=place, level=level, channel_order=order, interpolation="nearest")
    pixels = resize(Image.new("RGB", (20, 10), (10, 20, 30)), fields)
    assert [tuple(pixel) for pixel in pixels[:, 0]] == [
        (10, 20, 30) if row in rows else (level,) * 3 for row in range(10)
    ]


def test_grey_is_padded_too():
    fields = spec(side=4, channel_order="L", mean=(0.0,), std=(1.0,))
    assert resize(Image.new("L", (4, 2), 9), fields)[:, 0, 0].tolist() == [114, 9, 9, 114]


def test_every_rule_can_be_chosen_on_the_command_line():
    def command():
        pass

    options = {option.name: option for option in input_options(command).__click_params__}
    assert list(options["resize_rule"].type.choices) == list(RULES)


# Back to the image


def drawn(width, height, box):
    """A dark image with a bright rectangle (left, top, right, bottom)."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[box[1] : box[3], box[0] : box[2]] = 255
    return pixels


NO_PADDING = {"pad_level": None, "pad_place": None, "pad_rounding": None}
RULE_CASES = {
    "letterbox": {},
    "letterbox, right and bottom": {"pad_place": "right-bottom", "pad_rounding": "down"},
    "timm": {**NO_PADDING, "resize": "timm", "crop_fraction": 0.875},
    "timm, not square": {**NO_PADDING, "resize": "timm", "width": 200, "crop_fraction": 0.9},
    "torchvision": {**NO_PADDING, "resize": "torchvision", "resize_size": 300},
    "squash": {**NO_PADDING, "resize": "squash", "crop_fraction": 0.9},
    "border": {**NO_PADDING, "resize": "border", "crop_fraction": 0.9},
}


@pytest.mark.parametrize("rule", RULE_CASES)
@pytest.mark.parametrize("size", [(800, 600), (600, 800), (301, 999)])
def test_a_box_of_the_input_is_where_the_object_is_in_the_image(rule, size):
    fields = spec(side=256, **RULE_CASES[rule])
    width, height = size
    box = [width * 2 // 5, height * 2 // 5, width * 3 // 5, height * 3 // 5]
    prepared = prepare(drawn(*size, box), fields)
    bright = prepared.values[0] > 0.5
    bright &= np.abs(prepared.values[0] - 114 / 255) > 0.01
    columns, rows = np.flatnonzero(bright.any(0)), np.flatnonzero(bright.any(1))
    found = [[columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]]
    back = prepared.transform.boxes_to_image(np.array(found))
    # An edge is found to half a pixel of the input.
    scale = max(np.divide(prepared.transform.image, prepared.transform.resized))
    assert np.abs(back - box).max() <= 0.51 * scale + 1e-9
    assert back.dtype == np.float64


def test_the_whole_image_comes_back_exactly():
    transform = transform_of((1920, 1081), spec())
    assert transform == InputTransform((1920, 1081), (640, 360), 0, -140, (640, 640))
    corners = transform.boxes_to_image(np.array([[0, 140, 640, 500]]))
    assert corners.tolist() == [[0, 0, 1920, 1081]]


def test_boxes_are_cut_to_the_image_and_points_are_not():
    transform = InputTransform((100, 50), (10, 5), 0, -2, (10, 10))
    boxes = np.array([[-1, 0, 20, 9]], np.float32)
    assert transform.boxes_to_image(boxes).tolist() == [[0, 0, 100, 50]]
    assert transform.boxes_to_image(boxes, clip=False).tolist() == [[-10, -20, 200, 70]]
    assert transform.points_to_image(boxes[:, :2]).tolist() == [[-10, -20]]
    assert boxes.tolist() == [[-1, 0, 20, 9]]  # the caller's own stay


@pytest.mark.parametrize("boxes", [np.zeros(4), np.zeros((1, 5)), np.array([["a"] * 4])])
def test_what_are_no_boxes_is_refused(boxes):
    with pytest.raises(InputError, check=lambda error: error.code == "input.shape"):
        InputTransform((1, 1), (1, 1), 0, 0, (1, 1)).boxes_to_image(boxes)


def test_no_boxes_are_no_boxes():
    transform = InputTransform((1, 1), (1, 1), 0, 0, (1, 1))
    assert transform.boxes_to_image(np.zeros((0, 4))).shape == (0, 4)


@pytest.mark.parametrize("image", [(100, 50), (37, 211), (16, 16), (1, 9)])
def test_every_pixel_of_the_image_knows_its_cell_of_the_input(image):
    transform = transform_of(image, spec())
    columns, rows = transform.cells_of_image((8, 4))
    (left, top), (wide, tall) = (transform.left, transform.top), transform.resized
    for found, count, whole, first, cells in (
        (columns, image[0], wide, left, 8),
        (rows, image[1], tall, top, 4),
    ):
        middles = [Fraction(2 * pixel + 1, 2) * whole / count - first for pixel in range(count)]
        wanted = [floor(middle * cells / 640) if 0 <= middle < 640 else -1 for middle in middles]
        assert found.tolist() == wanted
