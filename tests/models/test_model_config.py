"""Configurations: what makes a network and what does not."""

import dataclasses

import numpy as np
import pytest
from expected_errors import raises

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.families.mobile_vmoe import MobileVMoEConfig
from mvmoe_deploy.models.families.vit import ViTConfig
from mvmoe_deploy.models.presets import config_from_dict


@pytest.mark.parametrize(
    "field, value",
    [
        ("image_size", 0),
        ("image_size", 8193),
        ("image_size", 225),  # no multiple of the patch size
        ("image_size", 224.0),
        ("patch_size", 0),
        ("patch_size", 15),
        ("patch_size", 448),
        ("image_size", 16 * 257),  # too many tokens
        ("in_channels", 2),
        ("in_channels", 4),
        ("num_classes", 0),
        ("num_classes", 1_000_001),
        ("num_classes", True),
        ("num_classes", np.int64(10)),  # would not survive JSON
        ("width", 0),
        ("width", 65537),
        ("width", 191),  # no multiple of the heads
        ("width", "192"),
        ("depth", 0),
        ("depth", 1001),
        ("depth", None),
        ("heads", 0),
        ("heads", 5),
        ("heads", 1025),
        ("mlp_ratio", 0),
        ("mlp_ratio", -1.0),
        ("mlp_ratio", 65),
        ("mlp_ratio", float("nan")),
        ("mlp_ratio", float("inf")),
        ("mlp_ratio", 1e-6),  # no hidden feature at all
        ("pool", "max"),
        ("pool", None),
        ("gelu", "quick"),
        ("norm_eps", 0),
        ("norm_eps", 1),
        ("norm_eps", float("nan")),
        ("norm_eps", "1e-6"),
        ("experts", 0),
        ("experts", 4097),
        ("moe_layers", 0),
        ("moe_layers", 13),
        ("top_k", 0),
        ("top_k", 11),  # more than there are experts
        ("renormalize", 1),
        ("routers", "none"),
        ("router_input", "max"),
    ],
)
def test_a_field_that_makes_no_network_is_refused_by_name(field, value):
    with raises(InputError, "model.config-invalid") as caught:
        MobileVMoEConfig(**{field: value})
    assert field in (caught.value.fields["name"], *caught.value.fields["expected"].split())
    plain = value.item() if isinstance(value, np.generic) else value
    if plain is value:  # the same from JSON
        with raises(InputError, "model.config-invalid", name=caught.value.fields["name"]):
            config_from_dict("mobile_vmoe", {field: plain}, "the file")


def test_every_field_is_tried_above():
    marks = test_a_field_that_makes_no_network_is_refused_by_name.pytestmark[0]
    tried = {field for field, _ in marks.args[1]}
    assert tried == {field.name for field in dataclasses.fields(MobileVMoEConfig)}


@pytest.mark.parametrize(
    "fields",
    [
        {"patch_size": 224, "image_size": 224},
        {"width": 1, "heads": 1, "mlp_ratio": 1},
        {"moe_layers": 12, "experts": 1},
        {"top_k": 10},
        {"mlp_ratio": 4},
    ],
)
def test_the_limits_themselves_are_accepted(fields):
    MobileVMoEConfig(**fields)


def test_derived_sizes():
    config = MobileVMoEConfig(patch_size=32, moe_layers=3, routers="per-layer")
    assert (config.grid, config.tokens, config.mlp_width) == (7, 50, 768)
    assert (config.dense_layers, config.routed_stages) == (9, 3)
    assert config.mlps == 9 + 3 * 10
    assert MobileVMoEConfig().routed_stages == 1
    assert ViTConfig().mlps == 12


def test_a_configuration_survives_plain_data():
    for config in (ViTConfig(width=96), MobileVMoEConfig(top_k=2, routers="per-layer")):
        fields = dataclasses.asdict(config)
        assert config_from_dict(config.family, fields, "the file") == config


def test_the_dense_twin_keeps_all_but_the_experts():
    config = MobileVMoEConfig(width=96, pool="mean", experts=3)
    assert config.dense() == ViTConfig(width=96, pool="mean")
    assert type(config.dense()) is ViTConfig


@pytest.mark.parametrize(
    ("family", "fields", "code", "said"),
    [
        ("resnet", {}, "part.unknown", {"kind": "families", "name": "resnet"}),
        (None, {}, "part.unknown", {"kind": "families", "name": "None"}),
        (["vit"], {}, "part.unknown", {"kind": "families", "name": "['vit']"}),
        ({}, {}, "part.unknown", {"kind": "families", "name": "{}"}),
        ("vit", None, "model.config-invalid", {"name": "config"}),
        ("vit", [], "model.config-invalid", {"name": "config"}),
        ("vit", {"experts": 2}, "model.config-invalid", {"name": "experts"}),
        ("vit", {"Width": 192}, "model.config-invalid", {"name": "Width"}),
        ("vit", {"width": "192"}, "model.config-invalid", {"name": "width"}),
        ("vit", {"width": {"a": 1}}, "model.config-invalid", {"name": "width"}),
        ("vit", {"depth": 10**30}, "model.config-invalid", {"name": "depth", "found": str(10**30)}),
        (
            "mobile_vmoe",
            {"experts": 2, "top_k": 3},
            "model.config-invalid",
            {"name": "top_k", "expected": "1 to 2", "found": "3"},
        ),
    ],
)
def test_plain_data_that_describes_no_model_is_refused(family, fields, code, said):
    with raises(InputError, code, **said):
        config_from_dict(family, fields, "the file")
