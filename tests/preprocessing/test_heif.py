"""HEIC photos: read by pillow-heif where it is there, and its extra is named where it is not."""

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from expected_errors import raises
from PIL import Image

from mvmoe_deploy.errors import ImageError, MissingExtraError
from mvmoe_deploy.preprocessing.decoding import IMAGE_SUFFIXES, open_image
from mvmoe_deploy.preprocessing.heif import is_heif
from mvmoe_deploy.preprocessing.screening import Task, screen
from mvmoe_deploy.samples import directory_images

pillow_heif = pytest.importorskip("pillow_heif")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """Red on the left, blue on the right, as a phone that lies on its side stores it."""
    pixels = np.zeros((32, 48, 3), np.uint8)
    pixels[:, :24, 0], pixels[:, 24:, 2] = 220, 220
    exif = Image.Exif()
    exif[0x112] = 6
    path = tmp_path / "photo.HEIC"
    stored = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(pixels)).save(stored, quality=95, exif=exif.tobytes())
    path.write_bytes(stored.getvalue())
    return path


def test_a_photo_is_read_upright_and_pillow_is_left_alone(photo) -> None:
    seen = np.asarray(open_image(photo), int)
    assert seen.shape == (48, 32, 3)
    top, bottom = seen[:20].mean((0, 1)), seen[28:].mean((0, 1))
    # The codec is lossy: some levels of 255 between the colours are its own.
    np.testing.assert_allclose(top, (220, 0, 0), atol=12)
    np.testing.assert_allclose(bottom, (0, 0, 220), atol=12)
    assert "HEIF" not in Image.OPEN
    assert screen(Task(photo)).error is None


def test_directories_have_such_photos(photo) -> None:
    assert directory_images(photo.parent) == ([photo], ())
    assert {".heic", ".heif"} < set(IMAGE_SUFFIXES)


@pytest.mark.parametrize("size", [40, 200, -20])
def test_a_photo_that_is_cut_off_is_damaged(photo, size: int) -> None:
    photo.write_bytes(photo.read_bytes()[:size])
    with raises(ImageError, "image.damaged", image=str(photo)):
        open_image(photo)
    assert "cut off" in screen(Task(photo)).error


def test_without_the_package_its_extra_is_named(photo, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with raises(MissingExtraError, "extra.missing", extra="heif") as caught:
        open_image(photo)
    assert "pip install 'mvmoe-deploy[heif]'" in str(caught.value)
    with raises(MissingExtraError, "extra.missing", extra="heif"):
        screen(Task(photo))


@pytest.mark.parametrize(
    ("head", "heif"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", True),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", True),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", False),
        (b"\0\0\0\x18ftypavif\0\0\0\0mif1avif", False),
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp41", False),
        (b"\x89PNG\r\n\x1a\n", False),
        (b"", False),
    ],
)
def test_what_is_heif_is_known_by_its_brands(head: bytes, heif: bool) -> None:
    assert is_heif(head) is heif
