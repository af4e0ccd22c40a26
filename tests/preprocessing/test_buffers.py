"""Frames of cameras: formats with strides, colours against the standards, what is refused."""

import itertools

import numpy as np
import pytest
from expected_errors import raises
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mvmoe_deploy.errors import ImageError
from mvmoe_deploy.preprocessing import PixelBuffer, Plane, Preprocessing, open_image, preprocess
from mvmoe_deploy.preprocessing.buffers import FORMATS
from mvmoe_deploy.preprocessing.buffers.yuv import COLOURS

STATED = {"matrix": "bt601", "value_range": "full"}


def strided(samples, row_stride, pixel_stride):
    """Bytes of `[h, w, samples]` with rubbish between pixels and rows, none after the last."""
    height, width, count = samples.shape
    data = np.full(height * row_stride + width * pixel_stride, 0xA5, np.uint8)
    for y, x, s in itertools.product(range(height), range(width), range(count)):
        data[y * row_stride + x * pixel_stride + s] = samples[y, x, s]
    return data[: (height - 1) * row_stride + (width - 1) * pixel_stride + count].tobytes()


def noise(height, width, samples, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, samples), np.uint8)


def pixels_of(**fields):
    return np.asarray(open_image(PixelBuffer(**fields)))


@pytest.mark.parametrize(("name", "order"), [("RGBA", [0, 1, 2]), ("BGRA", [2, 1, 0])])
@pytest.mark.parametrize(("row", "pixel"), [(28, 4), (64, 4), (64, 8), (29, 4)])
def test_packed_colours_are_read_with_their_strides_and_without_alpha(name, order, row, pixel):
    samples = noise(5, 7, 4)
    plane = Plane(strided(samples, max(row, 7 * pixel), pixel), max(row, 7 * pixel), pixel)
    found = pixels_of(format=name, width=7, height=5, planes=[plane])
    np.testing.assert_array_equal(found, samples[:, :, order])


@pytest.mark.parametrize(("name", "samples"), [("RGB", 3), ("L", 1)])
def test_three_channels_and_grey(name, samples):
    values = noise(3, 5, samples)
    plane = Plane(strided(values, 17, samples), 17, samples)
    found = pixels_of(format=name, width=5, height=3, planes=[plane])
    np.testing.assert_array_equal(found, np.broadcast_to(values, (3, 5, 3)))


def yuv_planes(kind, luma, u, v, padding=3):
    """The planes of a format from `[h, w]` and `[h / 2, w / 2]`, with rows that have a gap."""
    row = luma.shape[1] + padding
    first = Plane(strided(luma[:, :, None], row, 1), row, 1)
    if kind == "YUV420":
        pairs = strided(np.stack([u, v], axis=2), row, 2)
        # As Android has it: one buffer in which the planes lie within each other.
        return [first, Plane(pairs[:-1], row, 2), Plane(memoryview(pairs)[1:], row, 2)]
    pair = [u, v] if kind == "NV12" else [v, u]
    return [first, Plane(strided(np.stack(pair, axis=2), row, 2), row, 2)]


def standard(luma, u, v, matrix, value_range):
    """The standards' own formulas (BT.601 and BT.709, 8 bits) in double precision, `[h, w, 3]`."""
    red, blue = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722)}[matrix]
    green = 1 - red - blue
    low, luma_scale, chroma_scale = (0, 255, 255) if value_range == "full" else (16, 219, 224)
    y = (luma.astype(float) - low) / luma_scale
    pb, pr = (
        (np.kron(each.astype(float), np.ones((2, 2))) - 128) / chroma_scale for each in (u, v)
    )
    r, b = y + 2 * (1 - red) * pr, y + 2 * (1 - blue) * pb
    g = (y - red * r - blue * b) / green
    return 255 * np.stack([r, g, b], axis=2)


@pytest.mark.parametrize("kind", ["NV12", "NV21", "YUV420"])
@pytest.mark.parametrize(("matrix", "value_range"), COLOURS)
@pytest.mark.parametrize("size", [(2, 2), (134, 10), (6, 130)])
def test_luma_and_chroma_become_the_colours_of_the_standards(kind, matrix, value_range, size):
    height, width = size
    luma = noise(height, width, 1)[:, :, 0]
    u, v = (noise(height // 2, width // 2, 1, seed)[:, :, 0] for seed in (1, 2))
    planes = yuv_planes(kind, luma, u, v)
    found = pixels_of(
        format=kind, width=width, height=height, planes=planes, matrix=matrix,
        value_range=value_range,
    )  # fmt: skip
    exact = standard(luma, u, v, matrix, value_range)
    # Factors of 16 bits times differences of up to 239 err by 0.004; then half a level is rounded.
    assert np.abs(found - exact.clip(0, 255)).max() <= 0.51


def test_the_factors_are_those_of_the_standards():
    for (matrix, value_range), factors in COLOURS.items():
        red, blue = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722)}[matrix]
        luma, chroma = (1, 1) if value_range == "full" else (255 / 219, 255 / 224)
        green = 1 - red - blue
        exact = (
            luma,
            2 * (1 - red) * chroma,
            2 * blue * (1 - blue) / green * chroma,
            2 * red * (1 - red) / green * chroma,
            2 * (1 - blue) * chroma,
        )
        found = (
            factors.luma,
            factors.v_to_red,
            factors.u_to_green,
            factors.v_to_green,
            factors.u_to_blue,
        )
        assert found == tuple(round(65536 * value) for value in exact)


def test_white_black_and_grey_of_the_video_range():
    planes = [Plane(bytes([16, 235, 125, 255]), 2, 1), Plane(bytes([128, 128]), 2, 2)]
    found = pixels_of(
        format="NV12", width=2, height=2, planes=planes, matrix="bt709", value_range="video"
    )
    assert found[:, :, 1].tolist() == [[0, 255], [127, 255]]


# What EXIF 2.3, table 6 says of row 0 and column 0.
TURNED = {
    1: lambda p: p,
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.swapaxes(0, 1),
    6: lambda p: np.rot90(p, -1),
    7: lambda p: np.rot90(p, 2).swapaxes(0, 1),
    8: lambda p: np.rot90(p, 1),
}


@pytest.mark.parametrize("orientation", TURNED)
@pytest.mark.parametrize("kind", ["RGBA", "NV21"])
def test_a_buffer_is_turned_upright_before_it_is_resized(orientation, kind):
    if kind == "RGBA":
        planes, stated = [Plane(noise(6, 10, 4), 40, 4)], {}
    else:
        planes, stated = [Plane(noise(6, 10, 1), 10, 1), Plane(noise(3, 5, 2), 10, 2)], STATED
    given = {"format": kind, "width": 10, "height": 6, "planes": planes, **stated}
    stored = pixels_of(**given)
    expected = TURNED[orientation](stored)
    buffer = PixelBuffer(**given, orientation=orientation)
    np.testing.assert_array_equal(np.asarray(open_image(buffer)), expected)
    spec = Preprocessing(height=4, width=4, crop_fraction=0.9)
    np.testing.assert_array_equal(preprocess(buffer, spec), preprocess(expected, spec))


def test_grey_comes_from_the_colours_and_not_from_luma():
    planes = [Plane(noise(4, 4, 1), 4, 1), Plane(noise(2, 2, 2), 4, 2)]
    buffer = PixelBuffer(format="NV12", width=4, height=4, planes=planes, **STATED)
    red, green, blue = (np.asarray(open_image(buffer))[:, :, c].astype(int) for c in range(3))
    expected = (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16
    np.testing.assert_array_equal(np.asarray(open_image(buffer, "L")), expected)


@given(st.data())
def test_any_strides_that_do_not_overlap_give_the_same_pixels(data):
    width, height = 2 * data.draw(st.integers(1, 6)), 2 * data.draw(st.integers(1, 6))
    luma, pairs = noise(height, width, 1), noise(height // 2, width // 2, 2)
    planes = []
    for samples in (luma, pairs):
        _, columns, count = samples.shape
        pixel = count + data.draw(st.integers(0, 3))
        row = (columns - 1) * pixel + count + data.draw(st.integers(0, 9))
        planes.append(Plane(bytearray(strided(samples, row, pixel)), row, pixel))
    given_ = {"format": "NV12", "width": width, "height": height, **STATED}
    dense = [Plane(luma, width, 1), Plane(pairs, width, 2)]
    np.testing.assert_array_equal(
        pixels_of(**given_, planes=planes), pixels_of(**given_, planes=dense)
    )


# What is refused

LUMA, PAIRS = Plane(bytes(16), 4, 1), Plane(bytes(8), 4, 2)
NV12 = {"format": "NV12", "width": 4, "height": 4, "planes": [LUMA, PAIRS], **STATED}
RGBA = {"format": "RGBA", "width": 2, "height": 2, "planes": [Plane(bytes(16), 8, 4)]}

GAPS = np.zeros((4, 8), np.uint8)[:, ::2]

FAULTS = [
    ({**NV12, "format": "I420"}, "image.buffer-format"),
    ({**NV12, "format": None}, "image.buffer-format"),
    ({**NV12, "matrix": None}, "image.buffer-format"),
    ({**NV12, "matrix": "bt2020"}, "image.buffer-format"),
    ({**NV12, "value_range": None}, "image.buffer-format"),
    ({**NV12, "value_range": "limited"}, "image.buffer-format"),
    ({**NV12, "orientation": 0}, "image.buffer-format"),
    ({**NV12, "orientation": 9}, "image.buffer-format"),
    ({**NV12, "planes": [LUMA]}, "image.buffer-format"),
    ({**NV12, "planes": [LUMA, PAIRS, PAIRS]}, "image.buffer-format"),
    ({**NV12, "planes": [Plane("text", 4, 1), PAIRS]}, "image.buffer-format"),
    ({**NV12, "planes": [Plane(np.zeros(16, np.int8), 4, 1), PAIRS]}, "image.buffer-format"),
    ({**NV12, "planes": [Plane(GAPS, 4, 1), PAIRS]}, "image.buffer-format"),
    ({**RGBA, "matrix": "bt601"}, "image.buffer-format"),
    ({**RGBA, "value_range": "full"}, "image.buffer-format"),
    ({**NV12, "width": 3}, "image.buffer-size"),
    ({**NV12, "height": 3}, "image.buffer-size"),
    ({**NV12, "width": 0}, "image.buffer-size"),
    ({**NV12, "height": -2}, "image.buffer-size"),
    ({**NV12, "height": 4.0}, "image.buffer-size"),
    ({**RGBA, "width": 0}, "image.buffer-size"),
    ({**NV12, "planes": [Plane(bytes(16), 3, 1), PAIRS]}, "image.buffer-stride"),
    ({**NV12, "planes": [Plane(bytes(16), -4, 1), PAIRS]}, "image.buffer-stride"),
    ({**NV12, "planes": [Plane(bytes(16), 4, -1), PAIRS]}, "image.buffer-stride"),
    ({**NV12, "planes": [Plane(bytes(16), 4, 0), PAIRS]}, "image.buffer-stride"),
    ({**NV12, "planes": [Plane(bytes(16), 4.0, 1), PAIRS]}, "image.buffer-stride"),
    ({**NV12, "planes": [LUMA, Plane(bytes(8), 4, 1)]}, "image.buffer-stride"),
    ({**NV12, "planes": [LUMA, Plane(bytes(8), 3, 2)]}, "image.buffer-stride"),
    ({**RGBA, "planes": [Plane(bytes(16), 8, 3)]}, "image.buffer-stride"),
    ({**NV12, "planes": [Plane(bytes(15), 4, 1), PAIRS]}, "image.buffer-too-short"),
    ({**NV12, "planes": [LUMA, Plane(bytes(7), 4, 2)]}, "image.buffer-too-short"),
    ({**NV12, "planes": [LUMA, Plane(b"", 4, 2)]}, "image.buffer-too-short"),
    ({**RGBA, "planes": [Plane(bytes(15), 8, 4)]}, "image.buffer-too-short"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "code"), FAULTS)
def test_a_buffer_that_cannot_be_read_is_refused_by_one_sentence_with_a_code(fields, code):
    with pytest.raises(ImageError) as caught:
        PixelBuffer(**fields)
    assert caught.value.code == code
    assert "\n" not in str(caught.value)


def test_the_message_names_the_plane_and_the_bytes_that_it_needs():
    with raises(
        ImageError, "image.buffer-too-short", plane="chroma", expected=8, found=7
    ) as caught:
        PixelBuffer(**{**NV12, "planes": [LUMA, Plane(bytes(7), 4, 2)]})
    assert caught.value.fields == {"plane": "chroma", "expected": 8, "found": 7}


def test_healthy_buffers_are_read():
    for fields in (NV12, RGBA):
        assert open_image(PixelBuffer(**fields)).size == (fields["width"], fields["height"])


def test_a_buffer_of_too_many_pixels_is_refused(monkeypatch):
    from mvmoe_deploy.preprocessing import decoding

    monkeypatch.setattr(decoding, "MAX_PIXELS", 15)
    with pytest.raises(ImageError, check=lambda error: error.code == "image.too-large"):
        open_image(PixelBuffer(**NV12))


def test_nothing_of_the_planes_is_copied_or_changed():
    data = bytearray(strided(noise(2, 2, 4), 8, 4))
    buffer = PixelBuffer(**{**RGBA, "planes": [Plane(data, 8, 4)]})
    data[0] = 77
    assert np.asarray(open_image(buffer))[0, 0, 0] == 77


def test_every_format_is_tested_here():
    assert set(FORMATS) == {"L", "RGB", "RGBA", "BGRA", "NV12", "NV21", "YUV420"}
    assert isinstance(PixelBuffer(**RGBA).image(), Image.Image)
