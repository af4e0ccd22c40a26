"""Configurations of the models: frozen, validated, and written in every checkpoint."""

import dataclasses
import typing
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import msgspec

from mvmoe_deploy.errors import InputError

_MAX_TOKENS = 256**2 + 1
"""More would make attention matrices of gigabytes."""


@dataclass(frozen=True, kw_only=True)
class ViTConfig:
    """A Vision Transformer: sizes in pixels, tokens and features.

    `pool` is what the head reads: the CLS token or the mean of the patch tokens.
    """

    family: ClassVar[str] = "vit"

    image_size: int = 224
    patch_size: int = 16
    in_channels: int = 3
    num_classes: int = 1000
    width: int = 192
    depth: int = 12
    heads: int = 3
    mlp_ratio: float = 4.0
    pool: Literal["cls", "mean"] = "cls"
    gelu: Literal["erf", "tanh"] = "erf"
    norm_eps: float = 1e-6

    @property
    def grid(self) -> int:
        """Patches along one side of the image."""
        return self.image_size // self.patch_size

    @property
    def tokens(self) -> int:
        """Tokens of one image: the patches and the CLS token."""
        return self.grid**2 + 1

    @property
    def mlp_width(self) -> int:
        """Hidden features of an MLP."""
        return round(self.width * self.mlp_ratio)

    @property
    def mlps(self) -> int:
        """MLPs of the whole model; each has four tensors of its own."""
        return self.depth

    def __post_init__(self) -> None:
        """Refuse types and sizes that make no network; raises InputError."""
        self._require_types()
        self._require_ranges(
            image_size=(1, 8192),
            patch_size=(1, 8192),
            num_classes=(1, 1_000_000),
            width=(1, 65536),
            depth=(1, 1000),
            heads=(1, 1024),
        )
        _require(self.in_channels in (1, 3), f"in_channels {self.in_channels}", "1 or 3")
        _require(
            self.image_size % self.patch_size == 0,
            f"image_size {self.image_size}",
            f"a multiple of patch_size {self.patch_size}",
        )
        _require(
            self.width % self.heads == 0,
            f"width {self.width}",
            f"a multiple of heads {self.heads}",
        )
        _require(
            0 < self.mlp_ratio <= 64 and self.mlp_width > 0,
            f"mlp_ratio {self.mlp_ratio}",
            "at most 64 and large enough for one hidden feature",
        )
        _require(
            self.tokens <= _MAX_TOKENS,
            f"image_size {self.image_size} and patch_size {self.patch_size}",
            f"of at most {_MAX_TOKENS} tokens",
        )
        _require(0 < self.norm_eps < 1, f"norm_eps {self.norm_eps}", "between 0 and 1")

    def _require_types(self) -> None:
        """Refuse the first field that is not of its declared type."""
        hints = typing.get_type_hints(type(self))
        for field in dataclasses.fields(self):
            hint, value = hints[field.name], getattr(self, field.name)
            try:
                msgspec.convert(value, hint)
            except msgspec.ValidationError as error:
                choices = " or ".join(map(repr, typing.get_args(hint))) or hint.__name__
                raise InputError(
                    f"configuration has {field.name} {value!r}, but it must be {choices}"
                ) from error

    def _require_ranges(self, **ranges: tuple[int, int]) -> None:
        """Refuse the first field outside its closed range."""
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            _require(low <= value <= high, f"{name} {value}", f"{low} to {high}")


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
        self._require_ranges(experts=(1, 4096), top_k=(1, self.experts), moe_layers=(1, self.depth))

    def dense(self) -> ViTConfig:
        """The dense twin: the same network without experts."""
        names = [field.name for field in dataclasses.fields(ViTConfig)]
        return ViTConfig(**{name: getattr(self, name) for name in names})


FAMILIES: dict[str, type[ViTConfig]] = {
    config.family: config for config in (ViTConfig, MobileVMoEConfig)
}


def config_from_dict(family: Any, fields: Any, where: str) -> ViTConfig:
    """The configuration of `family` from plain data; `where` names its source in errors.

    Raises InputError for an unknown family or field, a wrong type, or a value out of range.
    """
    if not isinstance(family, str) or family not in FAMILIES:
        raise InputError(
            f"{where} names the model family {family!r}; known are {', '.join(sorted(FAMILIES))}"
        )
    kind = FAMILIES[family]
    if not isinstance(fields, dict):
        raise InputError(f"{where} has a config that is no object; give the fields of {family}")
    known = {field.name for field in dataclasses.fields(kind)}
    if unknown := sorted(set(fields) - known, key=str):
        raise InputError(
            f"{where} has the unknown field {unknown[0]!r}; {family} knows "
            f"{', '.join(sorted(known))}"
        )
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        raise InputError(f"{where} does not describe a {family}: {error}") from error


def _require(holds: bool, given: str, expected: str) -> None:
    """Raise InputError in this module's one form unless `holds`."""
    if not holds:
        raise InputError(f"configuration has {given}, but it must be {expected}")
