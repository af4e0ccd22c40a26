"""From images of every kind, hostile ones included, to the model's input."""

import io
import os
import re
import struct
import threading
import tracemalloc
import warnings
import zlib

import msgspec
import numpy as np
import pytest
from expected_errors import raises
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mvmoe_deploy.errors import ImageError, InputError
from mvmoe_deploy.preprocessing import (
    Preprocessing,
    decoding,
    normalize,
    open_image,
    preprocess,
    resize,
)

pytestmark = pytest.mark.filterwarnings("error")

# A value is pixel * scale + bias in fp32: three roundings of relative size 6e-8 (scale, product,
# sum) of numbers up to 1 / std + mean / std, which is below 7 for the statistics used here.
NORMALIZE_TOLERANCE = 2e-6


def colours(height=6, width=8, channels=3, seed=0):
    """Pixels `[H, W, C]` of no pattern."""
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def encoded(image, **options):
    """The bytes of a PIL image in a format."""
    file = io.BytesIO()
    image.save(file, **options)
    return file.getvalue()


@pytest.fixture
def saved(tmp_path):
    """Writes bytes, or a PIL image with its options, to a file and gives its path."""

    def save(content, **options):
        path = tmp_path / "image"
        data = content if isinstance(content, bytes) else encoded(content, **options)
        path.write_bytes(data)
        return path

    return save


def spec(**fields):
    return Preprocessing(**{"height": 4, "width": 4, **fields})


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_claiming(width, height):
    """A PNG of a few bytes whose header claims a size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(bytes(64)))
    return b"\x89PNG\r\n\x1a\n" + data + png_chunk(b"IEND", b"")


# Reading: what is accepted


@pytest.mark.parametrize("format_", ["PNG", "BMP", "TIFF", "PPM", "WEBP", "GIF"])
def test_lossless_formats_give_their_pixels(saved, format_):
    grey = np.repeat(colours(channels=1)[:, :, None], 3, axis=2)  # GIF has a palette: grey fits
    options = {"lossless": True} if format_ == "WEBP" else {}
    path = saved(Image.fromarray(grey), format=format_, **options)
    np.testing.assert_array_equal(np.asarray(open_image(path)), grey)


def test_paths_may_be_text(saved):
    path = saved(Image.fromarray(colours()), format="PNG")
    np.testing.assert_array_equal(np.asarray(open_image(str(path))), colours())


def test_a_photo_in_jpeg_is_near_its_pixels(saved):
    flat = np.full((16, 16, 3), (200, 100, 50), dtype=np.uint8)
    pixels = np.asarray(open_image(saved(Image.fromarray(flat), format="JPEG", quality=95)))
    # JPEG rounds a flat colour in YCbCr: at most 2 levels.
    assert np.abs(pixels.astype(int) - flat).max() <= 2


def test_mpo_gives_its_first_picture(saved):
    first, second = (Image.new("RGB", (16, 16), colour) for colour in ("white", "black"))
    path = saved(first, format="MPO", save_all=True, append_images=[second])
    assert open_image(path).getpixel((8, 8)) == (255, 255, 255)


def test_grey_becomes_three_equal_channels(saved):
    grey = colours(channels=1)
    pixels = np.asarray(open_image(saved(Image.fromarray(grey), format="PNG")))
    np.testing.assert_array_equal(pixels, np.repeat(grey[:, :, None], 3, axis=2))


def test_one_bit_becomes_black_and_white(saved):
    image = Image.fromarray(colours(channels=1)).convert("1")
    pixels = np.asarray(open_image(saved(image, format="PNG"), "L"))
    np.testing.assert_array_equal(pixels, np.where(np.asarray(image), 255, 0))


@pytest.mark.parametrize("mode, channels", [("RGBA", 3), ("LA", 1)])
def test_alpha_is_dropped_and_the_colour_kept(saved, mode, channels):
    image = Image.fromarray(colours(channels=channels)).convert(mode)
    image.putalpha(0)
    pixels = np.asarray(open_image(saved(image, format="PNG"), "RGB" if channels == 3 else "L"))
    np.testing.assert_array_equal(pixels, colours(channels=channels))


@pytest.mark.parametrize("transparency", [0, b"\x00\x80\xff"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_palette_with_transparency_gives_its_colours(saved, transparency, mode):
    image = Image.new("P", (3, 1))
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    image.putdata([0, 1, 2])
    path = saved(image, format="PNG", transparency=transparency)
    expected = {"RGB": [[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], "L": [[76, 150, 29]]}
    assert np.asarray(open_image(path, mode)).tolist() == expected[mode]


def test_grey_from_colour_is_the_luma_that_the_format_documents():
    pixels = colours(16, 16)
    red, green, blue = (pixels[:, :, channel].astype(np.int64) for channel in range(3))
    expected = (19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16
    np.testing.assert_array_equal(np.asarray(open_image(pixels, "L")), expected)


def test_cmyk_jpeg_is_converted(saved):
    image = Image.new("CMYK", (16, 16), (0, 255, 255, 0))  # no cyan, all magenta and yellow: red
    red, green, blue = open_image(saved(image, format="JPEG", quality=95)).getpixel((8, 8))
    assert red > 250
    assert green < 5
    assert blue < 5


@pytest.mark.parametrize("format_", ["PNG", "TIFF", "PPM"])
def test_16_bit_grey_keeps_its_high_byte(saved, format_):
    samples = np.array([[0, 255, 256, 257, 32768, 65535]], dtype=np.uint16)
    path = saved(Image.fromarray(samples), format=format_)
    assert np.asarray(open_image(path, "L")).tolist() == [[0, 0, 1, 1, 128, 255]]


def test_big_endian_16_bit_grey_keeps_its_high_byte():
    image = Image.frombytes("I;16B", (2, 1), b"\x12\x34\xff\x00")
    assert np.asarray(open_image(image, "L")).tolist() == [[0x12, 0xFF]]


@pytest.mark.parametrize("format_", ["GIF", "WEBP", "PNG", "TIFF"])
def test_an_animation_gives_its_first_frame(saved, format_):
    first, second = (Image.new("RGB", (8, 8), colour) for colour in ("white", "black"))
    path = saved(first, format=format_, save_all=True, append_images=[second])
    assert open_image(path).getpixel((4, 4)) == (255, 255, 255)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_exif_orientation_is_applied(saved, orientation, format_):
    # What EXIF 2.3, table 6 says of row 0 and column 0, as NumPy operations on the stored pixels.
    upright = {
        1: lambda p: p,
        2: lambda p: p[:, ::-1],
        3: lambda p: p[::-1, ::-1],
        4: lambda p: p[::-1],
        5: lambda p: p.swapaxes(0, 1),
        6: lambda p: np.rot90(p, -1),
        7: lambda p: np.rot90(p, 2).swapaxes(0, 1),
        8: lambda p: np.rot90(p, 1),
    }
    stored = np.zeros((16, 32, 3), dtype=np.uint8)
    stored[:8, :16], stored[:8, 16:], stored[8:, :16] = 250, 170, 90
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(Image.fromarray(stored), format=format_, exif=exif)
    pixels = np.asarray(open_image(path)).astype(int)
    expected = upright[orientation](stored)
    assert pixels.shape == expected.shape
    assert np.abs(pixels - expected).max() <= 10  # the lossy formats ring at the edges
    assert np.asarray(open_image(Image.open(path))).shape == expected.shape


@pytest.mark.parametrize("exif", [b"Exif\x00\x00broken", b"Exif\x00\x00II*\x00\xff\xff\xff\xff"])
def test_damaged_exif_says_nothing(saved, exif):
    path = saved(Image.new("RGB", (8, 4), "white"), format="JPEG", exif=exif)
    assert open_image(path).size == (8, 4)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_says_nothing(saved, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(Image.new("RGB", (8, 4), "white"), format="JPEG", exif=exif)
    assert open_image(path).size == (8, 4)


def test_the_callers_image_stays_as_it_was(saved):
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(saved(Image.new("RGB", (8, 4)), format="JPEG", exif=exif)) as image:
        assert open_image(image).size == (4, 8)
        assert image.size == (8, 4)
        assert image.getexif()[0x0112] == 6


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (5, 7, 3), (5, 7, 4), (1, 1), (1, 1, 3)])
def test_uint8_arrays_of_every_accepted_shape_give_their_pixels(shape):
    array = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    expected = array if array.ndim == 3 else array[:, :, None]
    expected = np.repeat(expected, 3, axis=2) if expected.shape[2] == 1 else expected[:, :, :3]
    np.testing.assert_array_equal(np.asarray(open_image(array)), expected)


def test_arrays_may_be_views():
    array = colours(10, 12)[::2, ::-3]
    np.testing.assert_array_equal(np.asarray(open_image(array)), array)


# Reading: what is refused


def refused(source, what, words, mode="RGB"):
    """The one sentence about `source`, of the code `image.<what>`; nothing of Pillow's own."""
    with raises(ImageError, f"image.{what}") as caught:
        open_image(source, mode)
    assert re.search(words, str(caught.value))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "TIFF", "BMP", "WEBP", "PPM", "GIF"])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_a_truncated_file_is_refused_by_name(saved, format_, part):
    data = encoded(Image.fromarray(colours(64, 64)), format=format_)
    path = saved(data[: int(len(data) * part)])
    assert str(path) in refused(path, "damaged", "damaged")


def test_damaged_pixels_are_refused(saved):
    data = bytearray(encoded(Image.fromarray(colours(32, 32)), format="PNG"))
    data[len(data) // 2] ^= 0xFF
    refused(saved(bytes(data)), "damaged", "damaged or cut off")


@settings(max_examples=150)
@given(
    st.sampled_from(["PNG", "JPEG", "TIFF", "BMP", "WEBP", "PPM", "GIF", "MPO"]),
    st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=6),
)
def test_altered_bytes_give_an_image_or_an_image_error(tmp_path_factory, format_, changes):
    exif = Image.Exif()
    exif[0x0112] = 6
    data = bytearray(encoded(Image.fromarray(colours(12, 12)), format=format_, exif=exif))
    for place, value in changes:
        data[int(place * len(data))] = value
    path = tmp_path_factory.getbasetemp() / "altered"
    path.write_bytes(data)
    try:
        assert preprocess(path, spec()).shape == (3, 4, 4)
    except ImageError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("kind", ["missing", "directory", "fifo", "device", "null", "long name"])
def test_what_is_no_file_is_refused(tmp_path, kind):
    os.mkfifo(tmp_path / "fifo")
    paths = {
        "missing": tmp_path / "missing.png",
        "directory": tmp_path,
        "fifo": tmp_path / "fifo",
        "device": "/dev/zero",
        "null": "a\0b",
        "long name": "a" * 300,
    }
    refused(paths[kind], "unreadable", "give the path of an image file")


@pytest.mark.parametrize("content", [b"", b"not an image", b"\x89PNG\r\n\x1a\n", bytes(1000)])
def test_what_is_no_image_is_refused(saved, content):
    assert f"({len(content)} bytes)" in refused(
        saved(content), "damaged", "damaged or none of PNG, JPEG"
    )


@pytest.mark.parametrize("format_", ["EPS", "ICO", "PDF", "TGA", "SGI", "PCX", "DDS", "JPEG2000"])
def test_other_formats_are_not_opened(saved, format_):
    path = saved(Image.new("RGB", (16, 16)), format=format_)
    refused(path, "damaged", "damaged or none of PNG, JPEG")


@pytest.mark.parametrize("source", [b"bytes", 3, None, [[0, 1]]])
def test_what_is_no_kind_of_image_is_refused(source):
    refused(source, "type", "cannot be a .*give a path, a PIL image or a uint8 array")


@pytest.mark.parametrize("side", [10_001, 12_000, 20_000, 60_000])
def test_a_file_that_claims_too_many_pixels_is_refused_without_decoding(saved, side):
    path = saved(png_claiming(side, side))
    tracemalloc.start()
    try:
        message = refused(
            path, "too-large", "at most 100,000,000 (pixels )?are read: scale it down first"
        )
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()
    assert "bomb" not in message


def test_a_limit_that_the_application_set_on_pillow_holds(saved, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    path = saved(Image.new("RGB", (8, 8)), format="PNG")
    refused(path, "too-large", "at most 20 pixels are read")


def test_an_image_that_pillow_would_warn_about_is_read_quietly(saved, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 40)
    assert open_image(saved(Image.new("RGB", (8, 8)), format="PNG")).size == (8, 8)


def test_a_file_of_too_many_bytes_is_refused_unread(tmp_path):
    with (tmp_path / "large.png").open("wb") as file:
        file.truncate(decoding.MAX_FILE_BYTES + 1)
    refused(tmp_path / "large.png", "too-large", "536,870,913 bytes; at most")


def test_a_pil_image_of_too_many_pixels_is_refused(monkeypatch):
    monkeypatch.setattr(decoding, "MAX_PIXELS", 100)
    refused(Image.new("L", (101, 1)), "too-large", "the PIL image has 101 x 1 pixels; at most 100")


def test_an_array_of_too_many_pixels_is_refused(monkeypatch):
    monkeypatch.setattr(decoding, "MAX_PIXELS", 100)
    refused(
        np.zeros((101, 1), np.uint8),
        "too-large",
        "an array of 1 x 101 pixels is too large; at most 100",
    )


def test_a_pil_image_without_pixels_is_refused():
    refused(Image.new("RGB", (0, 5)), "type", "has no pixels")


def test_floating_point_samples_are_refused(saved):
    image = Image.fromarray(np.zeros((4, 4), np.float32))
    refused(saved(image, format="TIFF"), "unsupported-samples", "floating-point samples")


def test_32_bit_samples_are_refused_since_their_scale_is_unknown(saved):
    image = Image.fromarray(np.full((4, 4), 200, np.int32))
    refused(saved(image, format="TIFF"), "unsupported-samples", "32-bit samples")
    refused(image, "unsupported-samples", "32-bit samples")


def tiff_of_planes(bits):
    """A TIFF of 2 x 2 pixels in colour, not packed, one plane for each channel."""
    size, sample = 4 * bits // 8, "H" if bits == 16 else "B"
    offsets = [200 + plane * size for plane in range(3)]
    tags = [
        (256, 3, 1, struct.pack("<H", 2)),
        (257, 3, 1, struct.pack("<H", 2)),
        (258, 3, 3, struct.pack("<I", 300)),
        (259, 3, 1, struct.pack("<H", 1)),
        (262, 3, 1, struct.pack("<H", 2)),
        (273, 4, 3, struct.pack("<I", 320)),
        (277, 3, 1, struct.pack("<H", 3)),
        (278, 3, 1, struct.pack("<H", 2)),
        (279, 4, 3, struct.pack("<I", 340)),
        (284, 3, 1, struct.pack("<H", 2)),
    ]
    data = b"II*\0" + struct.pack("<IH", 8, len(tags))
    data += b"".join(struct.pack("<HHI4s", *tag) for tag in tags) + bytes(4)
    planes = struct.pack(f"<12{sample}", *(value << (bits - 8) for value in range(12)))
    data = data.ljust(200, b"\0") + planes
    data = data.ljust(300, b"\0") + struct.pack("<3H", *[bits] * 3)
    data = data.ljust(320, b"\0") + struct.pack("<3I", *offsets)
    return data.ljust(340, b"\0") + struct.pack("<3I", *[size] * 3)


def test_16_bit_planes_that_pillow_misreads_are_refused(tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(tiff_of_planes(8))
    expected = np.arange(12).reshape(3, 2, 2).transpose(1, 2, 0)
    assert (np.asarray(open_image(path)) == expected).all()
    path.write_bytes(tiff_of_planes(16))
    refused(
        path,
        "unsupported-samples",
        "has 16-bit samples in one plane for each channel; save it with",
    )


def test_a_colour_mode_that_cannot_be_converted_is_refused(saved):
    refused(Image.new("La", (4, 4)), "unsupported-samples", "the PIL image has the colour mode La")
    for mode in ("L", "RGB"):
        refused(
            saved(Image.new("LAB", (4, 4)), format="TIFF"),
            "unsupported-samples",
            "the colour mode LAB",
            mode=mode,
        )


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 4, 3), np.float32),
        np.zeros((4, 4, 3), np.float64),
        np.zeros((4, 4), bool),
        np.zeros((4, 4), np.int64),
        np.zeros((4, 4), np.uint16),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((4, 4, 5), np.uint8),
        np.zeros((3, 4, 5), np.uint8),
        np.zeros((1, 4, 4, 3), np.uint8),
        np.zeros(4, np.uint8),
        np.zeros((), np.uint8),
        np.zeros((0, 4), np.uint8),
        np.zeros((4, 0, 3), np.uint8),
        np.zeros((4, 4, 0), np.uint8),
    ],
    ids=lambda array: f"{array.dtype}{list(array.shape)}",
)
def test_other_arrays_are_refused(array):
    refused(array, "type", r"is not an image; expected uint8 \[H, W\] or \[H, W, C\]")


def test_no_warning_of_pillow_leaks(saved):
    # A count of EXIF entries beyond the data makes Pillow warn.
    exif = b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x09\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00"
    path = saved(Image.new("RGB", (8, 4)), format="JPEG", exif=exif)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        open_image(path)
    assert caught == []


def test_threads_leave_the_warning_filters_as_they_were(saved):
    path = saved(Image.fromarray(colours(32, 32)), format="PNG")
    before = list(warnings.filters)
    threads = [
        threading.Thread(target=lambda: [open_image(path) for _ in range(20)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert warnings.filters == before


# Geometry


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "lanczos"])
@pytest.mark.parametrize("size", [(37, 53), (5, 3), (16, 12)])
def test_squash_is_one_resize(interpolation, size):
    fields = spec(height=16, width=12, resize="squash", interpolation=interpolation)
    image = Image.fromarray(colours(*size))
    expected = np.asarray(image.resize((12, 16), Image.Resampling[interpolation.upper()]))
    np.testing.assert_array_equal(resize(image, fields), expected)


def test_an_image_of_the_right_size_is_not_touched():
    for kind in ("squash", "timm", "border"):
        pixels = colours(4, 4)
        np.testing.assert_array_equal(resize(Image.fromarray(pixels), spec(resize=kind)), pixels)


def test_crop_takes_the_centre():
    pixels = np.zeros((4, 8, 3), np.uint8)
    pixels[:, 2:6] = 255
    assert (resize(Image.fromarray(pixels), spec(resize="timm")) == 255).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 10_000), (1000, 1), (9_999, 30)])
@pytest.mark.parametrize("kind", ["squash", "timm", "border"])
def test_extreme_shapes_keep_a_flat_colour(size, kind):
    fields = spec(height=224, width=224, resize=kind, crop_fraction=0.875)
    array = np.full((*size, 3), (10, 120, 240), dtype=np.uint8)
    tracemalloc.start()
    try:
        pixels = resize(open_image(array), fields)
        assert tracemalloc.get_traced_memory()[1] < 64 * 2**20
    finally:
        tracemalloc.stop()
    fill = [round(255 * mean) for mean in fields.mean]
    known = (pixels == (10, 120, 240)).all(-1) | ((pixels == fill).all(-1) & (kind == "border"))
    assert known.all()
    assert (pixels == (10, 120, 240)).all(-1).any()


@settings(max_examples=60)
@given(
    st.tuples(st.integers(1, 300), st.integers(1, 300)),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.floats(0.01, 1.0),
)
def test_every_size_can_be_cropped_to_every_other(size, target, fraction):
    fields = spec(height=target[0], width=target[1], crop_fraction=fraction)
    pixels = resize(Image.new("L", size, 77), spec_l(fields))
    assert pixels.shape == (*target, 1)
    assert (pixels == 77).all()


def spec_l(fields):
    return msgspec.structs.replace(fields, channel_order="L", mean=(0.5,), std=(0.5,))


# Values


def test_values_are_normalized_per_channel():
    fields = spec()
    pixels = colours(4, 4)
    mean, std = np.array(fields.mean), np.array(fields.std)
    expected = ((pixels / 255.0 - mean) / std).transpose(2, 0, 1)
    values = normalize(pixels, fields)
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, expected, atol=NORMALIZE_TOLERANCE)


def test_bgr_reverses_the_channels_and_takes_its_statistics_in_that_order():
    fields = spec(channel_order="BGR", mean=(0.1, 0.2, 0.3), std=(0.5, 0.6, 0.7))
    pixels = colours(4, 4)
    for channel in range(3):
        expected = (pixels[:, :, 2 - channel] / 255 - fields.mean[channel]) / fields.std[channel]
        values = preprocess(pixels, fields)[channel]
        np.testing.assert_allclose(values, expected, atol=NORMALIZE_TOLERANCE)


def test_grey_input_has_one_channel():
    fields = spec(channel_order="L", mean=(0.5,), std=(0.25,))
    pixels = colours(4, 4, channels=1)
    values = preprocess(pixels, fields)
    assert values.shape == fields.shape == (1, 4, 4)
    np.testing.assert_allclose(values[0], (pixels / 255 - 0.5) / 0.25, atol=NORMALIZE_TOLERANCE)


def test_the_output_is_written_into_a_given_array():
    out = np.full((2, 3, 4, 4), np.nan, np.float32)
    result = preprocess(colours(4, 4), spec(), out=out[1])
    assert np.shares_memory(result, out)
    np.testing.assert_array_equal(out[1], preprocess(colours(4, 4), spec()))
    assert np.isnan(out[0]).all()


@pytest.mark.parametrize(
    "out",
    [
        np.zeros((1, 3, 4, 4), np.float32),
        np.zeros((3, 4, 5), np.float32),
        np.zeros((3, 4, 4), np.float64),
        np.zeros((3, 4, 4), np.uint8),
    ],
    ids=lambda array: f"{array.dtype}{list(array.shape)}",
)
def test_an_output_of_another_shape_or_type_is_refused(out):
    with pytest.raises(InputError, check=lambda error: error.code == "input.shape"):
        preprocess(colours(4, 4), spec(), out=out)


def test_pixels_of_another_shape_are_refused():
    with pytest.raises(
        InputError,
        check=lambda error: (error.code, error.fields["expected"]) == ("input.shape", [4, 4, 3]),
    ):
        normalize(np.zeros((4, 4, 1), np.uint8), spec())


# The specification

LETTERBOX = {
    "resize": "letterbox",
    "pad_level": 114,
    "pad_place": "around",
    "pad_rounding": "nearest",
}


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"mean": (0.5,)}, "mean"),
        ({"std": (0.5, 0.5, 0.5, 0.5)}, "std"),
        ({"mean": (0.5, 0.5, float("nan"))}, "mean"),
        ({"std": (0.5, 0.5, float("inf"))}, "std"),
        ({"std": (0.5, 0.0, 0.5)}, "std"),
        ({"std": (0.5, -1.0, 0.5)}, "std"),
        ({"channel_order": "L"}, "mean"),
    ],
)
def test_statistics_that_do_not_fit_are_refused(fields, name):
    with raises(InputError, "preprocessing.invalid", name=name):
        spec(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"height": 0},
        {"width": 8193},
        {"width": 4.5},
        {"channel_order": "GBR"},
        {"resize": "stretch"},
        {"crop_fraction": 0},
        {"crop_fraction": 1.1},
        {"interpolation": "area"},
        {"mean": [0.5, 0.5, 1e300]},
        {"std": [0.5, 0.5, 1e-300]},
        {"std": [0.5, 0.5]},
        {"resize_size": 300},
        {"resize": "torchvision"},
        {"resize": "torchvision", "resize_size": 3},
        {"resize": "torchvision", "resize_size": 8, "crop_fraction": 0.5},
        {"pad_level": 114},
        {"pad_place": "around"},
        {"resize": "letterbox"},
        {"resize": "letterbox", "pad_level": 114, "pad_place": "around"},
        {**LETTERBOX, "crop_fraction": 0.5},
        {**LETTERBOX, "resize_size": 8},
        {**LETTERBOX, "pad_level": 256},
        {**LETTERBOX, "pad_place": "left"},
        {**LETTERBOX, "pad_rounding": "up"},
        {"unknown": 1},
    ],
)
def test_a_written_specification_out_of_range_is_refused(fields):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"height": 4, "width": 4, **fields}, Preprocessing)


def test_reading_a_header_hides_no_warning_of_another_thread(tmp_path, monkeypatch):
    path = tmp_path / "image.png"
    Image.new("RGB", (4, 4)).save(path)
    real = Image.open

    def opened(*arguments, **options):
        warnings.warn("of Pillow", stacklevel=1)
        other = threading.Thread(target=lambda: warnings.warn("of another", stacklevel=1))
        other.start()
        other.join()
        return real(*arguments, **options)

    monkeypatch.setattr(Image, "open", opened)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        open_image(path)
    assert [str(warning.message) for warning in caught] == ["of another"]
