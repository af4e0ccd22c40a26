"""A model's head is found by what changes with the number of classes, in any family."""

import pytest
import torch
from expected_errors import raises

from mvmoe_deploy.errors import CheckpointError
from mvmoe_deploy.models import build, load_checkpoint
from mvmoe_deploy.models.class_parameters import class_dimensions


@pytest.mark.parametrize("classes", [1, 5, 1_000_000])
def test_the_head_is_found_in_dense_and_routed_models(tiny_vit, tiny_moe, classes):
    for config in (tiny_vit(num_classes=classes), tiny_moe(num_classes=classes)):
        assert class_dimensions(config) == {"head.weight": 0, "head.bias": 0}


def test_a_width_as_large_as_the_classes_is_no_class(tiny_vit):
    config = tiny_vit(num_classes=12, width=12)
    assert class_dimensions(config) == {"head.weight": 0, "head.bias": 0}


@pytest.mark.parametrize("prefix", ["", "module."])
def test_weights_alone_say_how_many_classes_they_have(tmp_path, tiny_vit, prefix):
    state = build(tiny_vit(num_classes=7), seed=0).state_dict()
    torch.save({prefix + name: tensor for name, tensor in state.items()}, tmp_path / "w.pt")
    loaded = load_checkpoint(tmp_path / "w.pt", tiny_vit(num_classes=3), any_classes=True)
    assert loaded.config == tiny_vit(num_classes=7)
    assert torch.equal(loaded.model.state_dict()["head.weight"], state["head.weight"])


def test_a_head_that_contradicts_itself_is_named(tmp_path, tiny_vit):
    state = build(tiny_vit(num_classes=7), seed=0).state_dict()
    torch.save({**state, "head.bias": torch.zeros(6)}, tmp_path / "w.pt")
    with raises(CheckpointError, "checkpoint.does-not-fit") as caught:
        load_checkpoint(tmp_path / "w.pt", tiny_vit(num_classes=3), any_classes=True)
    assert "head.bias [6] instead of [3]" in caught.value.fields["shapes"]
