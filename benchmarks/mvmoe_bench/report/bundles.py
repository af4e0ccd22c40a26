"""What a bundle weighs and how it compared with PyTorch when it was exported."""

from typing import Any

import msgspec

from mvmoe_bench.measure.schema.records import BundleRecord
from mvmoe_bench.report.estimates import Figure
from mvmoe_deploy.bundle.manifest import Verification


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
        routed_stages=len(record.experts),
        experts=record.experts,
        targets=tuple(_target(name, said) for name, said in record.targets.items()),
    )


def _target(name: str, said: dict[str, Any]) -> TargetFigure:
    """One target, from what `mvmoe inspect --json` says of it."""
    graphs, parity = said.get("graphs"), said.get("parity")
    return TargetFigure(
        name=name,
        strategy=str(said.get("strategy", "-")),
        precision=str(said.get("precision", "-")),
        graphs=len(graphs) if isinstance(graphs, list) else 0,
        size=_size(said),
        parity=_parity(parity.get("verification") if isinstance(parity, dict) else None),
    )


def _size(said: dict[str, Any]) -> Size:
    """Shared and expert weights, and what is left of the files."""
    total = _read(said.get("bytes"), int) or 0
    found = said.get("sizes")
    sizes = found if isinstance(found, dict) else {}
    shared = _read(sizes.get("shared"), int)
    experts = _read(sizes.get("experts"), tuple[tuple[int, ...], ...]) or ()
    known = (shared or 0) + sum(map(sum, experts))
    return Size(
        total_bytes=total,
        shared_bytes=shared,
        expert_bytes=experts,
        other_bytes=max(total - known, 0),
    )


def _parity(found: Any) -> ParityFigure | None:
    """The verification, if there was one."""
    its = _read(found, Verification)
    if its is None:
        return None
    names = [name for name in ParityFigure.__struct_fields__ if name != "within"]
    within = (
        its.router_error <= its.router_error_bound and its.answer_error <= its.answer_error_bound
    )
    return ParityFigure(**{name: getattr(its, name) for name in names}, within=within)


def _read(found: Any, kind: Any) -> Any:
    """What was found, if it is of the kind; else None."""
    try:
        return msgspec.convert(found, kind)
    except msgspec.ValidationError:
        return None
