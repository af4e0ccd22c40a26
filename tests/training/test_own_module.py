"""Training a user's own module: its routed phases alone, its own names, its own input."""

import copy
import pickle

import numpy as np
import pytest
import torch
from expected_errors import raises
from safetensors.torch import load_file
from training_interrupt import Interrupt

from mvmoe_deploy.errors import CheckpointError, InputError
from mvmoe_deploy.models import load_checkpoint
from mvmoe_deploy.models.own_family import OwnModel, own_config
from mvmoe_deploy.models.own_module import make_own_module
from mvmoe_deploy.models.own_weights import load_own_weights
from mvmoe_deploy.training import TrainOptions, default_options, train

OWN = "banded_moe:make"


def _options(folder, factory: str = OWN, **changes: object) -> TrainOptions:
    recipe = {"moe_epochs": 2, "batch_size": 9, "lr": 1e-2, "threads": 1, "ema": 0.5}
    return default_options(own_config(factory), str(folder), **{**recipe, **changes})


def test_its_checkpoint_has_its_own_names_labels_and_input(image_folder, tmp_path) -> None:
    report = train(_options(image_folder), tmp_path / "run")
    assert report.dense is None and report.start is None
    (routed,) = report.routings
    assert (routed.routing, routed.super_classes) == ("end-to-end", None)
    assert np.sum(routed.expert_usage[0]) == pytest.approx(1)
    own = make_own_module(OWN)
    loaded = load_own_weights(own, tmp_path / "run" / "end-to-end")
    assert loaded.labels == ("blue", "green", "red")
    assert sum(share.share for share in loaded.usage_prior[0]) == pytest.approx(1)
    with raises(CheckpointError, "checkpoint.no-config", found="own"):
        load_checkpoint(tmp_path / "run" / "end-to-end")
    own.input = type(own.input)(height=8, width=12, resize="squash", interpolation="bicubic")
    with raises(
        CheckpointError,
        "checkpoint.other-model",
        expected="interpolation bilinear",
        found="interpolation bicubic",
    ):
        load_own_weights(own, tmp_path / "run" / "end-to-end")


def test_a_run_goes_on_from_its_weights_and_may_then_be_guided(image_folder, tmp_path) -> None:
    train(_options(image_folder), tmp_path / "one")
    start = str(tmp_path / "one" / "end-to-end")
    with raises(InputError, "input.option", name="routings", given="super-class"):
        train(_options(image_folder, routings=("super-class",)), tmp_path / "two")
    guided = _options(image_folder, start=start, routings=("super-class",))
    report = train(guided, tmp_path / "two")
    assert report.start.checkpoint == start and len(report.routings[0].super_classes) == 3


def test_a_killed_run_ends_with_the_same_weights(image_folder, tmp_path) -> None:
    options = _options(image_folder)
    train(options, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(options, tmp_path / "cut", progress=Interrupt("end-to-end", 1))
    train(options, tmp_path / "cut", resume=True)
    whole, cut = (
        load_file(tmp_path / name / "end-to-end" / "model.safetensors") for name in ("whole", "cut")
    )
    assert whole.keys() == cut.keys() == make_own_module(OWN).state_dict().keys()
    for name, tensor in whole.items():
        assert torch.equal(tensor, cut[name]), name


def test_one_parameter_under_two_names_is_trained_as_one(image_folder, tmp_path) -> None:
    train(_options(image_folder, "banded_moe:tied", moe_epochs=1), tmp_path / "run")
    stored = load_file(tmp_path / "run" / "end-to-end" / "model.safetensors")
    assert torch.equal(stored["head.weight"], stored["also_head.weight"])


def test_routers_that_nothing_records_are_refused(image_folder, tmp_path) -> None:
    with raises(InputError, "model.contract", name="forward_routed", expected=1, found=0):
        train(_options(image_folder, "banded_moe:selects_itself"), tmp_path / "run")


def test_other_classes_than_the_model_has_are_refused(image_folder, tmp_path) -> None:
    options = _options(image_folder, "banded_moe:of_two_classes")
    with raises(InputError, "model.config-invalid", name="num_classes", expected=3, found=2):
        train(options, tmp_path / "run")


def test_what_comes_before_a_routed_phase_is_refused(image_folder, tmp_path) -> None:
    with raises(InputError, "input.option", name="dense_epochs", given=1):
        train(_options(image_folder, dense_epochs=1), tmp_path / "run")


def test_another_process_and_a_copy_have_the_same_model() -> None:
    config = own_config(OWN)
    model = OwnModel(config, make_own_module(OWN)).eval()
    images = torch.rand(5, *config.input_shape)
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert not other.training
        assert torch.equal(other(images), model(images))
        assert other.own is not model.own


def test_the_routers_learn_from_what_select_was_given() -> None:
    model = OwnModel(own_config(OWN), make_own_module(OWN))
    output = model.forward_routed(torch.rand(4, 3, 8, 12))
    assert output.members[0].sum() == 4
    output.router_logits[0].sum().backward()
    assert model.own.router.weight.grad.abs().sum() > 0
