"""The images of a comparison: which are taken, with which labels, and what is refused."""

import msgspec
import numpy as np
import pytest
from expected_errors import raises
from idx_files import write_idx_folder
from PIL import Image

from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import ImageError, InputError
from mvmoe_deploy.samples import load_samples
from mvmoe_deploy.verification.image_choice import choose_samples, default_samples
from mvmoe_export.parity.pytorch import PyTorchReference

pytestmark = pytest.mark.usefixtures("shared_templates")


@pytest.fixture(scope="module")
def bundle(zoo, export):
    return Bundle.open(export(zoo.enliven(zoo.Foreign()), skip_verify=True))


LABELS = ("ant", "bee", "cat", "dog", "elk")


@pytest.fixture
def manifest(bundle):
    """A manifest with five labels."""
    return labelled(bundle.manifest, LABELS)


def labelled(manifest, labels):
    (output,) = manifest.outputs
    output = msgspec.structs.replace(output, labels=labels)
    return msgspec.structs.replace(manifest, outputs=(output,))


def draw(folder, count, value=0):
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        Image.fromarray(np.full((9, 12, 3), value + number, np.uint8)).save(
            folder / f"{number:03d}.png"
        )
    return folder


def no_images(spec, count):
    raise AssertionError


def test_default_are_golden_images_and_then_synthetic_ones(bundle):
    samples = default_samples(bundle, 12, PyTorchReference.synthetic_images)
    assert samples.names[7:9] == ("golden 7", "synthetic 0")
    assert samples.inputs.shape == (12, 1, 8, 8)
    np.testing.assert_array_equal(samples.inputs[:8], bundle.golden()["image"])
    assert samples.labels is None
    assert default_samples(bundle, 3, no_images).names == ("golden 0", "golden 1", "golden 2")


def test_class_folders_give_labels(manifest, tmp_path):
    draw(tmp_path / "dog", 2)
    draw(tmp_path / "bee", 3)
    samples = load_samples(str(tmp_path), manifest, 100)
    assert samples.labels.tolist() == [1, 1, 1, 3, 3]
    assert samples.inputs.shape == (5, 1, 8, 8)
    assert samples.names[0].endswith("bee/000.png")


def test_a_directory_of_idx_files_gives_its_test_images(manifest, tmp_path):
    write_idx_folder(tmp_path, test=20, classes=5)
    named = labelled(manifest, ["4", "3", "2", "1", "0"])
    samples = load_samples(str(tmp_path), named, 10)
    assert samples.names[:2] == (f"{tmp_path} test 0", f"{tmp_path} test 2")
    assert samples.inputs.shape == (10, 1, 8, 8)
    # Of 20 images whose labels are 0 to 4 in turn; class 0 is the bundle's last one.
    rows = [int(name.rsplit(" ", 1)[1]) for name in samples.names]
    assert samples.labels.tolist() == [4 - row % 5 for row in rows]
    with raises(InputError, "data.invalid", name="0"):
        load_samples(str(tmp_path), manifest, 10)


def test_a_flat_directory_has_no_labels(manifest, tmp_path):
    samples = load_samples(str(draw(tmp_path, 3)), manifest, 100)
    assert (len(samples.names), samples.labels) == (3, None)


def test_of_a_training_directory_val_is_taken(manifest, tmp_path):
    draw(tmp_path / "train" / "ant", 2)
    draw(tmp_path / "val" / "cat", 1)
    samples = load_samples(str(tmp_path), manifest, 100)
    assert samples.labels.tolist() == [2]


def test_a_limit_is_spread_over_the_classes(manifest, tmp_path):
    for name in LABELS:
        draw(tmp_path / name, 10)
    samples = load_samples(str(tmp_path), manifest, 10)
    assert len(samples.names) == 10
    assert set(samples.labels.tolist()) == {0, 1, 2, 3, 4}


def test_digits_need_their_classes(bundle, manifest):
    with raises(InputError, "data.invalid", name="0", expected=["ant", "bee", "cat", "dog", "elk"]):
        load_samples("digits", manifest, 10)
    with raises(InputError, "data.invalid", name="classes", found=10, expected=5):
        load_samples("digits", bundle.manifest, 10)


def test_digits_follow_the_order_of_the_labels(manifest):
    backwards = tuple("9876543210")
    samples = load_samples("digits", labelled(manifest, backwards), 40)
    straight = load_samples("digits", labelled(manifest, backwards[::-1]), 40)
    np.testing.assert_array_equal(samples.labels, 9 - straight.labels)
    assert len(set(samples.labels.tolist())) > 5


def test_a_class_that_is_no_label_is_refused(manifest, tmp_path):
    draw(tmp_path / "ant", 1)
    draw(tmp_path / "fox", 1)
    with raises(
        InputError, "data.invalid", name="fox", expected=["ant", "bee", "cat", "dog", "elk"]
    ):
        load_samples(str(tmp_path), manifest, 10)


def test_classes_without_names_are_taken_by_their_number(bundle, tmp_path):
    for name in "abcde":
        draw(tmp_path / name, 1)
    assert load_samples(str(tmp_path), bundle.manifest, 9).labels.tolist() == [0, 1, 2, 3, 4]
    draw(tmp_path / "f", 1)
    with raises(InputError, "data.invalid", name="classes", found=6, expected=5):
        load_samples(str(tmp_path), bundle.manifest, 9)


def test_a_directory_without_images_or_with_both_kinds_is_refused(manifest, tmp_path):
    with raises(InputError, "input.no-images", path=str(tmp_path)):
        load_samples(str(tmp_path), manifest, 10)
    draw(tmp_path, 1)
    draw(tmp_path / "ant", 1)
    with raises(InputError, "data.invalid", path=str(tmp_path)):
        load_samples(str(tmp_path), manifest, 10)
    with raises(InputError, "data.invalid", path=str(tmp_path / "missing")):
        load_samples(str(tmp_path / "missing"), manifest, 10)


def test_an_image_that_is_damaged_is_named(manifest, tmp_path):
    draw(tmp_path, 2)
    (tmp_path / "001.png").write_bytes(b"not an image")
    with raises(ImageError, "image.invalid", image=str(tmp_path / "001.png"), found=1):
        load_samples(str(tmp_path), manifest, 10)


def test_all_images_that_are_damaged_are_one_sentence(manifest, tmp_path):
    draw(tmp_path, 6)
    for number in (0, 2, 3, 5):
        (tmp_path / f"{number:03d}.png").write_bytes(b"not an image")
    with raises(ImageError, "image.invalid", image=str(tmp_path / "000.png"), found=4):
        load_samples(str(tmp_path), manifest, 10)


def test_without_a_model_there_are_golden_vectors_only(bundle):
    assert choose_samples(bundle, None, None, None) is None
    with raises(InputError, "input.option", name="data"):
        choose_samples(bundle, "digits", None, None)
    with raises(InputError, "input.option", name="images"):
        choose_samples(bundle, None, 4, None)
    synthetic = PyTorchReference.synthetic_images
    assert len(choose_samples(bundle, None, None, synthetic).names) == 64
