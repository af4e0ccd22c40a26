"""The configuration of a Union of Experts."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from mvmoe_deploy.models.families.vit import ViTConfig
from mvmoe_deploy.models.model_config import require
from mvmoe_deploy.routing import Rule
from mvmoe_deploy.routing.top_k import TopK

_TENSORS_OF_SLICE = 3
"""Two weights and a bias: fewer than any expert has."""


@dataclass(frozen=True, kw_only=True)
class UoEConfig(ViTConfig):
    """Union of Experts (arXiv 2503.02495): a ViT whose layers are cut into equal experts.

    The MLP is cut into `experts` slices of its hidden features, attention into `attention_experts`
    groups of heads (None: one for each head; with a shared router as many as `experts`).

    `selection`: `per-image`, each image uses `top_k` slices and `attention_top_k` groups of heads
    (None: half of them; with a shared router `top_k`); or `per-token`, each expert takes the
    `capacity` tokens with its highest scores (None: half of them).

    `routers`, where experts are selected: `shared`, one router behind `dense_layers` layers decides
    for all others; or `per-block`, each block's attention and MLP have their own. `router_input` is
    the token vector that it reads. With `mean_outputs` every expert gives what it gives beyond its
    mean output, and the block adds the means of all: so an expert that is left out is replaced by
    its mean.
    """

    family: ClassVar[str] = "uoe"

    heads: int = 4
    selection: Literal["per-image", "per-token"] = "per-image"
    routers: Literal["shared", "per-block"] = "shared"
    experts: int = 4
    top_k: int = 2
    attention_experts: int | None = None
    attention_top_k: int | None = None
    capacity: int | None = None
    dense_layers: int = 0
    router_input: Literal["cls", "mean"] = "mean"
    mean_outputs: bool = False

    @property
    def is_shared(self) -> bool:
        """Whether one router decides for all routed blocks."""
        return self.selection == "per-image" and self.routers == "shared"

    @property
    def head_groups(self) -> int:
        """Experts of one layer's attention."""
        if self.attention_experts is not None:
            return self.attention_experts
        return self.experts if self.is_shared else self.heads

    @property
    def active_head_groups(self) -> int:
        """Those of them that an image uses."""
        if self.attention_top_k is not None:
            return self.attention_top_k
        return self.top_k if self.is_shared else -(-self.head_groups // 2)

    @property
    def expert_tokens(self) -> int:
        """Tokens that an expert takes, where tokens are selected."""
        return -(-self.tokens // 2) if self.capacity is None else self.capacity

    @property
    def routed_layers(self) -> int:
        """Blocks that are cut into experts."""
        return self.depth - self.dense_layers

    @property
    def routing(self) -> tuple[Rule, ...]:
        """One rule, or one for each routed block's attention and MLP; none for selected tokens."""
        mlp = TopK(experts=self.experts, k=self.top_k, unit_gates=True)
        if self.selection == "per-token":
            return ()
        if self.routers == "shared":
            return (mlp,)
        heads = TopK(experts=self.head_groups, k=self.active_head_groups, unit_gates=True)
        return (heads, mlp) * self.routed_layers

    @property
    def least_tensors(self) -> int:
        """Those of all experts, and of the dense blocks."""
        return super().least_tensors + _TENSORS_OF_SLICE * self.routed_layers * (
            self.experts + self.head_groups - 2
        )

    def __post_init__(self) -> None:
        """Refuse parts that are not equal, and more of them than there are; raises InputError."""
        super().__post_init__()
        self.require_ranges(experts=(1, 4096), top_k=(1, self.experts))
        self.require_ranges(dense_layers=(0, self.depth - 1))
        require(
            self.mlp_width % self.experts == 0,
            f"experts {self.experts}",
            f"a divisor of the MLP's {self.mlp_width} hidden features",
        )
        require(
            1 <= self.head_groups <= self.heads and self.heads % self.head_groups == 0,
            f"attention_experts {self.head_groups}",
            f"a divisor of heads {self.heads}{self._or_own_routers()}",
        )
        require(
            1 <= self.active_head_groups <= self.head_groups,
            f"attention_top_k {self.active_head_groups}",
            f"1 to {self.head_groups}, the number of attention_experts",
        )
        require(
            1 <= self.expert_tokens <= self.tokens,
            f"capacity {self.expert_tokens}",
            f"1 to {self.tokens}, the number of tokens",
        )
        if self.selection == "per-token":
            return
        if self.routers == "shared":
            require(
                (self.head_groups, self.active_head_groups) == (self.experts, self.top_k),
                f"attention_experts {self.head_groups} of which {self.active_head_groups} are used",
                f"experts {self.experts} of which {self.top_k} are used: one router selects both",
            )
        require(
            self.router_input == "mean" or self.dense_layers > 0,
            "router_input cls",
            "mean where dense_layers is 0: the CLS token is the same for every image there",
        )

    def _or_own_routers(self) -> str:
        """What to do where the number of groups was not chosen: a shared router wants `experts`."""
        if not self.is_shared or self.attention_experts is not None:
            return ""
        return (
            " (one router selects heads and slices, so there are as many groups as experts; with "
            "routers per-block there need not be)"
        )
