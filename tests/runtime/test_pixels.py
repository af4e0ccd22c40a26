"""Inputs that take pixels get back exactly the pixels that were normalised."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvmoe_deploy.bundle.manifest import Pixels, TensorSpec
from mvmoe_deploy.preprocessing import Preprocessing, preprocess
from mvmoe_deploy.runtime.pixels import picture, pixels

ALL = np.arange(256, dtype=np.uint8).reshape(16, 16)
"""Every value that a pixel can have."""


def taking(preprocessing):
    """The image input of a graph that normalises by itself, as an export describes it."""
    return TensorSpec(
        name="image",
        shape=(1, *preprocessing.shape),
        dtype="float32",
        pixels=Pixels(
            channel_order=preprocessing.channel_order,
            scale=tuple(1 / (255 * std) for std in preprocessing.std),
            bias=tuple(
                -mean / std for mean, std in zip(preprocessing.mean, preprocessing.std, strict=True)
            ),
        ),
    )


def all_values(order):
    """An image `[16, 16]` or `[16, 16, 3]` with every value in every channel."""
    if order == "L":
        return ALL
    return np.stack([ALL, ALL[::-1], ALL.T], axis=-1)


@st.composite
def preprocessings(draw):
    order = draw(st.sampled_from(["RGB", "BGR", "L"]))
    count = len(order)
    means = st.floats(-1000, 1000, allow_subnormal=False)
    stds = st.floats(1e-6, 1000)
    return Preprocessing(
        height=16,
        width=16,
        channel_order=order,
        mean=tuple(draw(st.lists(means, min_size=count, max_size=count))),
        std=tuple(draw(st.lists(stds, min_size=count, max_size=count))),
    )


@given(preprocessing=preprocessings())
def test_every_pixel_comes_back_exactly(preprocessing):
    image = all_values(preprocessing.channel_order)
    spec = taking(preprocessing)
    array = preprocess(image, preprocessing)[None]
    found = pixels(spec, array)
    in_order = image[:, :, ::-1] if preprocessing.channel_order == "BGR" else image
    wanted = np.atleast_3d(in_order).transpose(2, 0, 1)[None]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(np.asarray(picture(spec, array)), image)


def test_other_values_give_the_nearest_pixel():
    preprocessing = Preprocessing(height=1, width=4, channel_order="L", mean=(0.5,), std=(0.5,))
    array = np.array([-3, 3, -0.999, 0.1], np.float32).reshape(1, 1, 1, 4)
    assert pixels(taking(preprocessing), array).flatten().tolist() == [0, 255, 0, 140]


def test_an_input_that_takes_normalised_values_gets_them_as_they_are():
    spec = SimpleNamespace(pixels=None)
    array = np.ones((1, 1, 2, 2), np.float32)
    assert pixels(spec, array) is array


@pytest.mark.parametrize("order", ["RGB", "BGR"])
def test_a_picture_has_red_first_in_any_order(order):
    image = np.zeros((2, 2, 3), np.uint8)
    image[:, :, 0] = 200
    preprocessing = Preprocessing(
        height=2, width=2, channel_order=order, mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4)
    )
    array = preprocess(image, preprocessing)[None]
    assert array[0, order.index("R"), 0, 0] > array[0, order.index("B"), 0, 0]
    np.testing.assert_array_equal(np.asarray(picture(taking(preprocessing), array)), image)
