"""Runs that start from a checkpoint: what they take of it, what they refuse, and resuming."""

import json
import shutil
from dataclasses import replace
from importlib.metadata import EntryPoint
from itertools import chain
from pathlib import Path

import pytest
import torch
from expected_errors import raises
from safetensors.torch import load_file

from mvmoe_deploy import part_lookup
from mvmoe_deploy.errors import CheckpointError, InputError
from mvmoe_deploy.models import (
    Checkpoint,
    FamilyModel,
    InputChoices,
    build,
    load_checkpoint,
    preset,
    save_checkpoint,
)
from mvmoe_deploy.models.families.mobile_vmoe import PART, MobileVMoE, MobileVMoEConfig
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.training import Silent, TrainOptions, configuration_of, default_options, train
from mvmoe_deploy.training.footprint import run_bytes
from mvmoe_deploy.training.training_report import read_report

DIGITS = tuple("0123456789")


class Notes(Silent):
    """Keeps the phases and the notes of a run; presses Ctrl-C after the first epoch if asked to."""

    def __init__(self, interrupt: bool = False) -> None:
        self.phases: list[str] = []
        self.notes: list[str] = []
        self.interrupt = interrupt

    def phase(self, name: str, epochs: int, done: int) -> None:
        self.phases.append(name)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def epoch(self, record: dict) -> None:
        if self.interrupt:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def whole(tiny_options, tmp_path_factory) -> tuple[TrainOptions, Path]:
    """A run from nothing."""
    options = tiny_options(routings=("super-class", "end-to-end"))
    out = tmp_path_factory.mktemp("whole") / "run"
    train(options, out)
    return options, out


def _weights(folder: Path) -> dict[str, bytes]:
    state = load_file(folder / "model.safetensors")
    return {name: tensor.numpy().tobytes() for name, tensor in state.items()}


def _saved(model: FamilyModel, path: Path, **fields: object) -> Path:
    save_checkpoint(Checkpoint(model, **fields), path)
    return path


def _input(size: int = 8, **fields: object) -> Preprocessing:
    given = {"channel_order": "L", "mean": (0.25,), "std": (0.5,), **fields}
    return Preprocessing(height=size, width=size, **given)


def test_routed_phases_from_a_dense_run_end_with_the_weights_of_the_whole_run(
    whole, tmp_path: Path
) -> None:
    options, before = whole
    progress = Notes()
    start = replace(options, start=str(before / "dense"), dense_epochs=0)
    report = train(start, tmp_path / "run", progress=progress)
    assert progress.phases == ["super-class", "end-to-end"]
    assert progress.notes == []
    for name in ("dense", "super-class", "end-to-end"):
        assert _weights(tmp_path / "run" / name) == _weights(before / name), name
    expected = read_report(before / "report.json")
    # The twin of this run was trained before it.
    assert report.dense == replace(expected.dense, epochs=None)
    assert [each.super_classes for each in report.routings] == [
        each.super_classes for each in expected.routings
    ]
    assert "dense" not in report.seconds
    assert report.start.checkpoint == str(before / "dense")
    assert report.start.sha256 == load_checkpoint(before / "dense").sha256
    assert (report.start.family, report.start.notes) == ("vit", ())
    assert read_report(tmp_path / "run" / "report.json") == report


def test_a_dense_model_is_trained_further_if_asked_to(whole, tmp_path: Path) -> None:
    options, before = whole
    progress = Notes()
    start = replace(options, start=str(before / "dense"), dense_epochs=1, routings=("end-to-end",))
    train(start, tmp_path / "run", progress=progress)
    assert progress.phases == ["dense", "end-to-end"]
    assert _weights(tmp_path / "run" / "dense") != _weights(before / "dense")


def test_a_routed_model_goes_on_with_its_own_weights(whole, tmp_path: Path) -> None:
    options, before = whole
    # A rate this low leaves the weights as they were, routers included, but for rounding.
    start = replace(
        options, start=str(before / "end-to-end"), dense_epochs=0, lr=1e-12, ema=0.0, moe_epochs=1
    )
    report = train(start, tmp_path / "run")
    assert report.dense is None
    assert not (tmp_path / "run" / "dense").exists()
    old = load_file(before / "end-to-end" / "model.safetensors")
    for name in ("super-class", "end-to-end"):
        new = load_file(tmp_path / "run" / name / "model.safetensors")
        assert all(torch.allclose(new[key], old[key], atol=1e-6) for key in old)
    expected = {each.routing: each for each in read_report(before / "report.json").routings}
    assert report.routings[1].test_accuracy == expected["end-to-end"].test_accuracy
    # The confusions that guide the routers are the starting model's own.
    assert sorted(chain.from_iterable(report.routings[0].super_classes)) == list(DIGITS)


def test_the_twin_of_a_routed_model_is_its_baseline(
    whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options, before = whole
    twin = load_checkpoint(before / "dense").model
    monkeypatch.setattr(type(PART), "to_dense", lambda self, model: twin)
    start = replace(
        options, start=str(before / "end-to-end"), dense_epochs=0, lr=1e-12, ema=0.0, moe_epochs=1
    )
    report = train(start, tmp_path / "run")
    old, new = (
        load_file(out / "end-to-end" / "model.safetensors") for out in (before, tmp_path / "run")
    )
    assert all(torch.allclose(new[key], old[key], atol=1e-6) for key in old)
    expected = read_report(before / "report.json").dense
    assert report.dense == replace(expected, epochs=None)
    assert _weights(tmp_path / "run" / "dense") == _weights(before / "dense")


@pytest.mark.parametrize("name", ["dense", "end-to-end"])
def test_an_interrupted_run_ends_with_the_same_weights(whole, tmp_path: Path, name: str) -> None:
    options, before = whole
    start = replace(options, start=str(before / name), dense_epochs=0, routings=("end-to-end",))
    train(start, tmp_path / "once")
    # The path may be another when the run goes on; the file may not.
    shutil.copytree(before / name, tmp_path / "moved")
    with pytest.raises(KeyboardInterrupt):
        train(start, tmp_path / "run", progress=Notes(interrupt=True))
    moved = replace(start, start=str(tmp_path / "moved"))
    train(moved, tmp_path / "run", resume=True)
    assert _weights(tmp_path / "run" / "end-to-end") == _weights(tmp_path / "once" / "end-to-end")


def test_another_checkpoint_does_not_resume(whole, tmp_path: Path) -> None:
    options, before = whole
    start = replace(options, start=str(before / "dense"), dense_epochs=0)
    with pytest.raises(KeyboardInterrupt):
        train(start, tmp_path / "run", progress=Notes(interrupt=True))
    other = _saved(build(options.config.dense(), _input(), seed=9), tmp_path / "other")
    with raises(InputError, "resume.mismatch", name="start") as caught:
        train(replace(start, start=str(other)), tmp_path / "run", resume=True)
    assert (caught.value.code, caught.value.fields["name"]) == ("resume.mismatch", "start")
    with pytest.raises(InputError, check=lambda error: error.fields["name"] == "dense_epochs"):
        train(options, tmp_path / "run", resume=True)
    written = json.loads((tmp_path / "run" / "options.json").read_text())
    assert written["start"] == load_checkpoint(before / "dense").sha256


def test_another_number_of_classes_begins_a_fresh_head(tiny_options, tmp_path: Path) -> None:
    options = tiny_options(routings=("end-to-end",))
    dense = build(options.config.dense().replace(num_classes=3), _input(), seed=0)
    options = replace(options, start=str(_saved(dense, tmp_path / "c")), dense_epochs=0)
    progress = Notes()
    report = train(options, tmp_path / "run", progress=progress)
    assert (
        progress.notes
        == list(report.start.notes)
        == [
            "weights: head.weight starts fresh, [10, 16] instead of the checkpoint's [3, 16]",
            "weights: head.bias starts fresh, [10] instead of the checkpoint's [3]",
        ]
    )
    kept = load_file(tmp_path / "run" / "dense" / "model.safetensors")
    assert torch.equal(kept["cls_token"], dense.state_dict()["cls_token"])
    assert kept["head.weight"].shape == (10, 16)


def test_a_fresh_head_guides_no_router(tiny_options, tmp_path: Path) -> None:
    options = tiny_options()
    dense = build(options.config.dense().replace(num_classes=3), _input(), seed=0)
    options = replace(options, start=str(_saved(dense, tmp_path / "c")), dense_epochs=0)
    with raises(InputError, "input.option", name="dense_epochs", given=0):
        train(options, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    train(replace(options, dense_epochs=1, moe_epochs=1), tmp_path / "run")


@pytest.mark.parametrize(
    ("change", "field", "first"),
    [
        ({"width": 32}, "shapes", "blocks.0.attn.proj.bias [32] instead of [16]"),
        ({"depth": 3}, "unknown", "blocks.2.attn.proj.bias"),
        ({"depth": 1}, "missing", "blocks.1.attn.proj.bias"),
        (
            {"in_channels": 3},
            "shapes",
            "patch_embed.proj.weight [16, 3, 4, 4] instead of [16, 1, 4, 4]",
        ),
    ],
)
def test_layers_that_do_not_fit_are_named(
    tiny_options, tmp_path: Path, change: dict, field: str, first: str
) -> None:
    options = tiny_options()
    config = options.config.dense().replace(**change)
    path = _saved(build(config, seed=0), tmp_path / "c")
    with raises(CheckpointError, "checkpoint.does-not-fit", family="vit") as caught:
        train(replace(options, start=str(path), dense_epochs=0), tmp_path / "run")
    assert caught.value.fields[field][0] == first
    assert not (tmp_path / "run").exists()


def test_weights_that_would_fit_and_mean_nothing_are_refused(tiny_options, tmp_path: Path) -> None:
    options = tiny_options()
    config = options.config.dense().replace(heads=4)
    path = _saved(build(config, _input(), seed=0), tmp_path / "c")
    with raises(CheckpointError, "checkpoint.does-not-fit", name="heads", expected=2, found=4):
        train(replace(options, start=str(path), dense_epochs=0), tmp_path / "run")


def test_what_no_weight_shows_is_said(tiny_options, tmp_path: Path) -> None:
    options = tiny_options(routings=("end-to-end",), moe_epochs=1)
    config = options.config.dense().replace(gelu="tanh")
    path = _saved(build(config, _input(), seed=0), tmp_path / "c")
    report = train(replace(options, start=str(path), dense_epochs=0), tmp_path / "run")
    assert report.start.notes == ("configuration: gelu erf replaces the checkpoint's tanh",)


def test_classes_in_another_order_are_put_into_that_of_the_data(whole, tmp_path: Path) -> None:
    options, before = whole
    model = load_checkpoint(before / "dense").model
    order = torch.tensor([2, 0, 1, 4, 5, 3, 7, 8, 9, 6])  # not its own inverse
    with torch.no_grad():
        for parameter in (model.head.weight, model.head.bias):
            parameter.copy_(parameter[order])
    path = _saved(model, tmp_path / "c", labels=[DIGITS[i] for i in order])
    start = replace(
        options, start=str(path), dense_epochs=0, moe_epochs=1, routings=("end-to-end",)
    )
    report = train(start, tmp_path / "run")
    assert report.start.notes == (
        "weights: head.weight, head.bias are put into the order of the classes",
    )
    expected = read_report(before / "report.json").dense
    assert report.dense == replace(expected, epochs=None)


def test_classes_of_other_names_are_said(tiny_options, tmp_path: Path) -> None:
    options = tiny_options(routings=("end-to-end",), moe_epochs=1)
    dense = build(options.config.dense(), _input(), seed=0)
    path = _saved(dense, tmp_path / "c", labels=[f"class {name}" for name in DIGITS])
    report = train(replace(options, start=str(path), dense_epochs=0), tmp_path / "run")
    assert report.start.notes == (
        "weights: the head keeps its 10 classes, which the checkpoint calls 'class 0', 'class 1', "
        "'class 2', ..., and the data '0', '1', '2', ...",
    )


def test_weights_alone_of_another_size_and_number_of_classes(tiny_options, tmp_path: Path) -> None:
    options = tiny_options(routings=("end-to-end",), moe_epochs=1)
    config = options.config.dense().replace(num_classes=100, image_size=16)
    state = build(config, seed=0).state_dict()
    torch.save({"model": state, "epoch": 3}, tmp_path / "deit.pth")
    start = replace(options, start=str(tmp_path / "deit.pth"), dense_epochs=0)
    report = train(start, tmp_path / "run")
    resampled, *fresh = report.start.notes[1:]
    assert resampled == "weights: pos_embed is resampled from 4 x 4 patches to 2 x 2"
    assert [line.split()[1] for line in fresh] == ["head.weight", "head.bias"]
    assert report.start.weights == "model"
    with raises(InputError, "input.option", name="preset"):
        configuration_of(tmp_path / "deit.pth")


def test_weights_alone_of_a_routed_model(tiny_options, tmp_path: Path) -> None:
    options = tiny_options(routings=("end-to-end",), moe_epochs=1)
    model = build(options.config, seed=0)
    torch.save(model.state_dict(), tmp_path / "w.pt")
    report = train(
        replace(options, start=str(tmp_path / "w.pt"), dense_epochs=0, lr=1e-12, ema=0.0),
        tmp_path / "run",
    )
    assert (report.dense, report.start.family) == (None, "mobile_vmoe")
    new = load_file(tmp_path / "run" / "end-to-end" / "model.safetensors")
    assert torch.allclose(new["routers.0.weight"], model.routers[0].weight, atol=1e-6)


def test_the_input_is_that_of_the_checkpoint_unless_a_person_says_otherwise(
    tiny_options, tmp_path: Path
) -> None:
    options = tiny_options(routings=("end-to-end",), moe_epochs=1)
    spec = _input(resize="torchvision", resize_size=10, interpolation="bilinear")
    path = _saved(build(options.config.dense(), spec, seed=0), tmp_path / "c")
    start = replace(options, start=str(path), dense_epochs=0, input=InputChoices(mean=(0.125,)))
    train(start, tmp_path / "run")
    for name in ("dense", "end-to-end"):
        found = load_checkpoint(tmp_path / "run" / name).model.input
        assert (found.mean, found.std) == ((0.125,), (0.5,))
        assert (found.resize, found.resize_size, found.interpolation) == (
            "torchvision",
            10,
            "bilinear",
        )


def test_what_the_checkpoint_only_guessed_is_what_suits_the_data(
    tiny_options, tmp_path: Path
) -> None:
    options = tiny_options(routings=("end-to-end",), moe_epochs=1)
    torch.save(build(options.config.dense(), seed=0).state_dict(), tmp_path / "w.pt")
    train(replace(options, start=str(tmp_path / "w.pt"), dense_epochs=0), tmp_path / "run")
    found = load_checkpoint(tmp_path / "run" / "end-to-end").model.input
    assert (found.mean, found.resize) == ((0.3045,), "squash")


def test_a_size_in_pixels_keeps_its_share_of_another_input(tiny_options, tmp_path: Path) -> None:
    options = tiny_options(routings=("end-to-end",), moe_epochs=1)
    spec = _input(16, resize="torchvision", resize_size=20)
    dense = build(options.config.dense().replace(image_size=16), spec, seed=0)
    path = _saved(dense, tmp_path / "c")
    train(replace(options, start=str(path), dense_epochs=0), tmp_path / "run")
    assert load_checkpoint(tmp_path / "run" / "end-to-end").model.input.resize_size == 10


def test_a_model_of_another_family_is_refused(tiny_options, tmp_path: Path, monkeypatch) -> None:
    entry = EntryPoint("families.colour_moe", "colour_moe", part_lookup.GROUP)
    monkeypatch.setattr(part_lookup, "entry_points", lambda group: [entry])
    path = _saved(build(tiny_options().config, _input(), seed=0), tmp_path / "c")
    options = default_options(preset("colour_tiny"), start=str(path))
    with raises(
        CheckpointError, "checkpoint.does-not-fit", family="colour_moe", found="mobile_vmoe"
    ):
        train(options, tmp_path / "run")


def test_a_routed_model_has_no_dense_epochs(whole, tmp_path: Path) -> None:
    options, before = whole
    start = replace(options, start=str(before / "end-to-end"), dense_epochs=2)
    with raises(InputError, "input.option", name="dense_epochs", given=2):
        train(start, tmp_path / "run")


def test_a_run_is_not_put_into_what_it_starts_from(whole, tiny_options) -> None:
    options, before = whole
    start = replace(options, start=str(before / "dense"), dense_epochs=0)
    for place in (before / "dense", before / "dense" / "run"):
        with raises(InputError, "output.is-input", output=str(place)):
            train(start, place)


def test_options_of_a_start(tiny_config: MobileVMoEConfig) -> None:
    assert default_options(tiny_config, start="c").dense_epochs == 0
    assert default_options(tiny_config, start="c", dense_epochs=3).dense_epochs == 3
    with raises(InputError, "input.option", name="weights"):
        default_options(tiny_config, weights="model")
    with pytest.raises(InputError, check=lambda error: error.fields["name"] == "dense_epochs"):
        default_options(tiny_config, dense_epochs=0)


def test_a_dense_phase_that_is_left_out_needs_room_for_its_checkpoint_alone(
    tiny_options,
) -> None:
    with_phase, without = (
        tiny_options(start="c", dense_epochs=epochs, routings=("end-to-end",)) for epochs in (1, 0)
    )
    dense = sum(
        tensor.numel() * 4
        for tensor in build(with_phase.config.dense(), seed=0).state_dict().values()
    )
    # Three tensors of AdamW and the average of each weight, and none of them.
    assert run_bytes(with_phase) - run_bytes(without) == 4 * dense


def test_the_configuration_is_a_routed_checkpoints_own(whole) -> None:
    options, before = whole
    assert configuration_of(before / "end-to-end") == options.config
    with raises(InputError, "input.option", name="preset", given="vit"):
        configuration_of(before / "dense")
    assert isinstance(load_checkpoint(before / "end-to-end").model, MobileVMoE)
