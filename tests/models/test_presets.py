"""Presets and the building of models from names, files and seeds."""

import json

import pytest
import torch
from expected_errors import raises

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models import build, preset, preset_names
from mvmoe_deploy.models.families.mobile_vmoe import MobileVMoEConfig
from mvmoe_deploy.models.families.vit import ViTConfig
from mvmoe_deploy.models.presets import configuration, left_to_defaults, with_fields
from mvmoe_deploy.models.stage_tensors import named_output
from mvmoe_deploy.preprocessing import Preprocessing


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_builds_and_its_stem_runs(name):
    with torch.device("meta"):
        model = build(preset(name)).eval()
        given = named_output(model.stage(0, ())(torch.empty(1, *model.input.shape)))
    config = model.config
    if model.routing:
        assert given["logits"].shape == (1, config.routing[0].experts)
    else:
        assert given["answer"].shape == (1, config.num_classes)


@pytest.mark.parametrize("depth", [12, 9, 6])
@pytest.mark.parametrize("width", [384, 192, 96, 64])
@pytest.mark.parametrize("patch", [32, 16])
def test_the_papers_grid_has_its_defaults(depth, width, patch):
    config = preset(f"mobile_vmoe_{depth}x{width}_p{patch}_224")
    assert (config.depth, config.width, config.patch_size) == (depth, width, patch)
    assert (config.experts, config.moe_layers, config.top_k) == (10, 2, 1)
    assert preset(f"vit_{depth}x{width}_p{patch}_224") == config.dense()


def test_an_unknown_preset_is_refused_with_the_known_ones():
    with pytest.raises(InputError, check=lambda error: error.fields["name"] == "preset"):
        preset("nope")


@pytest.mark.parametrize("name", ["vit_digits", "digits"])
def test_a_seed_gives_the_same_weights_and_leaves_the_global_generator(name):
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    first, second, other = (build(preset(name), seed=seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert not torch.equal(first["head.weight"], other["head.weight"])


def test_without_a_seed_the_global_generator_decides():
    torch.manual_seed(1)
    first = build(preset("digits"))
    torch.manual_seed(1)
    second = build(preset("digits"))
    assert torch.equal(first.head.weight, second.head.weight)


def test_the_start_is_vits_usual_one():
    state = build(preset("digits"), seed=0).state_dict()
    for name, tensor in state.items():
        if "patch_embed" in name:
            continue  # a convolution keeps PyTorch's start, as in timm
        if name.endswith("bias"):
            assert not tensor.any(), name
        elif "norm" in name:
            assert (tensor == 1).all(), name
        else:
            assert tensor.std() < 0.03, name


def test_a_given_preprocessing_is_kept():
    spec = Preprocessing(height=224, width=224, resize="squash")
    assert build(ViTConfig(depth=1), spec, seed=0).input == spec


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_configuration_is_a_presets_name_or_a_file(tmp_path, encoding):
    assert configuration("digits") == preset("digits")
    path = tmp_path / "config.json"
    path.write_text(
        json.dumps({"family": "mobile_vmoe", "config": {"width": 96, "top_k": 2}}),
        encoding=encoding,
    )
    assert configuration(str(path)) == MobileVMoEConfig(width=96, top_k=2)


@pytest.mark.parametrize(
    ("content", "code", "name"),
    [
        (b"", "model.config-invalid", None),
        (b"[]", "model.config-invalid", None),
        ('{"family": "vit", "config": {}}'.encode("utf-16"), "model.config-invalid", None),
        (b"{", "model.config-invalid", None),
        (b'{"family": "\xff"}', "model.config-invalid", None),
        (b"[" * 100_000, "model.config-invalid", None),
        (b"{}", "part.unknown", "None"),
        (b'{"family": ["vit"]}', "part.unknown", "['vit']"),
        (b'{"family": "vit"}', "model.config-invalid", "config"),
        (b'{"family": "vit", "config": {"width": NaN}}', "model.config-invalid", None),
        (b'{"family": "vit", "config": {"depths": 1}}', "model.config-invalid", "depths"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused(tmp_path, content, code, name):
    path = tmp_path / "config.json"
    path.write_bytes(content)
    said = {"path": str(path)} if name is None else {"name": name}
    with raises(InputError, code, **said) as caught:
        configuration(str(path))
    assert str(path) in str(caught.value)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, check=lambda error: error.code == "model.config-invalid"):
        configuration(str(tmp_path / "missing.json"))


def _file(tmp_path, content):
    path = tmp_path / "model.json"
    path.write_text(json.dumps(content))
    return str(path)


def test_a_file_may_change_fields_of_a_preset(tmp_path):
    base = preset("mobile_vmoe_6x96_p32_224")
    changed = {"preset": "mobile_vmoe_6x96_p32_224", "config": {"experts": 3, "top_k": 2}}
    path = _file(tmp_path, changed)
    assert configuration(path) == base.replace(experts=3, top_k=2)
    assert left_to_defaults(path) is None
    assert configuration(_file(tmp_path, {"preset": "mobile_vmoe_6x96_p32_224"})) == base


def test_a_file_without_a_preset_says_what_it_leaves_to_defaults(tmp_path):
    path = _file(tmp_path, {"family": "mobile_vmoe", "config": {"width": 96, "heads": 2}})
    line = left_to_defaults(path)
    assert f"depth {MobileVMoEConfig().depth}" in line and "experts 10" in line
    assert "heads" not in line
    assert "experts" not in left_to_defaults(path, {"experts"})
    assert left_to_defaults("digits") is None


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ({"preset": "digits", "family": "uoe"}, "family"),
        ({"preset": 3}, "preset"),
        ({"preset": "digits", "config": {"wings": 2}}, "wings"),
        ({"preset": "digits", "config": [1]}, "config"),
    ],
)
def test_a_file_that_contradicts_its_preset_is_refused(tmp_path, content, name):
    with raises(InputError, "model.config-invalid", name=name):
        configuration(_file(tmp_path, content))


def test_fields_that_are_given_replace_those_of_a_preset():
    changed = with_fields(preset("digits"), experts=2, top_k=None)
    assert changed == preset("digits").replace(experts=2)
    with raises(InputError, "input.option", name="experts"):
        with_fields(preset("vit_digits"), experts=2)
    with raises(InputError, "model.config-invalid", name="top_k"):
        with_fields(preset("digits"), experts=2, top_k=3)
