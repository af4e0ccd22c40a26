"""A ViT, V-MoE's and Soft MoE's layers, by loops over tokens in NumPy's double precision.

Written from the papers (arXiv 2010.11929, 2106.05974, 2308.00951); nothing is shared with the
models but the names of the weights.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

Weights = Mapping[str, np.ndarray]
ExpertLayer = Callable[[Weights, np.ndarray], np.ndarray]


def answers(model: Any, images: Any, expert_layer: ExpertLayer) -> np.ndarray:
    """The answers `[B, classes]` of a model with the weights and sizes of `model`.

    `expert_layer` takes a layer's weights (`experts.0.fc1.weight`, ...) and tokens `[N, D]`.
    """
    weights = {name: tensor.double().numpy() for name, tensor in model.state_dict().items()}
    made = [answer(model.config, weights, each, expert_layer) for each in images.double().numpy()]
    return np.stack(made)


def answer(config: Any, weights: Weights, image: np.ndarray, layer: ExpertLayer) -> np.ndarray:
    """The answer of one image `[C, H, W]`."""
    tokens = embedded(config, weights, image)
    norm = partial(normed, eps=config.norm_eps)
    for number in range(config.depth):
        own = below(weights, f"blocks.{number}.")
        tokens = tokens + attention(
            config.heads, below(own, "attn."), norm(below(own, "norm1."), tokens)
        )
        rows, mlp = norm(below(own, "norm2."), tokens), below(own, "mlp.")
        is_dense = "fc1.weight" in mlp
        tokens = tokens + (
            np.stack([mlp_of(mlp, row) for row in rows]) if is_dense else layer(mlp, rows)
        )
    rows = norm(below(weights, "norm."), tokens)
    pooled = rows[0] if config.pool == "cls" else rows[1:].mean(axis=0)
    return weights["head.weight"] @ pooled + weights["head.bias"]


def below(weights: Weights, prefix: str) -> Weights:
    """The weights whose names start with `prefix`, without it."""
    return {name[len(prefix) :]: each for name, each in weights.items() if name.startswith(prefix)}


def embedded(config: Any, weights: Weights, image: np.ndarray) -> np.ndarray:
    """CLS token and patches, row by row, with their positions."""
    size = config.patch_size
    kernel = weights["patch_embed.proj.weight"].reshape(config.width, -1)
    tokens = [weights["cls_token"][0, 0]]
    for top in range(0, config.image_size, size):
        for left in range(0, config.image_size, size):
            patch = image[:, top : top + size, left : left + size].reshape(-1)
            tokens.append(kernel @ patch + weights["patch_embed.proj.bias"])
    return np.stack(tokens) + weights["pos_embed"][0]


def normed(norm: Weights, tokens: np.ndarray, eps: float) -> np.ndarray:
    """LayerNorm of each token."""
    rows = []
    for token in tokens:
        centred = token - token.mean()
        rows.append(centred / math.sqrt((centred**2).mean() + eps) * norm["weight"] + norm["bias"])
    return np.stack(rows)


def attention(heads: int, own: Weights, tokens: np.ndarray) -> np.ndarray:
    """Every head alone."""
    width = tokens.shape[1]
    q, k, v = np.split(tokens @ own["qkv.weight"].T + own["qkv.bias"], 3, axis=1)
    mixed = []
    for columns in np.split(np.arange(width), heads):
        scores = q[:, columns] @ k[:, columns].T / math.sqrt(width // heads)
        mixed.append(np.stack([softmax(row) for row in scores]) @ v[:, columns])
    return np.concatenate(mixed, axis=1) @ own["proj.weight"].T + own["proj.bias"]


def mlp_of(own: Weights, token: np.ndarray) -> np.ndarray:
    """Two linear layers with a GELU between."""
    hidden = own["fc1.weight"] @ token + own["fc1.bias"]
    hidden = np.array([x * 0.5 * (1 + math.erf(x / math.sqrt(2))) for x in hidden])
    return own["fc2.weight"] @ hidden + own["fc2.bias"]


def softmax(row: np.ndarray) -> np.ndarray:
    """Of one row."""
    powers = np.exp(row - row.max())
    return powers / powers.sum()


def experts_of(own: Weights) -> Sequence[Weights]:
    """The weights of each expert of a layer."""
    count = len({name.split(".")[1] for name in own if name.startswith("experts.")})
    return [below(own, f"experts.{number}.") for number in range(count)]


def vmoe_layer(
    own: Weights, tokens: np.ndarray, *, top_k: int, capacity: int, by_confidence: bool
) -> np.ndarray:
    """Algorithm 1 of V-MoE for the tokens of one image; algorithm 2 with `by_confidence`."""
    experts, scores = experts_of(own), [softmax(own["router.weight"] @ token) for token in tokens]
    turns = list(range(len(tokens)))
    if by_confidence:
        turns.sort(key=lambda token: -max(scores[token]))
    free = [capacity] * len(experts)
    added = np.zeros_like(tokens)
    for choice in range(top_k):
        for token in turns:
            expert = sorted(range(len(experts)), key=lambda each: -scores[token][each])[choice]
            if free[expert]:
                free[expert] -= 1
                added[token] += scores[token][expert] * mlp_of(experts[expert], tokens[token])
    return added


def soft_layer(own: Weights, tokens: np.ndarray) -> np.ndarray:
    """Soft MoE's layer, slot by slot and token by token."""
    experts, count = experts_of(own), len(tokens)
    keys = [
        own["phi"][expert][slot]
        for expert in range(len(experts))
        for slot in range(own["phi"].shape[1])
    ]
    scores = np.array(
        [[own["scale"] * (unit(token) @ unit(key)) for key in keys] for token in tokens]
    )
    outputs = []
    for slot in range(len(keys)):
        shares = softmax(scores[:, slot])
        inside = sum(shares[token] * tokens[token] for token in range(count))
        outputs.append(mlp_of(experts[slot // own["phi"].shape[1]], inside))
    mixed = [softmax(scores[token]) for token in range(count)]
    return np.stack(
        [sum(share * out for share, out in zip(row, outputs, strict=True)) for row in mixed]
    )


def unit(vector: np.ndarray) -> np.ndarray:
    """A vector of length 1, as the authors' code makes it."""
    return vector / math.sqrt((vector**2).sum() + 1e-6)
