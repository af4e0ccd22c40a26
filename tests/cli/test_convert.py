"""`mvmoe convert`: dense checkpoints of every kind become routed ones, or it is said why not."""

import json
from dataclasses import asdict

import pytest
import torch
from json_page import documented

from mvmoe_deploy.models import Checkpoint, build, load_checkpoint, save_checkpoint
from mvmoe_deploy.models.families.uoe import PART
from mvmoe_deploy.models.families.vit import ViTConfig
from mvmoe_deploy.training import digits_preprocessing, digits_split

DENSE = ViTConfig(
    image_size=8, patch_size=4, in_channels=1, num_classes=10, width=16, depth=2, heads=4
)
EXACT = 1e-5
"""The same products in fp32, summed in parts, relative to the largest answer."""


@pytest.fixture
def vit():
    """A dense model whose weights are far from their small start."""
    model = build(DENSE, digits_preprocessing(DENSE), seed=0)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    return model.eval()


@pytest.fixture
def dense(vit, tmp_path):
    labels = [f"digit {number}" for number in range(10)]
    save_checkpoint(Checkpoint(vit, labels=labels), tmp_path / "dense")
    return tmp_path / "dense"


@pytest.fixture
def convert(mvmoe, tmp_path):
    """The exit code, the object on stdout, and stderr; the output is `out`."""

    def call(checkpoint, *words, to="uoe"):
        given = ("convert", checkpoint, "--to", to, "-o", tmp_path / "out", *words, "--json")
        code, out, err = mvmoe(*given)
        return code, json.loads(out), err

    return call


def refused(convert, tmp_path, *words, **to):
    code, data, _ = convert(*words, **to)
    assert code == 2
    assert not (tmp_path / "out").exists()
    message: str = data["error"]["message"]
    return message


@pytest.mark.parametrize(
    "settings",
    [
        (),
        ("--set", "routers=per-block", "--set", "attention_top_k=null"),
        ("--set", "selection=per-token", "--set", "capacity=2"),
        ("--set", "experts=2", "--set", "top_k=2"),
    ],
)
def test_a_dense_checkpoint_becomes_a_routed_one(convert, vit, dense, tmp_path, settings):
    code, data, _ = convert(dense, *settings)
    assert code == 0
    assert set(data) == documented()["convert"]
    assert data["complete_error"] < EXACT
    assert (data["routed_error"] < EXACT) == ("top_k=2" in settings)
    loaded = load_checkpoint(tmp_path / "out")
    assert loaded.labels == [f"digit {number}" for number in range(10)]
    assert loaded.model.input == vit.input
    images = torch.randn(3, 1, 8, 8, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        wanted = vit(images)
        torch.testing.assert_close(
            loaded.model.forward_complete(images), wanted, atol=EXACT * wanted.abs().max(), rtol=0
        )


@pytest.mark.parametrize("kind", ["pth", "safetensors"])
def test_a_state_dict_as_timm_writes_it(convert, vit, tmp_path, kind):
    from safetensors.torch import save_file

    path = tmp_path / f"deit.{kind}"
    state = {name: tensor.contiguous() for name, tensor in vit.state_dict().items()}
    if kind == "pth":
        torch.save({"model": state}, path)
    else:
        save_file(state, path)
    config = tmp_path / "vit.json"
    config.write_text(json.dumps({"family": "vit", "config": asdict(DENSE)}))
    code, data, _ = convert(path, "--config", config, "--mean", "0.5", "--std", "0.25")
    assert code == 0
    assert data["complete_error"] < EXACT
    loaded = load_checkpoint(tmp_path / "out").model
    assert (loaded.input.mean, loaded.input.std) == ((0.5,), (0.25,))
    assert loaded.input_origins.get("mean") != "default"
    merged = PART.to_dense(loaded).state_dict()
    assert all(torch.equal(merged[name], tensor) for name, tensor in vit.state_dict().items())


def test_a_family_that_is_no_cut_is_said_to_be_none(convert, mvmoe, dense, tmp_path):
    code, data, _ = convert(dense, "--set", "experts=3", "--set", "moe_layers=1", to="mobile_vmoe")
    assert code == 0
    assert (data["complete_error"], data["calibration_images"]) == (None, None)
    words = ("--to", "mobile_vmoe", "-o", tmp_path / "text", "--set", "moe_layers=1")
    code, out, _ = mvmoe("convert", dense, *words)
    assert code == 0
    assert "with every expert active is no dense model: not compared" in " ".join(out.split())


def test_the_seed_draws_the_routers_and_nothing_else(convert, dense, tmp_path):
    states = []
    for seed in (1, 1, 2):
        assert convert(dense, "--seed", seed, "--force")[0] == 0
        states.append(load_checkpoint(tmp_path / "out").model.state_dict())
    changed = [
        name for name, tensor in states[0].items() if not torch.equal(tensor, states[2][name])
    ]
    assert changed == ["routers.0.weight"]
    assert all(torch.equal(tensor, states[1][name]) for name, tensor in states[0].items())


def test_mean_outputs_are_those_of_training_images(convert, vit, dense, tmp_path):
    code, data, _ = convert(dense, "--calibrate", "digits", "--calibration-images", "10000")
    assert code == 0
    assert data["complete_error"] < EXACT
    model = load_checkpoint(tmp_path / "out").model
    assert model.config.mean_outputs
    from mvmoe_deploy.preprocessing import preprocess

    images, _ = digits_split("train")
    assert data["calibration_images"] == len(images)
    batch = torch.stack([torch.from_numpy(preprocess(image, vit.input)) for image in images])
    batch = batch.reshape(-1, 1, 8, 8)
    with torch.no_grad():
        tokens, block = vit.embed(batch), vit.blocks[0]
        tokens = tokens + block.attn(block.norm1(tokens))
        hidden = block.mlp.act(block.mlp.fc1(block.norm2(tokens)))
        second = (hidden[..., 16:32] @ block.mlp.fc2.weight[:, 16:32].T).mean(dim=(0, 1))
    # Means of 5,000 tokens, in another order of summation.
    torch.testing.assert_close(
        model.blocks[0].mlp.experts[1].fc2.bias, -second, atol=1e-4, rtol=1e-4
    )


def test_some_images_are_enough(convert, dense):
    _, data, _ = convert(dense, "--calibrate", "digits", "--calibration-images", "40")
    assert data["calibration_images"] == 40


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--set", "experts=5"), "experts 5, but it must be a divisor of the MLP's 64"),
        (("--set", "experts=8"), "attention_experts 8, but it must be a divisor of heads 4"),
        (("--set", "experts=8"), "with routers per-block there need not be"),
        (
            ("--set", "selection=per-token", "--set", "capacity=6"),
            "capacity 6, but it must be 1 to 5, the number of tokens",
        ),
        (("--set", "width=8"), "--set width is no field that a uoe has beyond the dense model"),
        (("--set", "expert=4"), "its fields are attention_experts, attention_top_k, capacity, "),
        (("--set", "experts=four"), "does not describe a uoe"),
        (("--set", "top_k=1", "--set", "top_k=2"), "--set top_k was given twice"),
        (("--set", "experts"), "expected NAME=VALUE"),
        (("--calibrate", "digits", "--set", "mean_outputs=false"), "which has no use for it"),
        (("--calibrate", "nowhere"), "nowhere"),
    ],
)
def test_settings_that_make_no_model_are_refused(convert, dense, tmp_path, words, said):
    assert said in refused(convert, tmp_path, dense, *words)


def test_a_family_that_is_not_made_of_a_dense_model_is_refused(convert, dense, tmp_path):
    message = refused(convert, tmp_path, dense, to="vit")
    assert "a vit has no dense twin that it could start from" in message
    message = refused(convert, tmp_path, dense, "--calibrate", "digits", to="mobile_vmoe")
    assert "a mobile_vmoe has nothing that is calibrated" in message


@pytest.mark.parametrize("selection", ["per-image", "per-token"])
def test_a_checkpoint_that_was_cut_is_not_cut_again(convert, dense, tmp_path, selection):
    assert convert(dense, "--set", f"selection={selection}")[0] == 0
    (tmp_path / "out").rename(tmp_path / "cut")
    for to in ("uoe", "mobile_vmoe"):
        message = refused(convert, tmp_path, tmp_path / "cut", to=to)
        assert "is a uoe already, which was made of a dense vit; give the checkpoint" in message


def test_a_model_that_is_no_plain_vit_is_named_layer_by_layer(convert, vit, tmp_path):
    state = vit.state_dict()
    state["blocks.0.ls1.gamma"] = torch.ones(16)
    state["blocks.1.attn.q_norm.weight"] = torch.ones(4)
    state["reg_token"] = torch.zeros(1, 4, 16)
    state.pop("cls_token")
    state["blocks.1.mlp.fc1.weight"] = torch.zeros(128, 16)
    torch.save(state, tmp_path / "other.pth")
    config = tmp_path / "vit.json"
    config.write_text(json.dumps({"family": "vit", "config": asdict(DENSE)}))
    message = refused(convert, tmp_path, tmp_path / "other.pth", "--config", config)
    for name in (
        "blocks.0.ls1.gamma",
        "blocks.1.attn.q_norm.weight",
        "reg_token",
        "cls_token",
        "blocks.1.mlp.fc1.weight",
    ):
        assert name in message


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ((None, "blocks.1.ls2.gamma"), "unknown keys: blocks.1.ls2.gamma"),
        ((None, "blocks.0.attn.k_norm.weight"), "unknown keys: blocks.0.attn.k_norm.weight"),
        ((None, "reg_token"), "unknown keys: reg_token"),
        (("cls_token", None), "missing keys: cls_token"),
        ((None, "blocks.0.mlp.fc1_g.weight"), "unknown keys: blocks.0.mlp.fc1_g.weight"),
        (("norm.bias", "fc_norm.bias"), "missing keys: norm.bias; unknown keys: fc_norm.bias"),
        (("blocks.1.attn.qkv.bias", None), "missing keys: blocks.1.attn.qkv.bias"),
    ],
    ids=["layer-scale", "qk-norm", "registers", "no-cls", "swiglu", "fc-norm", "no-qkv-bias"],
)
def test_each_other_kind_of_vit_is_told_by_its_layers(mvmoe, vit, tmp_path, change, said):
    removed, added = change
    state = {name: tensor for name, tensor in vit.state_dict().items() if name != removed}
    torch.save(state | ({added: torch.ones(16)} if added else {}), tmp_path / "other.pth")
    config = tmp_path / "vit.json"
    config.write_text(json.dumps({"family": "vit", "config": asdict(DENSE)}))
    words = ("--config", config, "--to", "uoe", "-o", tmp_path / "out")
    code, _, err = mvmoe("convert", tmp_path / "other.pth", *words)
    assert code == 2
    assert " ".join(err.split()).endswith(said)
    assert not (tmp_path / "out").exists()


def test_what_is_there_is_kept(convert, dense, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    for words in ((), ("--force",)):
        code, _, _ = convert(dense, *words)
        assert code == 2
    assert (tmp_path / "out" / "notes.txt").read_text() == "mine"


def test_the_source_is_never_written_over(mvmoe, dense):
    code, _, err = mvmoe("convert", dense, "--to", "uoe", "-o", dense, "--force")
    assert code == 2
    assert str(dense) in err
    assert load_checkpoint(dense).config == DENSE


def test_a_model_that_is_not_the_dense_one_is_not_written(convert, dense, tmp_path, monkeypatch):
    """Two slices of an MLP in each other's place: the layer's results are others."""
    cut = PART.from_dense

    def swapped(vit, config):
        model = cut(vit, config)
        one, other = (model.blocks[0].mlp.experts[number].fc1.weight for number in (0, 1))
        with torch.no_grad():
            one.data, other.data = other.data.clone(), one.data.clone()
        return model

    monkeypatch.setattr(PART, "from_dense", swapped)
    code, data, _ = convert(dense)
    assert code == 1
    assert data["error"]["code"] == "check.conversion"
    assert not (tmp_path / "out").exists()
