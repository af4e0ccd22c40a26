"""What subjects are asked: digits, directories, synthetic images."""

import numpy as np
import pytest
from expected_errors import raises
from PIL import Image

from mvmoe_bench.measure.planning.inputs import load_inputs
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import ImageError, InputError


@pytest.fixture
def bundle(tiny):
    return Bundle.open(tiny / "tiny.mvmoe")


def draw(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((8, 8), value, np.uint8)).save(path)


def test_digits_keep_the_order_of_the_data_set(bundle):
    inputs = load_inputs("digits", [bundle], seed=0)
    assert inputs.images.shape == (359, 1, 8, 8) and inputs.images.dtype == np.float32
    assert inputs.order == "name" and set(inputs.labels) == set("0123456789")
    assert inputs.real


def test_a_directory_keeps_its_order_and_one_with_classes_is_shuffled(bundle, tmp_path):
    for number in range(8):
        draw(tmp_path / "flat" / f"{number}.png", 20 * number)
        for name in range(10):
            draw(tmp_path / "sorted" / str(name) / f"{number}.png", 20 * name + number)
    flat = load_inputs(str(tmp_path / "flat"), [bundle], seed=0)
    assert flat.order == "name" and set(flat.labels) == {None}
    assert (np.diff(flat.images.mean((1, 2, 3))) > 0).all()
    mixed = load_inputs(str(tmp_path / "sorted"), [bundle], seed=0)
    assert mixed.order == "shuffled" and len(set(mixed.labels[:8])) > 2
    for label, name in zip(mixed.labels, mixed.names, strict=True):
        assert f"/{label}/" in name
    assert mixed.sha256 != load_inputs(str(tmp_path / "sorted"), [bundle], seed=1).sha256


def test_synthetic_images_begin_with_the_golden_ones_and_are_repeatable(bundle):
    inputs, again = (load_inputs("synthetic", [bundle], seed=3) for _ in range(2))
    golden = bundle.golden()["image"]
    assert not inputs.real and len(inputs.images) == len(inputs.names) == 32
    np.testing.assert_array_equal(inputs.images[: len(golden)], golden)
    assert inputs.sha256 == again.sha256
    assert len({image.tobytes() for image in inputs.images}) == 32


def test_a_directory_without_images_is_refused(bundle, tmp_path):
    with raises(InputError, "input.no-images", path=str(tmp_path)):
        load_inputs(str(tmp_path), [bundle], seed=0)
    with raises(InputError, "data.invalid", path=str(tmp_path / "nowhere")):
        load_inputs(str(tmp_path / "nowhere"), [bundle], seed=0)


def test_a_damaged_image_is_named(bundle, tmp_path):
    (tmp_path / "a.png").write_bytes(b"no image")
    with raises(ImageError, "image.invalid", image=str(tmp_path / "a.png"), found=1):
        load_inputs(str(tmp_path), [bundle], seed=0)


def test_bundles_that_take_other_images_are_refused_together(bundle):
    import msgspec

    spec = msgspec.structs.replace(bundle.manifest.input, mean=(0.1,))
    other = Bundle(bundle.path, msgspec.structs.replace(bundle.manifest, input=spec))
    with pytest.raises(InputError, check=lambda error: error.code == "results.unlike"):
        load_inputs("synthetic", [bundle, other], seed=0)
