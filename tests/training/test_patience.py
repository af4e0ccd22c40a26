"""A phase that gets no better ends early, with the weights of its best epoch."""

import json

import pytest
import torch
from expected_errors import raises
from safetensors.torch import load_file
from training_interrupt import Interrupt

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.training import train
from mvmoe_deploy.training.state import Position
from mvmoe_deploy.training.training_report import TrainedEpochs


@pytest.fixture
def options(tiny_options):
    # With a rate like this no answer changes: the first epoch stays the best.
    return tiny_options(
        routings=("end-to-end",), lr=1e-12, dense_epochs=6, moe_epochs=1, patience=2
    )


def test_it_ends_early_and_says_so_and_a_kill_changes_nothing(options, tmp_path) -> None:
    report = train(options, tmp_path / "whole")
    assert report.dense.epochs == TrainedEpochs(asked=6, trained=3, kept=1)
    assert report.routings[0].epochs == TrainedEpochs(asked=1, trained=1, kept=1)
    lines = (tmp_path / "whole" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["phase"] for line in lines] == ["dense"] * 3 + ["end-to-end"]
    with pytest.raises(KeyboardInterrupt):
        train(options, tmp_path / "cut", progress=Interrupt("dense", 2))
    again = train(options, tmp_path / "cut", resume=True)
    assert again.dense.epochs == report.dense.epochs
    for name in ("dense", "end-to-end"):
        one, other = (
            load_file(tmp_path / run / name / "model.safetensors") for run in ("whole", "cut")
        )
        assert all(torch.equal(tensor, other[key]) for key, tensor in one.items())


def test_the_weights_of_the_best_epoch_are_kept(tiny_options, tmp_path) -> None:
    # What is learnt at this rate is thrown away again by the steps that follow.
    options = tiny_options(routings=(), lr=0.5, clip_norm=0.0, ema=0.0, dense_epochs=3, patience=3)
    report = train(options, tmp_path / "run")
    lines = map(json.loads, (tmp_path / "run" / "metrics.jsonl").read_text().splitlines())
    accuracies = [line["held_out_accuracy"] for line in lines]
    best = max(accuracies)
    assert report.dense.held_out_accuracy == best
    assert report.dense.epochs.kept == accuracies.index(best) + 1


def test_a_tie_is_no_better() -> None:
    position = Position(0, 0.0, 1)
    for accuracy in (0.5, 0.5, 0.4):
        assert not position.waited(2)
        position = position.after(accuracy, 1.0)
    assert (position.epoch, position.best_epoch, position.seconds) == (3, 1, 3.0)
    assert position.waited(2) and not position.waited(3) and not position.waited(0)


def test_a_patience_is_a_whole_number(tiny_options) -> None:
    with raises(InputError, "input.option", name="patience"):
        tiny_options(patience=-1)
