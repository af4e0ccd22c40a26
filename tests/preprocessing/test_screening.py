"""Files that cannot be read are found without decoding all that can."""

from pathlib import Path

import numpy as np
import pytest
from expected_errors import raises
from PIL import Image

from mvmoe_deploy.errors import ImageError
from mvmoe_deploy.preprocessing import Preprocessing, open_image, preprocess, screening
from mvmoe_deploy.preprocessing.screening import Task, require_readable, screen, screen_all

FORMATS = ("png", "jpg", "webp", "bmp", "gif", "tif", "ppm")


@pytest.fixture
def picture() -> Image.Image:
    rng = np.random.default_rng(0)
    return Image.fromarray(rng.integers(0, 255, size=(40, 50, 3), dtype=np.uint8))


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_file_that_was_cut_off_anywhere_is_found(picture, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"cut.{suffix}"
    picture.save(path)
    whole = path.read_bytes()
    assert screen(Task(path)).error is None
    for kept in np.linspace(0, len(whole) - 1, 25).astype(int):
        path.write_bytes(whole[:kept])
        wrong = screen(Task(path)).error
        try:
            open_image(path)
        except ImageError as error:
            assert wrong == str(error)
        else:
            assert wrong is None


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_a_whole_file_is_not_decoded(monkeypatch, picture, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"whole.{suffix}"
    picture.save(path)

    def refuse(*_: object) -> None:
        raise ImageError("decoded")

    monkeypatch.setattr(screening, "decode_image", refuse)
    assert screen(Task(path)).error is None
    assert screen(Task(path, decode=True)).error.endswith("decoded")


def test_what_a_server_appends_to_a_jpeg_does_not_matter(picture, tmp_path: Path) -> None:
    path = tmp_path / "padded.jpg"
    picture.save(path)
    path.write_bytes(path.read_bytes() + b"more than 64 bytes of something else " * 3)
    assert screen(Task(path)).error is None


@pytest.mark.parametrize("mode", ["F", "I"])
def test_a_mode_that_is_not_read_is_known_from_the_header(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "strange.tif"
    Image.new(mode, (4, 4)).save(path)
    assert "samples; save it with 8 or 16 bits" in screen(Task(path)).error


def test_a_size_that_cannot_be_resized_is_known_from_the_header(tmp_path: Path) -> None:
    path = tmp_path / "long.png"
    Image.new("L", (1_000_000, 3)).save(path)
    assert screen(Task(path)).error is None
    spec = Preprocessing(height=224, width=224)
    with pytest.raises(ImageError) as refused:
        preprocess(path, spec)
    assert screen(Task(path, spec=spec)).error == f"image {path}: {refused.value}"


def test_a_file_with_the_known_hash_is_not_looked_into(tmp_path: Path) -> None:
    path = tmp_path / "no.png"
    path.write_bytes(b"no image")
    found = screen(Task(path))
    assert found.error is not None
    assert screen(Task(path, known=found.sha256)) == found._replace(error=None)


def test_all_files_come_back_in_order_on_any_number_of_threads(picture, tmp_path: Path) -> None:
    tasks = []
    for number in range(150):
        path = tmp_path / f"{number}.bmp"
        picture.crop((0, 0, 1 + number % 7, 3)).save(path)
        tasks.append(Task(path))
    steps: list[int] = []
    found = screen_all(tasks, 3, steps.append)
    assert found == [screen(task) for task in tasks]
    assert sum(steps) == 150
    assert screen_all([], 3, steps.append) == []


def test_all_unreadable_files_are_one_sentence() -> None:
    require_readable([], of=9)
    with raises(ImageError, "image.invalid", image="a", found=1) as caught:
        require_readable([("a", "a is cut off")], of=9)
    assert str(caught.value) == "a is cut off"
    errors = [(name, f"{name} is cut off") for name in "abcde"]
    with raises(ImageError, "image.invalid", image="a", found=5) as caught:
        require_readable(errors, of=1200)
    assert str(caught.value) == (
        "5 of 1,200 images cannot be read (a, b, c and 2 more); repair or remove them; of the "
        "first: a is cut off"
    )
