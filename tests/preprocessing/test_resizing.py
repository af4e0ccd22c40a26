"""Resizing against the arithmetic of `docs/bundle.md` in NumPy, and under two Pillows."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import PIL
import pytest
from page_resizing import both_passes, one_pass
from PIL import Image

from mvmoe_deploy.errors import ImageError
from mvmoe_deploy.preprocessing import Preprocessing, resize, window_of
from mvmoe_deploy.preprocessing.resizing import resample

OTHER_PILLOW = Path(sys.prefix) / "pillow-other"
"""`make setup` installs a second Pillow here, from the other side of 13.0's change of order."""

FILTERS = ("nearest", "bilinear", "bicubic", "lanczos")


def noise(height, width, channels=3, seed=0):
    shape = (height, width, channels)
    return np.random.default_rng((seed, *shape)).integers(0, 256, shape, dtype=np.uint8)


def spec(**fields):
    channels = {1: "L", 3: "RGB"}[fields.pop("channels", 3)]
    count = len(channels)
    return Preprocessing(
        **{
            "height": 14,
            "width": 14,
            "channel_order": channels,
            "mean": (0.5,) * count,
            "std": (0.5,) * count,
            **fields,
        }
    )


def centre(whole, side):
    """torchvision's and timm's `int(round((whole - side) / 2.0))`."""
    return round((whole - side) / 2.0)


def timm_whole(width, height, side, crop):
    """timm's eval transform of a square input: `Resize(floor(side / crop))` of torchvision."""
    return torchvision_whole(width, height, math.floor(side / crop))


def torchvision_whole(width, height, size):
    short, long = min(width, height), max(width, height)
    longer = int(size * long / short)
    return (size, longer) if width <= height else (longer, size)


SIZES = [(37, 53), (53, 37), (200, 20), (20, 300), (5, 3), (14, 14), (1, 9), (61, 60), (15, 40)]


@pytest.mark.parametrize("interpolation", FILTERS)
@pytest.mark.parametrize("crop", [1.0, 0.9, 0.875, 0.5])
def test_timms_rule_is_its_formulas_and_the_documented_arithmetic(interpolation, crop):
    for height, width in SIZES:
        pixels = noise(height, width)
        whole = timm_whole(width, height, 14, crop)
        window = (centre(whole[0], 14), centre(whole[1], 14), 14, 14)
        expected = both_passes(pixels, whole, window, interpolation)
        fields = spec(resize="timm", crop_fraction=crop, interpolation=interpolation)
        np.testing.assert_array_equal(resize(Image.fromarray(pixels), fields), expected)


@pytest.mark.parametrize("interpolation", FILTERS)
@pytest.mark.parametrize("size", [14, 16, 17, 21])
def test_torchvisions_rule_is_its_formulas_and_the_documented_arithmetic(interpolation, size):
    for height, width in SIZES:
        pixels = noise(height, width)
        whole = torchvision_whole(width, height, size)
        window = (centre(whole[0], 14), centre(whole[1], 14), 14, 14)
        expected = both_passes(pixels, whole, window, interpolation)
        fields = spec(resize="torchvision", resize_size=size, interpolation=interpolation)
        np.testing.assert_array_equal(resize(Image.fromarray(pixels), fields), expected)


@pytest.mark.parametrize("crop", [1.0, 0.9, 0.6])
def test_squash_scales_both_sides_and_cuts_the_centre(crop):
    for height, width in SIZES:
        pixels = noise(height, width)
        whole = (math.floor(12 / crop), math.floor(14 / crop))
        window = (centre(whole[0], 12), centre(whole[1], 14), 12, 14)
        fields = spec(resize="squash", width=12, crop_fraction=crop)
        expected = both_passes(pixels, whole, window, "bicubic")
        np.testing.assert_array_equal(resize(Image.fromarray(pixels), fields), expected)


@pytest.mark.parametrize("crop", [1.0, 0.9, 0.5])
@pytest.mark.parametrize("channels", [1, 3])
def test_border_fits_the_longer_side_and_fills_the_rest_with_the_mean(crop, channels):
    """timm's `ResizeKeepRatio(longest=1)` and `CenterCropOrPad`, padded by hand."""
    mean = (0.485, 0.456, 0.406)[:channels]
    for height, width in SIZES:
        pixels = noise(height, width, channels)
        scale = math.floor(14 / crop)
        ratio = max(height / scale, width / scale)
        whole = tuple(max(1, round(side / ratio)) for side in (width, height))
        resized = both_passes(pixels, whole, (0, 0, *whole), "bicubic")
        missing = [max(14 - side, 0) for side in whole]
        expected = np.empty((whole[1] + missing[1], whole[0] + missing[0], channels), np.uint8)
        expected[:] = [round(255 * value) for value in mean]
        expected[
            missing[1] // 2 : missing[1] // 2 + whole[1],
            missing[0] // 2 : missing[0] // 2 + whole[0],
        ] = resized
        top, left = (centre(side, 14) for side in expected.shape[:2])
        fields = spec(resize="border", crop_fraction=crop, mean=mean, channels=channels)
        image = Image.fromarray(pixels[:, :, 0] if channels == 1 else pixels)
        found = resize(image, fields)
        np.testing.assert_array_equal(found, expected[top : top + 14, left : left + 14])


def test_border_of_bgr_is_filled_with_the_mean_as_the_image_has_its_channels():
    fields = spec(resize="border", channel_order="BGR", mean=(0.1, 0.2, 0.3), crop_fraction=1.0)
    pixels = resize(Image.new("RGB", (28, 14)), fields)
    assert pixels[0, 0].tolist() == [round(255 * 0.3), 51, 26]


def test_an_input_that_is_not_square_keeps_the_ratio_as_timm_does():
    fields = spec(height=20, width=12, crop_fraction=0.9)
    for width, height in [(50, 40), (40, 50), (13, 90)]:
        scale = (math.floor(12 / 0.9), math.floor(20 / 0.9))
        ratio = min(width / scale[0], height / scale[1])
        expected = (round(width / ratio), round(height / ratio))
        assert window_of((width, height), fields).whole == expected


@pytest.mark.parametrize(
    ("image", "rule", "expected"),
    [
        # Halves go to the even side: 1 pixel too much is cut at the end, 3 at begin and end.
        ((224, 225), {"crop_fraction": 1.0}, ((224, 225), 0, 0)),
        ((224, 227), {"crop_fraction": 1.0}, ((224, 227), 0, 2)),
        ((500, 375), {"crop_fraction": 0.9}, ((330, 248), 53, 12)),
        ((375, 500), {"resize": "torchvision", "resize_size": 232}, ((232, 309), 4, 42)),
        ((640, 480), {"resize": "torchvision", "resize_size": 256}, ((341, 256), 58, 16)),
    ],
)
def test_where_the_window_lies(image, rule, expected):
    window = window_of(image, spec(height=224, width=224, **rule))
    assert (window.whole, window.left, window.top) == expected


@pytest.mark.parametrize("interpolation", FILTERS)
def test_a_box_is_resampled_as_documented(interpolation):
    """Scale and centre from the box in fp32, its width subtracted in fp32."""
    rng = np.random.default_rng(5)
    for _ in range(20):
        height, width = rng.integers(8, 60, 2)
        left, top = rng.uniform(0, 3, 2)
        right, bottom = width - rng.uniform(0, 3), height - rng.uniform(0, 3)
        pixels = noise(height, width)
        box = (left, top, right, bottom)
        found = np.asarray(resample(Image.fromarray(pixels), (11, 9), interpolation, box))
        f = np.float32
        wide = one_pass_boxed(pixels.swapaxes(0, 1), 11, f(left), f(right), interpolation)
        expected = one_pass_boxed(wide.swapaxes(0, 1), 9, f(top), f(bottom), interpolation)
        np.testing.assert_array_equal(found, expected)


def one_pass_boxed(pixels, outputs, first, last, interpolation):
    """As `one_pass`; `first` and `last` are fp32, and so is their difference."""
    length = float(last - first)
    begin = float(first)
    return one_pass(pixels, outputs, (begin, begin + length), interpolation, list(range(outputs)))


def test_an_image_whose_passes_would_take_gigabytes_is_refused():
    fields = spec(height=224, width=224, crop_fraction=0.875)
    for size in [(1, 10_000), (1_000_001, 1)]:
        with pytest.raises(ImageError, check=lambda error: error.code == "image.too-large"):
            resize(Image.new("RGB", size), fields)


# Two versions of Pillow

CASES = """
import hashlib, json, sys
import numpy as np
import PIL
from PIL import Image
from mvmoe_deploy.preprocessing import Preprocessing, resize
from mvmoe_deploy.preprocessing.resizing import resample

ours, theirs = hashlib.sha256(), hashlib.sha256()
rng = np.random.default_rng(9)
for number in range(120):
    height, width = rng.integers(2, 160, 2)
    image = Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))
    side = int(rng.integers(2, 40))
    rules = {"timm": {"crop_fraction": 0.9}, "squash": {}, "border": {"crop_fraction": 0.8},
             "torchvision": {"resize_size": side + 3}}
    rule = list(rules)[number % 4]
    filter_ = ("nearest", "bilinear", "bicubic", "lanczos")[number // 4 % 4]
    spec = Preprocessing(height=side, width=side, resize=rule, interpolation=filter_, **rules[rule])
    ours.update(resize(image, spec).tobytes())
    box = (0.25, 0.5, float(width) - 0.3, float(height) - 0.1)
    ours.update(resample(image, (side, side + 1), filter_, box).tobytes())
    theirs.update(image.resize((side, side), Image.Resampling[filter_.upper()]).tobytes())
print(json.dumps([PIL.__version__, ours.hexdigest(), theirs.hexdigest()]))
"""


def under_pillow(folder):
    """Version and hashes of the cases in a process that imports Pillow from `folder` first."""
    paths = [*([str(folder)] if folder else []), *sys.path]
    result = subprocess.run(
        [sys.executable, "-c", CASES],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return json.loads(result.stdout)


def after_the_change(version):
    return int(version.partition(".")[0]) >= 13


def test_two_versions_of_pillow_give_the_same_bytes():
    assert OTHER_PILLOW.is_dir(), "run make setup: it installs a second Pillow for this test"
    version, ours, theirs = under_pillow(None)
    other_version, other_ours, other_theirs = under_pillow(OTHER_PILLOW)
    assert version == PIL.__version__
    assert after_the_change(version) != after_the_change(other_version)
    assert theirs != other_theirs  # one call of Pillow's own: else this test would show nothing
    assert ours == other_ours
