"""A dense model is compared only where it takes the bundle's images and knows its classes."""

import dataclasses

import pytest
from expected_errors import raises

from mvmoe_bench.measure.planning.dense_models import load_dense
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models import Checkpoint, build, load_checkpoint, save_checkpoint


@pytest.fixture
def checkpoint(tiny, tmp_path):
    """Writes the tiny dense model with other fields of its configuration, or labels."""

    def write(labels=None, **changes):
        config = dataclasses.replace(load_checkpoint(tiny / "dense").config, **changes)
        path = tmp_path / f"dense-{len(list(tmp_path.iterdir()))}"
        save_checkpoint(Checkpoint(build(config, seed=1), labels=labels), path)
        return path

    return write


@pytest.fixture
def manifest(tiny):
    return Bundle.open(tiny / "tiny.mvmoe").manifest


def test_its_answers_are_names_in_the_checkpoints_own_order(tiny, checkpoint, manifest):
    images = Bundle.open(tiny / "tiny.mvmoe").golden()["image"]
    plain = load_dense(checkpoint(), manifest).answers(images)
    order = [str(9 - i) for i in range(10)]
    turned = load_dense(checkpoint(labels=order), manifest).answers(images)
    assert turned == [str(9 - int(name)) for name in plain]


@pytest.mark.parametrize("changes", [{"num_classes": 7}, {"labels": list("abcdefghij")}])
def test_other_classes_are_refused(checkpoint, manifest, changes):
    with raises(InputError, "checkpoint.other-model", expected=["0", "1", "2", "3", "4"]):
        load_dense(checkpoint(**changes), manifest)


def test_other_images_are_refused(checkpoint, manifest):
    with raises(InputError, "checkpoint.other-model", expected="the input of the bundle"):
        load_dense(checkpoint(image_size=16), manifest)
