"""Images that would take gigabytes: refused before they are decoded, whatever Pillow allows."""

import io
import struct
import subprocess
import sys
import textwrap
import zlib

import numpy as np
import pytest
from expected_errors import raises
from PIL import Image, ImageFile, PngImagePlugin

from mvmoe_deploy.errors import ImageError
from mvmoe_deploy.preprocessing import Preprocessing, image_limits, open_image, preprocess

SPEC = Preprocessing(height=8, width=8)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, *, depth=8, colour=0, extra=b"", rows=b""):
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = chunk(b"IHDR", header), extra, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.fixture
def written(tmp_path):
    def write(data, name="a.png"):
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    return write


@pytest.fixture
def unlimited(monkeypatch):
    """Pillow without any limit of its own, as an application may have left it."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    monkeypatch.setattr(PngImagePlugin, "MAX_TEXT_CHUNK", 2**40)
    monkeypatch.setattr(PngImagePlugin, "MAX_TEXT_MEMORY", 2**40)


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        (png(10_000, 10_000, depth=16), {"found": 700_000_000, "expected": 536_870_912}),
        (png(9_000, 9_000, colour=2), {"found": 648_000_000}),
        (png(9_500, 9_500, colour=6), {"found": 722_000_000}),
        (png(60_000, 60_000), {"found": 60_000 * 60_000, "expected": 100_000_000}),
        (b"P5 10000 9999 65535 ", {"expected": 536_870_912}),
        (b"P6 100000 100000 255 ", {"expected": 100_000_000}),
    ],
)
def test_pixels_and_decoded_bytes_are_bounded_before_decoding(written, unlimited, data, fields):
    with raises(ImageError, "image.too-large", **fields):
        preprocess(written(data), SPEC)


def test_a_large_16_bit_image_takes_little_more_than_its_pixels(written):
    """36 million pixels: at eight bytes a sample, NumPy alone would take three times the limit."""
    rows = zlib.compress(b"".join(bytes(1) + bytes([7, 9]) * 6000 for _ in range(6000)))
    data = png(6000, 6000, depth=16).replace(
        chunk(b"IDAT", zlib.compress(b"")), chunk(b"IDAT", rows)
    )
    code = f"""
        import resource
        import numpy as np
        from mvmoe_deploy.preprocessing import Preprocessing, preprocess
        spec = Preprocessing(height=8, width=8, channel_order="L", mean=(0.0,), std=(1.0,))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        pixels = preprocess({str(written(data))!r}, spec)
        assert np.allclose(pixels, 7 / 255), pixels
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, check=True, timeout=120
    )
    unit = 1 if sys.platform == "darwin" else 1024
    # 36 million pixels of 2 bytes and of 1, and what lies between them.
    assert int(ended.stdout) * unit < 250e6


TEXT = zlib.compress(bytes(20_000_000), 9)


@pytest.mark.parametrize(
    "extra",
    [
        chunk(b"zTXt", b"Comment\0\0" + TEXT),
        chunk(b"iTXt", b"Comment\0\1\0en\0\0" + TEXT),
        chunk(b"iCCP", b"profile\0\0" + TEXT),
        chunk(b"zTXt", b"c\0\0" + zlib.compress(bytes(2**20))) * 65,
    ],
    ids=["zTXt", "iTXt", "iCCP", "many"],
)
def test_packed_texts_are_bounded_before_pillow_sees_them(written, unlimited, extra):
    with pytest.raises(ImageError, check=lambda error: error.code == "image.too-large"):
        preprocess(written(png(1, 1, extra=extra, rows=b"\0\0")), SPEC)


@pytest.mark.parametrize(
    "extra",
    [
        chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"small")),
        chunk(b"iTXt", b"Comment\0\0\0en\0\0" + "plain \u00e9".encode()),
        chunk(b"zTXt", b"Comment\0\0damaged"),
        b"",
    ],
)
def test_small_texts_are_read_over(written, extra):
    open_image(written(png(1, 1, extra=extra, rows=b"\0\x55")))


def test_images_that_are_cut_off_are_refused_however_pillow_is_set(written, monkeypatch):
    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)).save(
        out, "JPEG"
    )
    path = written(out.getvalue()[: len(out.getvalue()) // 2], "a.jpg")
    with pytest.raises(ImageError, check=lambda error: error.code == "image.damaged"):
        preprocess(path, SPEC)
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with raises(ImageError, "image.invalid", found="LOAD_TRUNCATED_IMAGES"):
        preprocess(path, SPEC)


def test_tiles_far_larger_than_the_image_are_refused(written):
    out = io.BytesIO()
    Image.new("L", (16, 16)).save(out, "TIFF", compression="tiff_deflate", tile=(16, 16))
    image = Image.open(io.BytesIO(out.getvalue()))
    image.tag_v2[322], image.tag_v2[323] = 60_000, 60_000
    with pytest.raises(ImageError, check=lambda error: error.code == "image.too-large"):
        image_limits.require_decodable(image, "RGB", "image a")


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "TIFF"])
def test_of_many_frames_the_first_is_read(written, kind):
    frames = [Image.new("RGB", (8, 8), (shade, shade, shade)) for shade in (10, 200, 90)]
    out = io.BytesIO()
    frames[0].save(out, kind, save_all=True, append_images=frames[1:])
    pixels = np.asarray(open_image(written(out.getvalue(), "a.img")))
    assert abs(pixels.astype(int) - 10).max() <= 3


def test_a_frame_larger_than_its_file_says_is_bounded(written, unlimited):
    out = io.BytesIO()
    Image.new("P", (8, 8)).save(out, "GIF")
    data = bytearray(out.getvalue())
    place = data.index(b",\0\0\0\0")
    data[place + 5 : place + 9] = struct.pack("<HH", 65_000, 65_000)
    with pytest.raises(ImageError, check=lambda error: error.code == "image.too-large"):
        preprocess(written(bytes(data), "a.gif"), SPEC)
