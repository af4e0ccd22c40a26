"""What a bundle weighs and how it compared with PyTorch when it was exported."""

from typing import Any

from mvmoe_bench.figures.common import Figure
from mvmoe_bench.records import BundleRecord


class Size(Figure):
    """The bytes of one target."""

    total_bytes: int
    """All its files."""
    shared_bytes: int | None
    """Weights that belong to no single expert; None if the manifest does not say."""
    expert_bytes: tuple[tuple[int, ...], ...]
    """By routed stage, each expert's own weights."""
    other_bytes: int
    """What is left: programs, and weights that are stored more than once."""


class ParityFigure(Figure):
    """What the export's verification found for one target; see docs/verify.md."""

    images: int
    routing_agreement: float
    top1_agreement: float
    near_ties: int
    """Images whose route rounding may flip."""
    forced_routes: int
    router_error: float
    router_error_bound: float
    answer_error: float
    answer_error_bound: float
    max_abs_error: float
    psnr_db: float | None
    within: bool
    """Whether both errors are within their bounds."""


class TargetFigure(Figure):
    """One target of a bundle."""

    name: str
    strategy: str
    precision: str
    graphs: int
    size: Size
    parity: ParityFigure | None


class BundleFigure(Figure):
    """One bundle."""

    name: str
    sha256: str
    model: str
    family: str
    params_total: int
    params_active: int
    macs: int
    """Multiply-accumulates that one image needs."""
    routed_stages: int
    experts: tuple[int, ...]
    """By routed stage."""
    targets: tuple[TargetFigure, ...]


def bundle(record: BundleRecord) -> BundleFigure:
    """A bundle's figures; what its record does not hold is left out, whatever shape it has."""
    return BundleFigure(
        name=record.name,
        sha256=record.sha256,
        model=record.model,
        family=record.family,
        params_total=record.params_total,
        params_active=record.params_active,
        macs=record.macs,
        routed_stages=len(record.rules),
        experts=tuple(rule.experts for rule in record.rules),
        targets=tuple(_target(name, said) for name, said in record.targets.items()),
    )


def _target(name: str, said: dict[str, Any]) -> TargetFigure:
    """One target, from what `mvmoe inspect --json` says of it."""
    return TargetFigure(
        name=name,
        strategy=str(said.get("strategy", "-")),
        precision=str(said.get("precision", "-")),
        graphs=len(said.get("graphs") or ()),
        size=_size(said),
        parity=_parity((said.get("parity") or {}).get("verification")),
    )


def _size(said: dict[str, Any]) -> Size:
    """Shared and expert weights, and what is left of the files."""
    sizes = said.get("sizes") or {}
    total = int(said.get("bytes") or 0)
    shared = sizes.get("shared")
    experts = tuple(tuple(int(size) for size in stage) for stage in sizes.get("experts") or ())
    known = int(shared or 0) + sum(map(sum, experts))
    return Size(
        total_bytes=total,
        shared_bytes=None if shared is None else int(shared),
        expert_bytes=experts,
        other_bytes=max(total - known, 0),
    )


def _parity(found: dict[str, Any] | None) -> ParityFigure | None:
    """The verification, if there was one."""
    if not found:
        return None
    names = [name for name in ParityFigure.__struct_fields__ if name != "within"]
    if any(name not in found for name in names):
        return None
    within = (
        found["router_error"] <= found["router_error_bound"]
        and found["answer_error"] <= found["answer_error_bound"]
    )
    return ParityFigure(**{name: found[name] for name in names}, within=within)
