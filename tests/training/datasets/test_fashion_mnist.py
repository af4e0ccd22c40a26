"""Fashion-MNIST: found where Debian puts it or in a directory, else how to get it is said."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from expected_errors import raises
from idx_files import write_idx_folder

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models import preset
from mvmoe_deploy.training import load_data, suited_preset
from mvmoe_deploy.training.data import class_names, image_directory
from mvmoe_deploy.training.datasets import fashion_mnist, find_data_set
from mvmoe_deploy.training.datasets.fashion_mnist import FOLDER, FashionMnist


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory whose labels are taken for Fashion-MNIST's; the images are others."""
    folder = write_idx_folder(tmp_path / "fashion", train=60, test=20, classes=10, side=28)
    labels = (np.arange(20) % 10).astype(np.uint8)
    digest = hashlib.sha256(labels.tobytes()).hexdigest()
    monkeypatch.setattr(fashion_mnist, "_TEST_LABELS", digest)
    return folder


def test_a_directory_with_its_labels_has_its_names(small: Path) -> None:
    found = find_data_set(str(small))
    assert isinstance(found, FashionMnist)
    assert found.classes[9] == "Ankle boot" and len(set(found.classes)) == 10
    data = load_data(str(small), preset(suited_preset(str(small))))
    assert (len(data.train), len(data.held_out), len(data.test)) == (50, 10, 20)
    assert image_directory(str(small)) == small


def test_a_directory_of_other_labels_has_numbers(small: Path, tmp_path: Path) -> None:
    other = write_idx_folder(tmp_path / "other", train=60, test=30, classes=10, side=28)
    assert class_names(str(other)) == tuple("0123456789")
    assert class_names(str(small)) != tuple("0123456789")


def test_by_its_name_it_is_looked_for_where_debian_puts_it(small: Path, monkeypatch) -> None:
    monkeypatch.setattr(fashion_mnist.PART, "folder", small)
    images, labels = find_data_set("fashion-mnist").split("test")
    assert (images.shape, labels.tolist()) == ((20, 28, 28), [*range(10), *range(10)])
    assert image_directory("fashion-mnist") is None


def test_where_it_is_not_one_sentence_says_how_to_get_it(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(fashion_mnist.PART, "folder", tmp_path / "none")
    for ask in (class_names, lambda data: load_data(data, preset("fashion_mnist"))):
        with raises(InputError, "data.invalid", path=str(tmp_path / "none")) as caught:
            ask("fashion-mnist")
        assert "train-images-idx3-ubyte.gz" in str(caught.value)
        assert caught.value.code == "data.invalid"


@pytest.mark.skipif(
    not FOLDER.is_dir(),
    reason=f"{FOLDER} is missing: apt-get install dataset-fashion-mnist",
)
def test_debians_files_are_read() -> None:
    found = find_data_set("fashion-mnist")
    assert isinstance(find_data_set(str(FOLDER)), FashionMnist)
    parts = {name: found.split(name) for name in ("train", "held-out", "test")}
    assert [len(labels) for _, labels in parts.values()] == [54_000, 6_000, 10_000]
    for images, labels in parts.values():
        assert images.shape[1:] == (28, 28)
        # The data set has as many images of each class, and the splits keep that.
        assert set(np.bincount(labels)) == {len(labels) // 10}
    pixels = np.concatenate([parts["train"][0], parts["held-out"][0]]) / 255
    assert (pixels.mean(), pixels.std()) == pytest.approx(found.statistics(), abs=5e-5)
