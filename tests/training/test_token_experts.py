"""V-MoE and Soft MoE are trained as the run of every family: dense first, then with experts."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from training_interrupt import Interrupt

from mvmoe_deploy.models import load_checkpoint
from mvmoe_deploy.models.families.soft_moe import SoftMoEConfig
from mvmoe_deploy.models.families.vmoe import VMoEConfig
from mvmoe_deploy.training import default_options, train
from mvmoe_deploy.training.batches import Batches
from mvmoe_deploy.training.data import load_data

SIZES = {
    "image_size": 8, "patch_size": 4, "in_channels": 1, "num_classes": 10, "width": 16, "depth": 2,
    "heads": 2, "experts": 3, "moe_layers": 1,
}  # fmt: skip
TERMS = {"vmoe": {"classify", "importance", "load"}, "soft_moe": {"classify"}}


@pytest.mark.parametrize("config", [VMoEConfig(**SIZES), SoftMoEConfig(**SIZES)])
def test_a_run_lowers_the_loss_and_resumes_to_the_same_weights(config, tmp_path: Path) -> None:
    """A router's noise too is drawn as in a run that nobody interrupted."""
    options = default_options(
        config, dense_epochs=1, moe_epochs=2, batch_size=256, lr=4e-3, threads=1
    )
    report = train(options, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(options, tmp_path / "run", progress=Interrupt("end-to-end", 2))
    train(options, tmp_path / "run", resume=True)
    one, other = (
        load_file(tmp_path / name / "end-to-end" / "model.safetensors") for name in ("whole", "run")
    )
    assert all(torch.equal(one[name], other[name]) for name in one)
    lines = (tmp_path / "whole" / "metrics.jsonl").read_text().splitlines()
    _, first, last = map(json.loads, lines)
    terms = TERMS[config.family]
    assert terms <= first.keys() and not {"guide", "balance"} & first.keys()
    assert first["loss"] == pytest.approx(sum(first[name] for name in terms))
    assert last["classify"] < first["classify"]
    (routing,) = report.routings
    assert (routing.mean_gate, routing.route_usage) == (None, ())
    loaded = load_checkpoint(tmp_path / "whole" / "end-to-end")
    assert loaded.config == options.config


def test_each_process_and_epoch_draws_its_own(tiny_options) -> None:
    options = tiny_options()
    data = load_data("digits", options.config, options.input, {})
    seeds = {
        Batches(data, 64, seed, rank=rank, processes=2).model_seed(epoch)
        for seed in range(2)
        for rank in range(2)
        for epoch in range(2)
    }
    assert len(seeds) == 8
