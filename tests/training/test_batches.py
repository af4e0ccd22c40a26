"""Order and augmentation: a function of seed, epoch and image, whoever loads."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models import preset
from mvmoe_deploy.models.families.mobile_vmoe import MobileVMoEConfig
from mvmoe_deploy.models.input_choices import default_preprocessing
from mvmoe_deploy.training import digits_preprocessing, load_data
from mvmoe_deploy.training.augment import sample_rng, vary_digit, vary_photo
from mvmoe_deploy.training.batches import Batches

NO_LABEL = np.int64(0)


@pytest.fixture(scope="module")
def digits():
    return load_data("digits", preset("digits"))


def _all(batches) -> tuple[torch.Tensor, torch.Tensor]:
    images, labels = zip(*batches, strict=True)
    return torch.cat(images), torch.cat(labels)


def test_an_epoch_can_be_repeated_and_the_next_one_differs(digits) -> None:
    first, _ = _all(Batches(digits, 64, seed=3).training(1))
    again, _ = _all(Batches(digits, 64, seed=3).training(1))
    later, _ = _all(Batches(digits, 64, seed=3).training(2))
    other, _ = _all(Batches(digits, 64, seed=4).training(1))
    assert torch.equal(first, again)
    assert not torch.equal(first, later)
    assert not torch.equal(first, other)


def test_loading_processes_do_not_change_the_images(digits) -> None:
    alone, _ = _all(Batches(digits, 256, seed=0).training(1))
    helped, _ = _all(Batches(digits, 256, seed=0, workers=2).training(1))
    assert torch.equal(alone, helped)


def test_processes_share_each_step(digits) -> None:
    whole = list(Batches(digits, 64, seed=0).training(1))
    parts = [list(Batches(digits, 64, seed=0, rank=r, processes=2).training(1)) for r in (0, 1)]
    assert len(whole) == len(parts[0]) == 1079 // 64
    for step, (images, labels) in enumerate(whole):
        for rank in (0, 1):
            assert torch.equal(images[rank::2], parts[rank][step][0])
            assert torch.equal(labels[rank::2], parts[rank][step][1])


@given(st.integers(1, 7), st.integers(1, 200))
def test_evaluation_covers_every_image_once(processes: int, batch_size: int) -> None:
    data = load_data("digits", preset("digits"))
    batch_size = -(-batch_size // processes) * processes
    shares = [Batches(data, batch_size, 0, rank=r, processes=processes) for r in range(processes)]
    labels = [share.evaluation(data.test) for share in shares]
    seen = np.concatenate([_all(part)[1].numpy() for part in labels])
    assert sorted(seen) == sorted(data.test.labels)


def test_no_image_comes_twice_in_an_epoch(digits) -> None:
    order = Batches(digits, 64, seed=0).order(1)
    assert len(set(order.ravel().tolist())) == order.size == 1079 // 64 * 64


def test_few_images_make_one_smaller_batch(image_folder: Path) -> None:
    config = MobileVMoEConfig(image_size=16, patch_size=8, num_classes=3, experts=2)
    data = load_data(str(image_folder), config)
    batches = Batches(data, 1024, seed=0, processes=2)
    assert (batches.steps, batches.batch_size) == (1, 26)


def test_a_batch_that_processes_cannot_share_is_refused(digits) -> None:
    with pytest.raises(InputError, check=lambda error: error.code == "input.option"):
        Batches(digits, 63, seed=0, processes=2)


@given(st.integers(0, 2**31), st.integers(1, 1000), st.integers(0, 2**31))
def test_an_augmentation_is_decided_by_seed_epoch_and_index(seed: int, epoch: int, index: int):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8), dtype=np.uint8)
    spec = digits_preprocessing(preset("digits"))
    one, two = (
        vary_digit(Image.fromarray(pixels), NO_LABEL, spec, sample_rng(seed, epoch, index)).pixels
        for _ in "ab"
    )
    assert one.shape == (8, 8, 1)
    assert one.dtype == np.uint8
    assert np.array_equal(one, two)


class _Bounds:
    """A generator that always draws one end of its range."""

    def __init__(self, share: float) -> None:
        self.share = share

    def uniform(self, low: float, high: float, size: int | None = None):
        value = low + self.share * (high - low)
        return value if size is None else np.full(size, value)

    def random(self) -> float:
        return self.share


def test_a_digit_that_is_not_moved_is_the_digit() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8), dtype=np.uint8)
    spec = digits_preprocessing(preset("digits"))
    unmoved = vary_digit(Image.fromarray(pixels), NO_LABEL, spec, _Bounds(0.5)).pixels
    assert np.array_equal(unmoved[:, :, 0], pixels)


def test_a_digit_is_moved_by_less_than_a_pixel_and_not_mirrored() -> None:
    pixels = np.zeros((8, 8), dtype=np.uint8)
    pixels[1:7, 2] = pixels[1, 2:6] = 255  # a corner at the top left
    spec = digits_preprocessing(preset("digits"))
    for share in (0.0, 1.0):
        example = vary_digit(Image.fromarray(pixels), NO_LABEL, spec, _Bounds(share))
        moved = example.pixels[:, :, 0].astype(float)
        rows, columns = np.indices(moved.shape)
        for axis in (rows, columns):
            before = (axis * pixels).sum() / pixels.sum()
            assert abs((axis * moved).sum() / moved.sum() - before) < 1.0
        assert moved[:, :4].sum() > moved[:, 4:].sum()


@given(st.integers(1, 50), st.integers(1, 50), st.integers(0, 1000))
def test_a_photo_of_any_shape_becomes_the_models_size(width: int, height: int, seed: int) -> None:
    spec = default_preprocessing(MobileVMoEConfig(image_size=16, patch_size=8))
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    one, two = (
        vary_photo(Image.fromarray(pixels), NO_LABEL, spec, np.random.default_rng(seed)).pixels
        for _ in "ab"
    )
    assert one.shape == (16, 16, 3)
    assert np.array_equal(one, two)


def test_photos_are_mirrored_half_of_the_time() -> None:
    spec = default_preprocessing(MobileVMoEConfig(image_size=16, patch_size=8))
    ramp = np.tile(np.linspace(40, 215, 64).astype(np.uint8)[None, :, None], (64, 1, 3))
    rises = [
        int(part[:, -1].sum()) > int(part[:, 0].sum())
        for part in (
            vary_photo(Image.fromarray(ramp), NO_LABEL, spec, np.random.default_rng(n)).pixels
            for n in range(200)
        )
    ]
    assert 70 < sum(rises) < 130
