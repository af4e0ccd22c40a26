"""Colour profiles of files: in sRGB by the formulas of the profiles, and what is ignored."""

import io
import logging
import struct
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from expected_errors import raises
from PIL import Image, ImageCms, ImageOps

from mvmoe_deploy.preprocessing import colour, open_image

# Profiles made by hand

D50 = (0.9642, 1.0, 0.8249)
SRGB = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))
"""The colourants of sRGB, adapted to D50."""
DISPLAY_P3 = (
    (0.51512, 0.24120, -0.00105),
    (0.29198, 0.69225, 0.04189),
    (0.15710, 0.06657, 0.78407),
)


def _fixed(number):
    return struct.pack(">i", round(number * 65536))


def _xyz(values):
    return b"XYZ \0\0\0\0" + b"".join(map(_fixed, values))


def _srgb_curve():
    """`para` type 3: the transfer function of sRGB and Display P3."""
    numbers = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    return b"para\0\0\0\0" + struct.pack(">HH", 3, 0) + b"".join(map(_fixed, numbers))


def _gamma_curve(gamma):
    return b"para\0\0\0\0" + struct.pack(">HH", 0, 0) + _fixed(gamma)


def _text(words):
    encoded = words.encode("utf-16-be")
    return (
        b"mluc\0\0\0\0" + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(encoded), 28) + encoded
    )


def profile(space, tags):
    tags = {b"desc": _text("made by hand"), b"cprt": _text("none"), b"wtpt": _xyz(D50), **tags}
    offset = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        padded = data + bytes(-len(data) % 4)
        table += struct.pack(">4sII", name, offset + len(body), len(data))
        body += padded
    size = offset + len(body)
    header = struct.pack(">I4sI4s4s4s", size, b"lcms", 0x04300000, b"mntr", space, b"XYZ ")
    header += bytes(12) + b"acsp" + bytes(28) + b"".join(map(_fixed, D50))
    return header.ljust(128, b"\0") + table + body


def rgb_profile(colourants=DISPLAY_P3):
    """A display profile with the transfer function of sRGB."""
    curve = _srgb_curve()
    tags = dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), map(_xyz, colourants), strict=True))
    return profile(b"RGB ", {**tags, **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)})


def grey_profile(gamma=1.0):
    """A grey profile of a power curve."""
    return profile(b"GRAY", {b"kTRC": _gamma_curve(gamma)})


CURVE = np.linspace(0, 1, 6) ** 2.2
"""The levels of a table of six steps, which no power of two divides."""


def table_profile(space, mixture):
    """A profile with a table (`mft2`) instead of a matrix: XYZ as `mixture` says of each channel.

    `mixture` has a row XYZ for each channel, added up; each channel's share is `CURVE`.
    """
    channels, steps = len(mixture), len(CURVE)
    nodes = np.stack(np.meshgrid(*[CURVE] * channels, indexing="ij"), axis=-1) @ np.array(mixture)
    numbers = np.rint(nodes.reshape(-1) * 32768).clip(0, 65535).astype(">u2").tobytes()
    head = struct.pack(">4s4xBBBx", b"mft2", channels, 3, steps)
    matrix = b"".join(map(_fixed, np.eye(3).reshape(-1)))
    ends = struct.pack(">HH", 0, 65535)
    table = head + matrix + struct.pack(">HH", 2, 2) + ends * channels + numbers + ends * 3
    return profile(space, {b"A2B0": table}).replace(b"\x04\x30\0\0mntr", b"\x02\x40\0\0mntr", 1)


def by_table(pixels, mixture):
    """Pixels `[..., C]` of such a profile in sRGB."""
    shares = np.interp(pixels / 255, np.linspace(0, 1, len(CURVE)), CURVE)
    linear = shares @ np.array(mixture) @ np.linalg.inv(np.array(SRGB))
    return np.rint(255 * to_srgb(linear)).astype(int)


# Files

LEVELS = 2
"""What versions of LittleCMS differ by: docs/bundle.md says so."""


def to_linear(encoded):
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def to_srgb(linear):
    linear = linear.clip(0, 1)
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


def by_formula(pixels, colourants=DISPLAY_P3):
    """Pixels `[..., 3]` of a profile's colourants in sRGB: through XYZ, cut to the gamut."""
    xyz = to_linear(pixels / 255) @ np.array(colourants)
    return np.rint(255 * to_srgb(xyz @ np.linalg.inv(np.array(SRGB)))).astype(int)


def colours(mode="RGB", seed=0):
    shape = (24, 32, 3) if mode == "RGB" else (24, 32)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture
def saved(tmp_path):
    def save(image, format_="PNG", **options):
        path = tmp_path / f"image.{format_.lower()}"
        image.save(path, format=format_, **options)
        return path

    return save


def read(source, mode="RGB"):
    return np.asarray(open_image(source, mode)).astype(int)


@pytest.mark.parametrize("format_", ["PNG", "TIFF", "WEBP"])
def test_a_photo_in_display_p3_is_read_in_srgb(saved, format_):
    pixels = colours()
    options = {"lossless": True} if format_ == "WEBP" else {}
    path = saved(Image.fromarray(pixels), format_, icc_profile=rgb_profile(), **options)
    found = read(path)
    assert np.abs(found - by_formula(pixels)).max() <= LEVELS
    assert np.abs(found - pixels).max() > 20


def test_the_red_of_a_phone_is_the_red_that_other_readers_see(saved):
    image = Image.new("RGB", (8, 8), (220, 40, 30))
    red, green, blue = open_image(saved(image, icc_profile=rgb_profile())).getpixel((0, 0))
    assert (abs(red - 240), green, blue) <= (LEVELS, LEVELS, LEVELS)


@pytest.mark.parametrize("mode", ["RGBA", "P"])
def test_alpha_and_palettes_are_converted_too(saved, mode):
    image = Image.fromarray(colours()).quantize(16).convert("RGB")
    expected = by_formula(np.asarray(image))
    image = image.quantize(16) if mode == "P" else image.convert("RGBA")
    found = read(saved(image, icc_profile=rgb_profile()))
    assert np.abs(found - expected).max() <= LEVELS


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_grey_profile_is_applied(saved, mode):
    pixels = colours("L")
    path = saved(Image.fromarray(pixels), icc_profile=grey_profile(1.0))
    expected = np.rint(255 * to_srgb(pixels / 255)).astype(int)
    found = read(path, mode)
    found = found if mode == "L" else found[:, :, 1]
    assert np.abs(found - expected).max() <= LEVELS
    assert np.abs(found - pixels).max() > 20


@pytest.mark.parametrize(
    ("mode", "space", "mixture"),
    [
        ("RGB", b"RGB ", DISPLAY_P3),
        ("CMYK", b"CMYK", [*(0.75 * np.array(DISPLAY_P3)), 0.25 * np.array(D50)]),
    ],
    ids=["RGB", "CMYK"],
)
def test_the_table_of_a_profile_is_interpolated_as_it_is(saved, mode, space, mixture):
    pixels = np.random.default_rng(2).integers(0, 256, (40, 50, len(mode)), dtype=np.uint8)
    image = Image.fromarray(pixels, mode=None if mode == "RGB" else mode)
    path = saved(image, "TIFF", icc_profile=table_profile(space, mixture))
    assert np.abs(read(path) - by_table(pixels, mixture)).max() <= LEVELS


def test_16_bit_grey_is_converted_after_its_high_byte_was_taken(saved):
    samples = (colours("L").astype(np.uint16) << 8) + 77
    path = saved(Image.fromarray(samples), icc_profile=grey_profile(1.0))
    expected = np.rint(255 * to_srgb((samples >> 8) / 255))
    assert np.abs(read(path, "L") - expected).max() <= LEVELS


@pytest.mark.parametrize("made", ["by hand", "by LittleCMS"])
def test_the_profile_of_srgb_changes_no_pixel(saved, made):
    known = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = rgb_profile(SRGB) if made == "by hand" else known
    np.testing.assert_array_equal(
        read(saved(Image.fromarray(colours()), icc_profile=profile)), colours()
    )


def damaged():
    whole = rgb_profile()
    return {
        "cut off": whole[:200],
        "noise": bytes(range(256)) * 4,
        "no tags": whole[:128] + bytes(4),
        "wrong curve": whole.replace(b"para", b"curv"),
    }


@pytest.mark.parametrize("kind", damaged())
def test_a_damaged_profile_is_ignored_with_one_line(saved, caplog, kind):
    path = saved(Image.fromarray(colours()), icc_profile=damaged()[kind])
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(read(path), colours())
    (record,) = caplog.records
    assert str(path) in record.getMessage()
    assert "is ignored, and the colours are taken as sRGB" in record.getMessage()
    assert "\n" not in record.getMessage()


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_profile_of_another_colour_space_is_ignored_with_one_line(saved, caplog, mode):
    profile = rgb_profile() if mode == "L" else grey_profile()
    image = Image.fromarray(colours(mode if mode == "L" else "RGB")).convert(mode)
    with caplog.at_level(logging.WARNING):
        found = read(saved(image, "TIFF", icc_profile=profile))
    np.testing.assert_array_equal(found, np.asarray(image.convert("RGB")))
    assert f"and the pixels are {mode}" in caplog.text


def test_a_profile_of_megabytes_is_not_read(saved, caplog, monkeypatch):
    monkeypatch.setattr(colour, "MAX_PROFILE_BYTES", 100)
    with caplog.at_level(logging.WARNING):
        found = read(saved(Image.fromarray(colours()), icc_profile=rgb_profile()))
    np.testing.assert_array_equal(found, colours())
    assert "bytes" in caplog.text


@pytest.mark.parametrize("place", range(128, 560, 16))
def test_altered_profiles_never_end_the_program(saved, place):
    profile = bytearray(rgb_profile())
    profile[place : place + 4] = b"\xff\xfe\x00\x81"
    assert open_image(saved(Image.fromarray(colours()), icc_profile=bytes(profile))).size == (
        32,
        24,
    )


# What a caller holds in memory


def test_pixels_that_somebody_worked_on_are_taken_as_they_are(saved):
    """Pillow keeps the tags of a file in `info` of whatever is derived from its image."""
    exif = Image.Exif()
    exif[0x0112] = 6
    path = saved(Image.fromarray(colours()), icc_profile=rgb_profile(), exif=exif)
    with Image.open(path) as opened:
        worked_on = {
            "copied": opened.copy(),
            "converted": opened.convert("RGBA"),
            "turned by hand": opened.transpose(Image.Transpose.ROTATE_270),
            "turned by Pillow": ImageOps.exif_transpose(opened),
        }
        assert worked_on["turned by hand"].getexif()[0x0112] == 6
        for name, image in worked_on.items():
            expected = np.asarray(image.convert("RGB"))
            np.testing.assert_array_equal(read(image), expected, err_msg=name)
        fresh = read(opened)
    np.testing.assert_array_equal(fresh, read(path))
    assert fresh.shape == (32, 24, 3)
    assert np.abs(fresh - by_formula(np.rot90(colours(), -1))).max() <= LEVELS


def test_an_image_turned_in_place_is_not_turned_again(saved):
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(saved(Image.fromarray(colours()), exif=exif)) as opened:
        ImageOps.exif_transpose(opened, in_place=True)
        np.testing.assert_array_equal(read(opened), np.rot90(colours(), -1))


def test_arrays_have_no_profile():
    np.testing.assert_array_equal(read(colours()), colours())


def test_a_profile_needs_littlecms(saved, monkeypatch):
    def missing(*_):
        raise ImportError("built without LittleCMS")

    path = saved(Image.fromarray(colours()), icc_profile=rgb_profile(DISPLAY_P3[::-1]))
    monkeypatch.setattr(ImageCms, "ImageCmsProfile", missing)
    with raises(colour.ImageError, "image.invalid", found="no LittleCMS"):
        open_image(path)


def test_the_profile_of_many_images_is_read_once(saved, monkeypatch):
    """Reading one takes longer than decoding a small image."""
    made = []
    build = ImageCms.buildTransform
    monkeypatch.setattr(
        ImageCms, "buildTransform", lambda *given: made.append(given) or build(*given)
    )
    swapped = (DISPLAY_P3[1], DISPLAY_P3[0], DISPLAY_P3[2])
    for seed in range(3):
        path = saved(Image.fromarray(colours(seed=seed)), icc_profile=rgb_profile(swapped))
        expected = by_formula(colours(seed=seed), swapped)
        assert np.abs(read(path) - expected).max() <= LEVELS
    assert len(made) == 1


def test_threads_share_a_profile(saved):
    paths = []
    for seed in range(8):
        path = saved(Image.fromarray(colours(seed=seed)), icc_profile=rgb_profile())
        paths.append(path.rename(path.with_name(f"{seed}.png")))
    alone = [read(path) for path in paths]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(read, paths * 5))
    assert all((one == other).all() for one, other in zip(together, alone * 5, strict=True))


# Samples of more than 8 bits


def tiff(width, bits, photometric, data):
    """A little-endian TIFF of one row of grey."""
    offset = 8 + 2 + 12 * 9 + 4
    tags = [
        (256, 3, width), (257, 3, 1), (258, 3, bits), (259, 3, 1), (262, 3, photometric),
        (273, 4, offset), (277, 3, 1), (278, 3, 1), (279, 4, len(data)),
    ]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return io.BytesIO(b"II*\0\x08\0\0\0\x09\0" + entries + bytes(4) + data)


def test_samples_of_12_bits_fill_the_range(tmp_path):
    values = [0, 2048, 4095, 16]
    data = int("".join(f"{value:012b}" for value in values), 2).to_bytes(6, "big")
    (tmp_path / "x.tiff").write_bytes(tiff(4, 12, 1, data).getvalue())
    assert read(tmp_path / "x.tiff", "L").tolist() == [[0, 128, 255, 1]]


def test_16_bits_whose_white_is_zero_are_turned_around(tmp_path):
    data = np.array([0, 256, 32768, 65535], "<u2").tobytes()
    (tmp_path / "x.tiff").write_bytes(tiff(4, 16, 0, data).getvalue())
    assert read(tmp_path / "x.tiff", "L").tolist() == [[255, 254, 127, 0]]


def test_an_orientation_in_xmp_is_applied_where_exif_has_none(saved):
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r><d tiff:Orientation="6"/></r></x:xmpmeta>'
    path = saved(Image.new("RGB", (8, 4)), "JPEG", xmp=xmp)
    assert open_image(path).size == (4, 8)
