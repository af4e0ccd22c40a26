"""A detector from a folder of boxes: what a step is made of, whole runs, and what is refused."""

import numpy as np
import pytest
from drawn_boxes import write_yolo_folder
from PIL import Image
from safetensors.torch import load_file

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models import load_checkpoint, preset
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.training import Silent, default_options, load_data, train
from mvmoe_deploy.training.augment import vary_scene
from mvmoe_deploy.training.batches import Batches
from mvmoe_deploy.training.yolo_folder import YoloFolder

CONFIG = preset("routed_detector_tiny")
RECIPE = {"dense_epochs": 2, "moe_epochs": 2, "batch_size": 8, "lr": 4e-3, "threads": 1}
SQUARE = {"pad_level": 114, "pad_place": "around", "pad_rounding": "nearest"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("boxes") / "yolo"
    write_yolo_folder(root, train=24, val=6)
    return root


@pytest.fixture(scope="module")
def finished(folder, tmp_path_factory):
    """A run that nobody interrupted."""
    out = tmp_path_factory.mktemp("finished") / "run"
    return out, train(default_options(CONFIG, str(folder), **RECIPE), out)


class Interrupt(Silent):
    """Presses Ctrl-C in the second epoch of a phase."""

    def __init__(self, phase: str) -> None:
        self.where = (phase, 2)

    def phase(self, name: str, epochs: int, done: int) -> None:
        self.here = (name, done + 1)

    def step(self, share: float) -> None:
        if self.here == self.where:
            raise KeyboardInterrupt

    def epoch(self, record: dict) -> None:
        self.here = (record["phase"], record["epoch"] + 1)


def test_labels_follow_the_image_into_the_input():
    """A white square, by hand: 40 x 20 pixels at (10, 30) of an image of 80 x 160."""
    pixels = np.zeros((160, 80, 3), np.uint8)
    pixels[30:50, 10:50] = 255
    label = np.array([[1, 10 / 80, 30 / 160, 50 / 80, 50 / 160], [-1, 0, 0, 0, 0]], np.float32)
    spec = Preprocessing(height=160, width=160, resize="letterbox", **SQUARE)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        example = vary_scene(Image.fromarray(pixels), label, spec, rng)
        if example.label[0, 0] < 0:
            continue
        rows, columns = np.nonzero(example.pixels.min(axis=2) > 150)
        left, top, right, bottom = example.label[0, 1:]
        # Half a pixel of the resize, on either side.
        assert abs(left - columns.min()) < 1.5 and abs(right - 1 - columns.max()) < 1.5
        assert abs(top - rows.min()) < 1.5 and abs(bottom - 1 - rows.max()) < 1.5
    assert example.label[1, 0] == -1


def test_a_box_that_is_hardly_shown_is_none_any_more():
    label = np.array([[0, 0.0, 0.0, 0.05, 0.05], [0, 0.0, 0.0, 1.0, 1.0]], np.float32)
    spec = Preprocessing(height=64, width=64, resize="letterbox", **SQUARE)
    image = Image.new("RGB", (64, 64))
    found = [
        vary_scene(image, label, spec, np.random.default_rng(seed)).label for seed in range(40)
    ]
    shown = np.array([label[0, 0] >= 0 for label in found])
    assert shown.any() and not shown.all()
    whole = np.stack([label[1] for label in found if label[1, 0] >= 0])
    np.testing.assert_allclose(whole[:, 1:], [[0, 0, 64, 64]] * len(whole), atol=1e-3)


def test_batches_have_boxes_in_pixels_of_the_input(folder):
    data = load_data(str(folder), CONFIG)
    images, labels = next(Batches(data, 8, seed=0).evaluation(data.test))
    assert images.shape == (6, 3, 64, 64) and labels.shape[::2] == (6, 5)
    there = labels[..., 0] >= 0
    assert labels[there][:, 1:].max() > 1
    assert labels[there][:, 1:].max() <= 64


def test_a_run_leaves_a_detector_and_its_figures(finished):
    out, report = finished
    assert report.measure == "mAP@0.5"
    assert report.images == {"train": 22, "held_out": 2, "test": 6}
    (routing,) = report.routings
    assert report.dense.confusion is None and routing.super_classes is None
    assert 0 <= routing.test_accuracy <= 1
    # Two experts an image and stage.
    assert [sum(shares) for shares in routing.expert_usage] == pytest.approx([2, 2, 2])
    made = load_checkpoint(out / "end-to-end")
    assert made.config == CONFIG and made.labels == list(report.classes)
    assert made.model.input.resize == "letterbox"
    lines = (out / "metrics.jsonl").read_text().splitlines()
    assert len(lines) == 4 and '"overlap"' in lines[0] and '"balance"' in lines[-1]


@pytest.mark.parametrize("phase", ["dense", "end-to-end"])
def test_a_resumed_run_ends_with_the_same_weights(folder, finished, tmp_path, phase):
    options = default_options(CONFIG, str(folder), **RECIPE)
    with pytest.raises(KeyboardInterrupt):
        train(options, tmp_path / "run", progress=Interrupt(phase))
    report = train(options, tmp_path / "run", resume=True)
    whole, expected = finished
    assert report.routings[0].test_accuracy == expected.routings[0].test_accuracy
    for name in ("dense", "end-to-end"):
        runs = (whole, tmp_path / "run")
        ours, theirs = (load_file(run / name / "model.safetensors") for run in runs)
        assert all(tensor.equal(theirs[key]) for key, tensor in ours.items())


def test_changed_labels_are_changed_data(tmp_path):
    root = tmp_path / "yolo"
    write_yolo_folder(root, train=10, val=2)
    relabelled, removed, *_ = YoloFolder(root).split("train")[0]
    options = default_options(CONFIG, str(root), **RECIPE)
    with pytest.raises(KeyboardInterrupt):
        train(options, tmp_path / "run", progress=Interrupt("dense"))
    (root / "labels" / "train" / f"{relabelled.stem}.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    with pytest.raises(InputError, check=lambda error: error.code == "resume.data-changed"):
        train(options, tmp_path / "run", resume=True)
    removed.unlink()
    report = train(options, tmp_path / "run", resume=True, accept_changed_data=True)
    (change,) = report.data_changes
    assert (change.changed, change.removed) == (1, 1)


def test_a_run_goes_on_from_a_detector_or_its_twin(folder, finished, tmp_path):
    out, _ = finished
    recipe = {**RECIPE, "dense_epochs": 0, "moe_epochs": 1}
    for name, notes in (("dense", ()), ("end-to-end", ())):
        options = default_options(CONFIG, str(folder), **recipe, start=str(out / name))
        report = train(options, tmp_path / name)
        assert report.start.notes == notes
        assert 0 <= report.routings[0].test_accuracy <= 1


@pytest.mark.parametrize(
    ("config", "data", "name"),
    [("routed_detector_tiny", "digits", "family"), ("digits", "shapes", "family")],
)
def test_labels_have_to_be_those_of_the_answers(tmp_path, config, data, name):
    options = default_options(preset(config), data, routings=("end-to-end",))
    with pytest.raises(InputError, check=lambda error: error.fields["name"] == name):
        train(options, tmp_path / "run")


def test_boxes_guide_no_router(folder, tmp_path):
    options = default_options(CONFIG, str(folder), **RECIPE, routings=("super-class",))
    with pytest.raises(InputError, check=lambda error: error.fields["name"] == "routings"):
        train(options, tmp_path / "run")
