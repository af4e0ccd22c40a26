"""The layers of ViT; attribute names are timm's, so that checkpoints load.

Every block is composed from its parts: a stage of one route is made of the model's own modules
in a new frame, without a copy of any weight.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from mvmoe_deploy.models.families.vit.config import ViTConfig


class PatchEmbed(nn.Module):
    """Images `[B, C, H, W]` to patch tokens `[B, N, D]`."""

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        size = config.patch_size
        self.proj = nn.Conv2d(config.in_channels, config.width, size, stride=size)

    def forward(self, images: Tensor) -> Tensor:
        """Project each patch."""
        patches: Tensor = self.proj(images)
        return patches.flatten(2).transpose(1, 2)


class Attention(nn.Module):
    """Multi-head self-attention over tokens `[B, N, D]`."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Attend among all tokens of one image."""
        batch, count, width = tokens.shape
        # timm's order of the rows of qkv: q, k, v, and inside each the heads.
        shape = (batch, count, self.heads, width // self.heads)
        q, k, v = (part.reshape(shape).transpose(1, 2) for part in self.qkv(tokens).chunk(3, -1))
        mixed = F.scaled_dot_product_attention(q, k, v)
        output: Tensor = self.proj(mixed.transpose(1, 2).reshape(batch, count, width))
        return output


class Mlp(nn.Module):
    """Two linear layers with a GELU between, on tokens `[B, N, D]`."""

    def __init__(self, width: int, hidden: int, gelu: str) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.act = nn.GELU(approximate="none" if gelu == "erf" else "tanh")
        self.fc2 = nn.Linear(hidden, width)

    @classmethod
    def of(cls, config: ViTConfig) -> "Mlp":
        """The MLP that `config` describes."""
        return cls(config.width, config.mlp_width, config.gelu)

    def forward(self, tokens: Tensor) -> Tensor:
        """Transform each token."""
        output: Tensor = self.fc2(self.act(self.fc1(tokens)))
        return output


class Block(nn.Module):
    """A pre-norm transformer layer made of its four parts."""

    def __init__(self, norm1: nn.Module, attn: nn.Module, norm2: nn.Module, mlp: nn.Module) -> None:
        super().__init__()
        self.norm1 = norm1
        self.attn = attn
        self.norm2 = norm2
        self.mlp = mlp

    @classmethod
    def of(cls, config: ViTConfig, mlp: nn.Module) -> "Block":
        """The layer that `config` describes, around `mlp`."""
        return cls(
            nn.LayerNorm(config.width, eps=config.norm_eps),
            Attention(config.width, config.heads),
            nn.LayerNorm(config.width, eps=config.norm_eps),
            mlp,
        )

    def with_mlp(self, mlp: nn.Module) -> "Block":
        """This layer's own modules around another MLP; nothing is copied."""
        return Block(self.norm1, self.attn, self.norm2, mlp)

    def forward(self, tokens: Tensor, *routing: Tensor) -> Tensor:
        """Tokens `[B, N, D]` through the layer; `routing` is what its MLP takes besides tokens."""
        tokens = tokens + self.attn(self.norm1(tokens))
        output: Tensor = tokens + self.mlp(self.norm2(tokens), *routing)
        return output
