"""Directories of four IDX files: splits, numbers as classes, and files that do not go together."""

from pathlib import Path

import numpy as np
import pytest
from expected_errors import raises
from idx_files import idx, write, write_idx_folder

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.families.mobile_vmoe import MobileVMoEConfig
from mvmoe_deploy.preprocessing import preprocess
from mvmoe_deploy.training import default_options, load_data, train
from mvmoe_deploy.training.datasets import find_data_set
from mvmoe_deploy.training.datasets.idx_folder import IdxFolder

CONFIG = MobileVMoEConfig(
    image_size=6, patch_size=3, in_channels=1, num_classes=3, width=8, depth=2, heads=2,
    experts=2, moe_layers=1,
)  # fmt: skip


@pytest.mark.parametrize("packed", [True, False])
def test_a_directory_is_found_by_its_files(tmp_path: Path, packed: bool) -> None:
    found = find_data_set(str(write_idx_folder(tmp_path / "mnist", packed=packed)))
    assert isinstance(found, IdxFolder)
    assert found.classes == ("0", "1", "2")


def test_the_splits_are_disjoint_complete_and_have_every_class(tmp_path: Path) -> None:
    found = find_data_set(str(write_idx_folder(tmp_path, train=47)))
    parts = {name: found.split(name) for name in ("train", "held-out", "test")}
    assert {name: len(labels) for name, (_, labels) in parts.items()} == {
        "train": 42,
        "held-out": 5,
        "test": 12,
    }
    for images, labels in parts.values():
        assert (images.dtype, labels.dtype) == (np.uint8, np.int64)
        assert set(labels) == {0, 1, 2}
        # The bright row is the label: images and labels have not come apart.
        assert images.mean(axis=2)[:, :3].argmax(axis=1).tolist() == labels.tolist()
    drawn = {image.tobytes() for name in ("train", "held-out") for image in parts[name][0]}
    assert len(drawn) == 47
    again = find_data_set(str(tmp_path)).split("train")
    assert np.array_equal(again[0], parts["train"][0])


def test_the_input_has_mean_zero_and_deviation_one(tmp_path: Path) -> None:
    data = load_data(str(write_idx_folder(tmp_path)), CONFIG)
    inputs = np.stack(
        [
            preprocess(image, data.preprocessing)
            for image in (*data.train.images, *data.held_out.images)
        ]
    )
    # Mean and deviation are rounded to four places, of pixels whose deviation is about 0.2.
    assert abs(inputs.mean()) < 1e-3
    assert abs(inputs.std() - 1) < 1e-3


def test_colour_models_take_grey_images(tmp_path: Path) -> None:
    data = load_data(str(write_idx_folder(tmp_path)), CONFIG.replace(in_channels=3))
    assert len(data.preprocessing.mean) == 3
    assert preprocess(data.test.images[0], data.preprocessing).shape == (3, 6, 6)


def test_a_run_is_trained_on_them_and_not_resumed_on_others(tmp_path: Path) -> None:
    folder = write_idx_folder(tmp_path / "mnist")
    options = default_options(
        CONFIG, str(folder), dense_epochs=1, moe_epochs=1, batch_size=16, routings=("end-to-end",)
    )
    assert options.lr == IdxFolder.recipe["lr"]
    report = train(options, tmp_path / "run")
    assert report.images == {"train": 36, "held_out": 4, "test": 12}
    assert report.classes == ["0", "1", "2"]
    write_idx_folder(folder, test=15)
    with pytest.raises(InputError, check=lambda error: error.code == "resume.mismatch"):
        train(options, tmp_path / "run", resume=True)


@pytest.mark.parametrize(
    ("name", "array", "refused"),
    [
        ("t10k-labels-idx1", np.arange(11) % 3, "images"),
        ("t10k-labels-idx1", np.arange(12) % 4, "labels"),
        ("t10k-labels-idx1", np.zeros(12), "class 1"),
        ("train-labels-idx1", np.zeros(40), "classes"),
        ("train-labels-idx1", np.arange(40) % 39, "class 1"),
    ],
)
def test_files_that_contradict_each_other_are_refused(
    tmp_path: Path, name: str, array: np.ndarray, refused: str
) -> None:
    folder = write_idx_folder(tmp_path)
    write(folder, f"{name}-ubyte", idx(array))
    with raises(InputError, "data.invalid", path=str(folder), name=refused):
        load_data(str(folder), CONFIG)


def test_pictures_of_one_grey_level_are_refused(tmp_path: Path) -> None:
    folder = write_idx_folder(tmp_path)
    write(folder, "train-images-idx3-ubyte", idx(np.full((40, 6, 6), 7)))
    with raises(InputError, "data.invalid", path=str(folder), name="pixels"):
        load_data(str(folder), CONFIG)


def test_three_of_four_files_are_an_image_folder_without_images(tmp_path: Path) -> None:
    folder = write_idx_folder(tmp_path)
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    assert find_data_set(str(folder)) is None
    with raises(InputError, "data.invalid", path=str(folder), name="train"):
        load_data(str(folder), CONFIG)
