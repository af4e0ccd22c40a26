"""The dense ViT: timm's names, and numbers by an implementation written from the formulas."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models import build
from mvmoe_deploy.models.families.vit import ViT, ViTConfig
from mvmoe_deploy.models.families.vit.positions import resample_position_embedding
from mvmoe_deploy.preprocessing import Preprocessing

# fp32 sums in another order, through three layers of weights of order one.
TOLERANCE = 2e-5


def timm_deit_tiny_shapes():
    """Names and shapes of the state dict of timm's deit_tiny_patch16_224."""
    shapes = {
        "cls_token": (1, 1, 192),
        "pos_embed": (1, 197, 192),
        "patch_embed.proj.weight": (192, 3, 16, 16),
        "patch_embed.proj.bias": (192,),
        "norm.weight": (192,),
        "norm.bias": (192,),
        "head.weight": (1000, 192),
        "head.bias": (1000,),
    }
    for block in range(12):
        for name, shape in {
            "norm1.weight": (192,),
            "norm1.bias": (192,),
            "attn.qkv.weight": (576, 192),
            "attn.qkv.bias": (576,),
            "attn.proj.weight": (192, 192),
            "attn.proj.bias": (192,),
            "norm2.weight": (192,),
            "norm2.bias": (192,),
            "mlp.fc1.weight": (768, 192),
            "mlp.fc1.bias": (768,),
            "mlp.fc2.weight": (192, 768),
            "mlp.fc2.bias": (192,),
        }.items():
            shapes[f"blocks.{block}.{name}"] = shape
    return shapes


def test_the_state_dict_has_timms_names_and_shapes():
    state = build(ViTConfig(), seed=0).state_dict()
    assert {name: tuple(tensor.shape) for name, tensor in state.items()} == timm_deit_tiny_shapes()


def test_a_state_dict_of_timms_form_loads_unchanged():
    generator = torch.Generator().manual_seed(0)
    state = {
        name: torch.randn(shape, generator=generator)
        for name, shape in timm_deit_tiny_shapes().items()
    }
    model = build(ViTConfig(), seed=0)
    model.load_state_dict(state, strict=True)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, state[name])


def layer_norm(x, weight, bias, eps):
    mean = x.mean(axis=-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(axis=-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + eps) * weight + bias


def gelu(x, kind):
    if kind == "erf":
        return x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))
    return x * 0.5 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def attention(x, w, prefix, heads):
    """timm's layout: `qkv` is reshaped to [3, heads, head width], `proj` follows."""
    count, width = x.shape
    qkv = (x @ w[f"{prefix}.qkv.weight"].T + w[f"{prefix}.qkv.bias"]).reshape(count, 3, heads, -1)
    mixed = np.empty((count, heads, width // heads))
    for head in range(heads):
        q, k, v = qkv[:, 0, head], qkv[:, 1, head], qkv[:, 2, head]
        scores = np.exp(q @ k.T / math.sqrt(width // heads))
        mixed[:, head] = scores / scores.sum(axis=-1, keepdims=True) @ v
    return mixed.reshape(count, width) @ w[f"{prefix}.proj.weight"].T + w[f"{prefix}.proj.bias"]


def vit_by_formula(image, w, config):
    """Class logits of one image `[C, H, W]` in NumPy fp64, one line of the paper at a time."""
    size, grid = config.patch_size, config.grid
    tokens = [w["cls_token"][0, 0]]
    for row in range(grid):
        for column in range(grid):
            patch = image[
                :, row * size : (row + 1) * size, column * size : (column + 1) * size
            ].ravel()
            kernel = w["patch_embed.proj.weight"].reshape(config.width, -1)
            tokens.append(kernel @ patch + w["patch_embed.proj.bias"])
    x = np.stack(tokens) + w["pos_embed"][0]
    for block in range(config.depth):
        p = f"blocks.{block}"
        norm1 = layer_norm(x, w[f"{p}.norm1.weight"], w[f"{p}.norm1.bias"], config.norm_eps)
        x = x + attention(norm1, w, f"{p}.attn", config.heads)
        norm2 = layer_norm(x, w[f"{p}.norm2.weight"], w[f"{p}.norm2.bias"], config.norm_eps)
        hidden = gelu(norm2 @ w[f"{p}.mlp.fc1.weight"].T + w[f"{p}.mlp.fc1.bias"], config.gelu)
        x = x + hidden @ w[f"{p}.mlp.fc2.weight"].T + w[f"{p}.mlp.fc2.bias"]
    x = layer_norm(x, w["norm.weight"], w["norm.bias"], config.norm_eps)
    pooled = x[0] if config.pool == "cls" else x[1:].mean(axis=0)
    return w["head.weight"] @ pooled + w["head.bias"]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"pool": "mean"},
        {"gelu": "tanh", "in_channels": 3},
        {"heads": 1, "norm_eps": 1e-3, "mlp_ratio": 2.5},
    ],
    ids=str,
)
def test_answers_are_those_of_the_formulas(tiny_vit, images, spread_out, fields):
    config = tiny_vit(**fields)
    model = spread_out(build(config, seed=0))
    weights = {name: tensor.double().numpy() for name, tensor in model.state_dict().items()}
    batch = images(config)
    with torch.no_grad():
        answers = model(batch)
    for image, answer in zip(batch.double().numpy(), answers, strict=True):
        expected = vit_by_formula(image, weights, config)
        np.testing.assert_allclose(answer.numpy(), expected, atol=TOLERANCE, rtol=TOLERANCE)


def test_a_dense_model_has_the_stem_alone(tiny_vit):
    model = build(tiny_vit(), seed=0)
    assert model.routing == ()
    assert model.stage(0, ()) is model
    for index, route in ((1, ()), (0, (0,)), (-1, ())):
        with pytest.raises(InputError, match="a vit has the stem alone"):
            model.stage(index, route)


def test_a_dense_model_cannot_be_forced_on_a_route(tiny_vit, images):
    model = build(tiny_vit(), seed=0)
    with pytest.raises(InputError, match="no routed stage"):
        model(images(tiny_vit()), [(0,)])
    model(images(tiny_vit()), ())


def test_the_answer_for_an_image_does_not_depend_on_the_others(tiny_vit, images, spread_out):
    model = spread_out(build(tiny_vit(), seed=0))
    batch = images(tiny_vit(), batch=5)
    with torch.no_grad():
        together = model(batch)
        alone = torch.cat([model(image[None]) for image in batch])
    torch.testing.assert_close(together, alone, atol=TOLERANCE, rtol=TOLERANCE)


def test_grey_and_colour_models_have_their_usual_preprocessing():
    grey = build(ViTConfig(in_channels=1, depth=1), seed=0).input
    assert (grey.channel_order, grey.mean, grey.std) == ("L", (0.5,), (0.5,))
    colour = build(ViTConfig(depth=1, image_size=32), seed=0).input
    assert colour.shape == (3, 32, 32)
    assert colour.crop_fraction == 0.875


def test_a_preprocessing_of_another_size_is_refused(tiny_vit):
    with pytest.raises(InputError, check=lambda error: error.code == "preprocessing.invalid"):
        ViT(tiny_vit(), Preprocessing(height=224, width=224))


# Position embeddings


def test_position_embeddings_of_the_same_size_are_untouched():
    embedding = torch.randn(1, 17, 8)
    assert resample_position_embedding(embedding, 17) is embedding


@pytest.mark.parametrize("old, new", [(4, 7), (7, 4), (14, 12), (1, 3), (3, 1)])
def test_position_embeddings_are_resampled_as_a_picture(old, new):
    generator = torch.Generator().manual_seed(0)
    embedding = torch.randn(1, 1 + old * old, 6, generator=generator)
    resampled = resample_position_embedding(embedding, 1 + new * new)
    picture = embedding[0, 1:].reshape(old, old, 6).permute(2, 0, 1)[None]
    expected = F.interpolate(picture, size=(new, new), mode="bicubic", antialias=True)
    assert torch.equal(resampled[:, :1], embedding[:, :1])
    for row in range(new):
        for column in range(new):
            given = resampled[0, 1 + row * new + column]
            torch.testing.assert_close(given, expected[0, :, row, column])


def test_resampled_position_embeddings_keep_their_type():
    embedding = torch.randn(1, 5, 4, dtype=torch.bfloat16)
    assert resample_position_embedding(embedding, 10).dtype == torch.bfloat16


@pytest.mark.parametrize("shape", [(1, 6, 4), (1, 1, 4), (1, 0, 4), (2, 5, 4), (1, 18, 4)])
def test_positions_that_are_no_square_grid_are_refused(shape):
    with pytest.raises(InputError, match="not a CLS token and a square grid"):
        resample_position_embedding(torch.zeros(shape), 10)
