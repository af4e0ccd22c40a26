"""Mean outputs of experts: those of the dense layers' parts, computed here from the ViT alone."""

import dataclasses

import pytest
import torch
import torch.nn.functional as F

from mvmoe_deploy.models import build
from mvmoe_deploy.models.families.uoe import PART, UoEConfig
from mvmoe_deploy.models.families.uoe.calibration import mean_outputs
from mvmoe_deploy.models.families.vit import ViTConfig

DENSE = ViTConfig(
    image_size=8, patch_size=4, in_channels=3, num_classes=3, width=12, depth=3, heads=3
)
FORMS = [{"top_k": 2}, {"routers": "per-block"}, {"selection": "per-token", "capacity": 2}]
CLOSE = {"atol": 1e-5, "rtol": 1e-5}
"""fp32 sums over 50 tokens, in another order."""


@pytest.fixture(scope="module")
def vit():
    """A dense model whose weights are far from their small start."""
    model = build(DENSE, seed=0).eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    return model


@pytest.fixture(scope="module")
def images():
    return torch.randn(10, 3, 8, 8, generator=torch.Generator().manual_seed(2))


def cut(vit, form):
    fields = dataclasses.asdict(DENSE) | {"experts": 3, "mean_outputs": True} | form
    return PART.from_dense(vit, UoEConfig(**fields)).eval()


def by_hand(vit, images):
    """Each layer's means `[3, D]`: of heads, and of thirds of the hidden features."""
    found = {}
    with torch.no_grad():
        tokens = vit.embed(images)
        for number, block in enumerate(vit.blocks):
            for kind, norm in (("attn", block.norm1), ("mlp", block.norm2)):
                parts = (heads if kind == "attn" else slices)(getattr(block, kind), norm(tokens))
                found[f"blocks.{number}.{kind}"] = torch.stack([p.mean((0, 1)) for p in parts])
                bias = block.attn.proj.bias if kind == "attn" else block.mlp.fc2.bias
                tokens = tokens + sum(parts) + bias
    return found


def heads(layer, tokens):
    query, key, value = F.linear(tokens, layer.qkv.weight, layer.qkv.bias).chunk(3, -1)
    given = []
    for rows in torch.arange(12).chunk(3):
        scores = query[..., rows] @ key[..., rows].transpose(1, 2) / len(rows) ** 0.5
        given.append(scores.softmax(-1) @ value[..., rows] @ layer.proj.weight[:, rows].T)
    return given


def slices(layer, tokens):
    hidden = layer.act(layer.fc1(tokens))
    return [
        hidden[..., rows] @ layer.fc2.weight[:, rows].T
        for rows in torch.arange(layer.fc2.in_features).chunk(3)
    ]


@pytest.mark.parametrize("form", FORMS)
def test_means_are_those_of_the_dense_layers_parts(vit, images, form):
    found = mean_outputs(cut(vit, form), images.split(4))
    wanted = by_hand(vit, images)
    assert found.keys() == wanted.keys()
    for name, means in wanted.items():
        torch.testing.assert_close(found[name], means, **CLOSE)


@pytest.mark.parametrize("form", FORMS)
def test_the_dense_answer_stays_and_the_routed_one_does_not(vit, images, form):
    model = cut(vit, form)
    with torch.no_grad():
        before = model(images)
        PART.calibrate(model, images.split(3))
        torch.testing.assert_close(model.forward_complete(images), vit(images), **CLOSE)
        assert (model(images) - before).abs().max() > 100 * CLOSE["atol"]
    merged = PART.to_dense(model).state_dict()
    for name, tensor in vit.state_dict().items():
        torch.testing.assert_close(merged[name], tensor, **CLOSE)


def test_an_expert_that_is_left_out_gives_its_mean(vit, images):
    """Routes of one expert each: the first attention layer, before anything else differs."""
    model = cut(vit, {"routers": "per-block"})
    PART.calibrate(model, [images])
    means = by_hand(vit, images)["blocks.0.attn"]
    layer, block = model.blocks[0].attn, vit.blocks[0]
    with torch.no_grad():
        tokens = block.norm1(vit.embed(images))
        members = torch.tensor([[True, False, False]]).expand(10, 3)
        wanted = heads(block.attn, tokens)[0] + means[1] + means[2] + block.attn.proj.bias
        torch.testing.assert_close(layer(tokens, members, members.float()), wanted, **CLOSE)
