"""A ViT whose experts choose tokens, for measurements and tests: each sees half of an image's.

The MLP is cut into slices of its hidden features, attention into its heads; each of them takes the
tokens with its highest scores (Union of Experts, arXiv 2503.02495, "data selection"). Written as it
is quickest: one choice for all experts of a layer, and heads that attend side by side.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mvmoe_deploy.models.token_selection import add_tokens, take_tokens, top_tokens


@dataclass(frozen=True)
class Sizes:
    """Of a ViT, in pixels, features and classes."""

    image: int = 224
    patch: int = 32
    width: int = 192
    depth: int = 12
    experts: int = 4
    """Heads of attention, and slices of the MLP."""
    classes: int = 1000

    @property
    def tokens(self) -> int:
        """The patches and the CLS token."""
        return (self.image // self.patch) ** 2 + 1


class Experts(nn.Module):
    """Experts of one layer, each on its half of the tokens; one bias for all that they add."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.experts, self.count = sizes.experts, sizes.tokens // 2
        self.router = nn.Linear(sizes.width, sizes.experts)
        self.bias = nn.Parameter(0.02 * torch.randn(sizes.width))

    def forward(self, into: Tensor, tokens: Tensor) -> Tensor:
        """Tokens `[B, N, D]` with what the experts make of `tokens`, the normalised ones, added."""
        scores = self.router(tokens).softmax(-1).transpose(1, 2)
        index = top_tokens(scores.flatten(0, 1), self.count).reshape(len(tokens), -1)
        rows = take_tokens(tokens, index).split(self.count, 1)
        return add_tokens(into + self.bias, index, torch.cat(self.computed(rows), 1))

    def computed(self, rows: tuple[Tensor, ...]) -> list[Tensor]:
        """What each expert makes of its rows `[B, C, D]`."""
        raise NotImplementedError


class Slices(Experts):
    """An MLP, cut into slices of its hidden features."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__(sizes)
        hidden = 4 * sizes.width // sizes.experts
        self.fc1, self.fc2 = (
            nn.ModuleList(nn.Linear(*ends, bias=first) for _ in range(sizes.experts))
            for first, ends in ((True, (sizes.width, hidden)), (False, (hidden, sizes.width)))
        )

    def computed(self, rows: tuple[Tensor, ...]) -> list[Tensor]:
        """Two layers each."""
        experts = zip(self.fc1, self.fc2, rows, strict=True)
        return [fc2(F.gelu(fc1(mine))) for fc1, fc2, mine in experts]


class Heads(Experts):
    """Attention, cut into its heads: each attends among its own tokens."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__(sizes)
        width = sizes.width // sizes.experts
        self.qkv, self.out = (
            nn.ModuleList(nn.Linear(*ends, bias=first) for _ in range(sizes.experts))
            for first, ends in ((True, (sizes.width, 3 * width)), (False, (width, sizes.width)))
        )

    def computed(self, rows: tuple[Tensor, ...]) -> list[Tensor]:
        """All heads at once between their own layers."""
        heads = torch.stack([qkv(mine) for qkv, mine in zip(self.qkv, rows, strict=True)], 1)
        mixed = F.scaled_dot_product_attention(*heads.chunk(3, -1)).unbind(1)
        return [out(mine) for out, mine in zip(self.out, mixed, strict=True)]


class DataSelectionViT(nn.Module):
    """Images `[B, 3, H, W]` to class logits `[B, classes]`."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, sizes.width, sizes.patch, sizes.patch)
        self.cls = nn.Parameter(torch.randn(1, 1, sizes.width))
        self.places = nn.Parameter(torch.randn(1, sizes.tokens, sizes.width))
        self.norms = nn.ModuleList(nn.LayerNorm(sizes.width) for _ in range(2 * sizes.depth + 1))
        self.layers = nn.ModuleList(
            kind(sizes) for _ in range(sizes.depth) for kind in (Heads, Slices)
        )
        self.head = nn.Linear(sizes.width, sizes.classes)

    def forward(self, image: Tensor) -> Tensor:
        """The class logits, read from the CLS token."""
        tokens = self.patches(image).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.cls.expand(len(tokens), -1, -1), tokens], 1) + self.places
        for norm, layer in zip(self.norms[:-1], self.layers, strict=True):
            tokens = layer(tokens, norm(tokens))
        answer: Tensor = self.head(self.norms[-1](tokens)[:, 0])
        return answer
