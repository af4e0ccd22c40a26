"""Splits that never overlap, input as at run time, and folders that are not what they should be."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from expected_errors import raises
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mvmoe_deploy.errors import ImageError, InputError
from mvmoe_deploy.models import InputChoices, preset
from mvmoe_deploy.models.families.mobile_vmoe import MobileVMoEConfig
from mvmoe_deploy.preprocessing import preprocess
from mvmoe_deploy.training import digits_preprocessing, digits_split, load_data
from mvmoe_deploy.training.batches import Batches
from mvmoe_deploy.training.data import class_names
from mvmoe_deploy.training.inventory import listed_images
from mvmoe_deploy.training.splits import stratified_split

PHOTOS = MobileVMoEConfig(
    image_size=16, patch_size=8, num_classes=3, width=16, heads=2, depth=2, experts=2
)


def test_digits_are_the_real_ones_in_three_parts() -> None:
    from sklearn.datasets import load_digits

    parts = [digits_split(name) for name in ("train", "held-out", "test")]
    assert [len(labels) for _, labels in parts] == [1079, 359, 359]
    joined = np.concatenate([images for images, _ in parts])
    assert joined.dtype == np.uint8
    original = np.round(load_digits().images * 255 / 16).astype(np.uint8)
    assert sorted(map(bytes, joined)) == sorted(map(bytes, original))
    for _, labels in parts:
        shares = np.bincount(labels) / len(labels)
        assert np.abs(shares - 0.1).max() < 0.01


def test_digits_are_normalized_by_the_training_split() -> None:
    images, _ = digits_split("train")
    spec = digits_preprocessing(preset("digits"))
    inputs = np.stack([preprocess(image, spec) for image in images])
    assert inputs.shape[1:] == (1, 8, 8)
    assert abs(inputs.mean()) < 1e-3
    assert abs(inputs.std() - 1) < 1e-3


def test_an_unknown_split_is_refused() -> None:
    with raises(InputError, "input.option", name="split", given="validation"):
        digits_split("validation")


@given(st.lists(st.integers(0, 4), min_size=30, max_size=60), st.integers(5, 15))
def test_a_split_is_disjoint_complete_and_repeatable(labels: list[int], second: int) -> None:
    labels = np.array(labels + [0, 1, 2, 3, 4] * 2)
    first, rest = stratified_split(labels, second)
    assert len(rest) == second
    assert sorted([*first, *rest]) == list(range(len(labels)))
    again = stratified_split(labels, second)
    assert first.tolist() == again[0].tolist()
    assert rest.tolist() == again[1].tolist()


def test_a_folder_is_split_and_preprocessed_as_at_run_time(image_folder: Path) -> None:
    data = load_data(str(image_folder), PHOTOS)
    assert data.classes == ("blue", "green", "red")
    assert [len(split) for split in (data.train, data.held_out, data.test)] == [27, 3, 9]
    assert sorted(data.held_out.labels) == [0, 1, 2]
    assert not set(data.train.images) & set(data.held_out.images)
    images, labels = next(Batches(data, 8, seed=0).evaluation(data.test))
    for row, path in enumerate(data.test.images[:8]):
        assert path.parent.name == data.classes[labels[row]]
        assert np.array_equal(images[row].numpy(), preprocess(path, data.preprocessing))


@pytest.mark.parametrize("part", ["train", "val"])
def test_a_missing_part_is_named(image_folder: Path, part: str) -> None:
    shutil.rmtree(image_folder / part)
    with pytest.raises(InputError, check=lambda error: error.code == "data.invalid"):
        class_names(str(image_folder))


def test_a_directory_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, check=lambda error: error.code == "data.invalid"):
        class_names(str(tmp_path / "nowhere"))


def test_a_class_that_only_val_has_is_named(image_folder: Path) -> None:
    (image_folder / "val" / "yellow").mkdir()
    with pytest.raises(
        InputError,
        check=lambda error: (error.code, error.fields["name"]) == ("data.invalid", "yellow"),
    ):
        class_names(str(image_folder))


def test_one_class_is_too_few(image_folder: Path) -> None:
    for part in ("train", "val"):
        for name in ("blue", "green"):
            shutil.rmtree(image_folder / part / name)
    with pytest.raises(InputError, check=lambda error: error.code == "data.invalid"):
        class_names(str(image_folder))


def test_a_class_without_images_is_named(image_folder: Path) -> None:
    for path in (image_folder / "train" / "red").iterdir():
        path.rename(path.with_suffix(".txt"))
    with pytest.raises(InputError, check=lambda error: error.code == "data.invalid"):
        load_data(str(image_folder), PHOTOS)


def test_no_test_image_is_refused(image_folder: Path) -> None:
    for folder in (image_folder / "val").iterdir():
        shutil.rmtree(folder)
    with pytest.raises(InputError, check=lambda error: error.code == "data.invalid"):
        load_data(str(image_folder), PHOTOS)


def test_a_class_without_test_images_is_named(image_folder: Path) -> None:
    shutil.rmtree(image_folder / "val" / "green")
    for path in (image_folder / "val" / "red").iterdir():
        path.unlink()
    with raises(InputError, "data.invalid", path=str(image_folder / "val"), name="green") as caught:
        load_data(str(image_folder), PHOTOS)
    assert "no image of 2 of the 3 classes of train/ (green, red)" in str(caught.value)


@pytest.mark.parametrize("name", ["re\nd", "re\x1b[31md", os.fsdecode(b"r\xe9d")])
def test_a_class_name_that_no_bundle_can_hold_is_refused(image_folder: Path, name: str) -> None:
    for part in ("train", "val"):
        (image_folder / part / "red").rename(image_folder / part / name)
    with pytest.raises(InputError, check=lambda error: error.code == "data.invalid"):
        class_names(str(image_folder))


def test_hidden_files_and_other_files_are_left_out(image_folder: Path) -> None:
    before = listed_images(load_data(str(image_folder), PHOTOS))
    (image_folder / "train" / "red" / ".0.png").write_bytes(b"not one")
    (image_folder / "train" / "red" / "notes.txt").write_text("not one either")
    (image_folder / "train" / ".cache").mkdir()
    assert listed_images(load_data(str(image_folder), PHOTOS)) == before


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n cut off"])
def test_an_unreadable_image_is_named(image_folder: Path, content: bytes) -> None:
    (image_folder / "train" / "red" / "3.png").write_bytes(content)
    batches = Batches(load_data(str(image_folder), PHOTOS), 9, seed=0)
    with raises(ImageError, "image.damaged", image=str(image_folder / "train" / "red" / "3.png")):
        for epoch in range(1, 20):
            list(batches.training(epoch))
            list(batches.evaluation(batches.data.held_out))


@pytest.mark.parametrize("workers", [0, 1])
def test_an_image_that_vanishes_is_one_sentence_whoever_loads(
    image_folder: Path, workers: int
) -> None:
    data = load_data(str(image_folder), PHOTOS)
    (image_folder / "val" / "red" / "1.png").unlink()
    with raises(ImageError, "image.unreadable", image=str(image_folder / "val" / "red" / "1.png")):
        list(Batches(data, 4, seed=0, workers=workers).evaluation(data.test))


def test_grey_and_palette_photos_are_read_as_colour(image_folder: Path) -> None:
    path = image_folder / "val" / "red" / "0.png"
    for mode in ("L", "P", "RGBA"):
        Image.open(image_folder / "val" / "red" / "1.png").convert(mode).save(path)
        data = load_data(str(image_folder), PHOTOS)
        images, _ = next(Batches(data, 9, seed=0).evaluation(data.test))
        assert images.shape == (9, 3, 16, 16)


def test_what_is_said_of_the_input_is_learnt_from(image_folder):
    said = InputChoices(
        mean=(0.5,), std=(0.5,), crop=0.9, interpolation="bilinear", resize_rule="torchvision"
    )
    spec = load_data(str(image_folder), PHOTOS, said).preprocessing
    assert (spec.mean, spec.std) == ((0.5,) * 3, (0.5,) * 3)
    assert (spec.interpolation, spec.resize) == ("bilinear", "torchvision")
    assert spec.resize_size == int(PHOTOS.image_size / 0.9)
    batch, _ = next(Batches(load_data(str(image_folder), PHOTOS, said), 4, seed=0).training(0))
    assert float(batch.min()) >= -1.0  # (0 / 255 - 0.5) / 0.5: ImageNet's values reach -2.1
    digits = load_data("digits", preset("digits"), InputChoices(mean=(0.1,))).preprocessing
    assert (digits.mean, digits.std, digits.resize) == ((0.1,), (0.3755,), "squash")
