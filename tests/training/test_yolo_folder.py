"""Folders in YOLO's format: what is read, and that nothing bad is read in silence."""

import numpy as np
import pytest
from drawn_boxes import write_yolo_folder
from expected_errors import raises
from hypothesis import given
from hypothesis import strategies as st

from mvmoe_deploy.errors import InputError, MvmoeError
from mvmoe_deploy.training.datasets.shapes import CLASSES
from mvmoe_deploy.training.yolo_folder import YoloFolder, read_boxes


def is_invalid(path):
    return lambda error: error.code == "data.invalid" and error.fields["path"] == str(path)


@pytest.fixture
def folder(tmp_path):
    """A folder of twelve training and four validation images."""
    root = tmp_path / "yolo"
    drawn = write_yolo_folder(root, train=12, val=4)
    return root, drawn


@pytest.fixture
def labels(tmp_path):
    """Writes a label file."""

    def write(content):
        path = tmp_path / "labels.txt"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_boxes_are_those_that_were_drawn(folder):
    root, drawn = folder
    found = YoloFolder(root)
    assert YoloFolder.fits(root) and found.classes == CLASSES
    rows = {}
    for part in ("train", "held-out", "test"):
        images, boxes = found.split(part)
        rows |= {int(image.stem): box for image, box in zip(images, boxes, strict=True)}
    assert sorted(rows) == list(range(16))
    for number, box in rows.items():
        wanted = drawn.boxes[number]
        # Six decimals of middle and size.
        np.testing.assert_allclose(box, wanted[: len(box)], atol=2e-6)
        assert (wanted[len(box) :, 0] == -1).all()


def test_val_is_the_test_and_a_tenth_is_held_out(folder):
    root, _ = folder
    parts = {part: YoloFolder(root).split(part)[0] for part in ("train", "held-out", "test")}
    assert [len(images) for images in parts.values()] == [11, 1, 4]
    assert {image.parent.name for image in parts["test"]} == {"val"}


def test_without_val_a_tenth_is_the_test(tmp_path):
    write_yolo_folder(tmp_path, **{".": 20})
    counts = [len(YoloFolder(tmp_path).split(part)[0]) for part in ("train", "held-out", "test")]
    assert counts == [16, 2, 2]


def test_an_image_without_labels_shows_nothing(folder):
    root, _ = folder
    for path in sorted((root / "labels" / "train").iterdir())[:3]:
        path.unlink()
    train, held_out = (YoloFolder(root).split(part) for part in ("train", "held-out"))
    boxes = np.concatenate([train[1], held_out[1]])
    assert sum(not (rows[:, 0] >= 0).any() for rows in boxes) == 3


def test_a_box_is_cut_to_the_image(labels):
    found = read_boxes(labels("1 0.1 0.5 0.4 0.2\n\n"), 2)
    np.testing.assert_allclose(found, [[1, 0, 0.4, 0.3, 0.6]], rtol=1e-6)


@pytest.mark.parametrize(
    "line",
    [
        "0 0.5 0.5 0.1",
        "0 0.5 0.5 0.1 0.1 0.9",
        "circle 0.5 0.5 0.1 0.1",
        "0 0.5 0.5 0.1 nan",
        "0 0.5 0.5 0.1 inf",
        "0 0.5 1.5 0.1 0.1",
        "0 -0.5 0.5 0.1 0.1",
        "0 0.5 0.5 0 0.1",
        "2 0.5 0.5 0.1 0.1",
        "-1 0.5 0.5 0.1 0.1",
        "0.5 0.5 0.5 0.1 0.1",
        "1e300 0.5 0.5 0.1 0.1",
    ],
)
def test_a_bad_line_is_named(labels, line):
    path = labels(f"0 0.5 0.5 0.1 0.1\n\n{line}\n")
    with raises(InputError, "data.invalid", path=str(path), name="line 3"):
        read_boxes(path, 2)


@pytest.mark.parametrize("content", [b"\xff\xfe0", b"0 0.5 0.5 0.1 0.1\n" * 1001, b" " * 1_000_001])
def test_what_is_no_label_file_is_refused(labels, content):
    path = labels(content)
    with pytest.raises(InputError, check=is_invalid(path)):
        read_boxes(path, 1)


@given(content=st.binary(max_size=200))
def test_any_bytes_are_boxes_or_an_error(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "labels.txt"
    path.write_bytes(content)
    try:
        found = read_boxes(path, 3)
    except MvmoeError as error:
        assert error.code == "data.invalid"
    else:
        assert found.shape[1] == 5 and np.isfinite(found).all()
        assert ((found[:, 1:] >= 0) & (found[:, 1:] <= 1)).all()


@pytest.mark.parametrize(
    ("name", "content", "classes"),
    [
        ("data.yaml", "names: {0: cat, 1: 'a dog'}", ("cat", "a dog")),
        ("data.yaml", "nc: 2\nnames:\n- cat\n- 7\n", ("cat", "7")),
        ("classes.txt", "cat\na dog \n\n", ("cat", "a dog")),
        ("labels/classes.txt", "cat\r\ndog\r\n", ("cat", "dog")),
    ],
)
def test_names_of_classes(folder, name, content, classes):
    root, _ = folder
    (root / "data.yaml").unlink()
    (root / name).write_text(content)
    assert YoloFolder(root).classes == classes


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("data.yaml", "names: {0: cat, 2: dog}"),
        ("data.yaml", "names: [cat, [dog]]"),
        ("data.yaml", "names: [cat, cat]"),
        ("data.yaml", "names: []"),
        ("data.yaml", "nc: 2"),
        ("data.yaml", "- names"),
        ("data.yaml", "names: [cat"),
        ("data.yaml", "names: !!python/object/apply:os.getcwd []"),
        ("data.yaml", "a: &a [x, x]\nb: &b [*a, *a]\nnames: [*b, *b]"),
        ("classes.txt", "cat\n\ndog\n"),
        ("classes.txt", "cat\nd\x1bog\n"),
        ("classes.txt", ""),
    ],
)
def test_names_that_are_none_are_refused(folder, name, content):
    root, _ = folder
    (root / "data.yaml").unlink()
    (root / name).write_text(content)
    with pytest.raises(InputError, check=is_invalid(root / name)):
        _ = YoloFolder(root).classes


def test_folders_that_cannot_be_learnt_from_are_refused(folder):
    root, _ = folder
    (root / "data.yaml").unlink()
    with pytest.raises(InputError, check=is_invalid(root)):
        _ = YoloFolder(root).classes
    (root / "classes.txt").write_text("\n".join(CLASSES))
    for path in (root / "labels" / "val").iterdir():
        path.unlink()
    with pytest.raises(InputError, check=is_invalid(root)):
        YoloFolder(root).split("test")
    for path in (root / "images").rglob("*.png"):
        path.unlink()
    with pytest.raises(InputError, check=is_invalid(root / "images")):
        YoloFolder(root).split("train")
