"""The configuration of a Mobile V-MoE."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from mvmoe_deploy.models.families.vit import ViTConfig
from mvmoe_deploy.routing import Rule
from mvmoe_deploy.routing.top_k import TopK


@dataclass(frozen=True, kw_only=True)
class MobileVMoEConfig(ViTConfig):
    """Mobile V-MoE (arXiv 2309.04354, section 3): dense layers, then `moe_layers` MoE layers.

    `routers`: `shared`, one router before the MoE layers whose one decision serves them all (the
    paper); or `per-layer`, a router before each. `router_input` is the token vector it reads.
    """

    family: ClassVar[str] = "mobile_vmoe"

    experts: int = 10
    moe_layers: int = 2
    top_k: int = 1
    renormalize: bool = False
    routers: Literal["shared", "per-layer"] = "shared"
    router_input: Literal["cls", "mean"] = "cls"

    @property
    def routing(self) -> tuple[Rule, ...]:
        """The same rule at every routed stage."""
        rule = TopK(experts=self.experts, k=self.top_k, renormalize=self.renormalize)
        return (rule,) * self.routed_stages

    @property
    def dense_layers(self) -> int:
        """Layers before the first MoE layer."""
        return self.depth - self.moe_layers

    @property
    def mlps(self) -> int:
        """MLPs of the whole model: one a dense layer, one an expert of each MoE layer."""
        return self.dense_layers + self.moe_layers * self.experts

    @property
    def routed_stages(self) -> int:
        """Routed stages: one for a shared router, else one for each MoE layer."""
        return 1 if self.routers == "shared" else self.moe_layers

    def __post_init__(self) -> None:
        """Refuse sizes that make no network, a `top_k` above `experts` among them."""
        super().__post_init__()
        self.require_ranges(experts=(1, 4096), top_k=(1, self.experts), moe_layers=(1, self.depth))
