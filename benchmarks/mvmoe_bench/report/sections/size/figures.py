"""What bundles weigh: bytes of files, from the manifests."""

from typing import Any

from mvmoe_bench.measure.schema.records import BundleRecord
from mvmoe_bench.report.index import Index
from mvmoe_bench.report.manifest_record import read
from mvmoe_bench.report.statistics import Figure


class TargetSize(Figure, frozen=True):
    """The bytes of one target of a bundle."""

    bundle: str
    target: str
    strategy: str
    precision: str
    graphs: int
    total_bytes: int
    """All its files."""
    shared_bytes: int | None
    """Weights that belong to no single expert; None if the manifest does not say."""
    expert_bytes: tuple[tuple[int, ...], ...]
    """By routed stage, each expert's own weights."""
    other_bytes: int
    """What is left: programs, and weights that are stored more than once."""


def sizes(index: Index) -> tuple[TargetSize, ...] | None:
    """Every target whose manifest says its bytes."""
    return tuple(size for bundle in index.run.bundles for size in target_sizes(bundle)) or None


def total_bytes(index: Index) -> dict[str, int]:
    """The bytes of each target of each bundle, by both names."""
    return {f"{size.bundle}, {size.target}": size.total_bytes for size in sizes(index) or ()}


def target_sizes(bundle: BundleRecord) -> list[TargetSize]:
    """The targets of one bundle whose manifest says their bytes; it may have any shape."""
    found = [_size(bundle.name, name, record) for name, record in bundle.targets.items()]
    return [size for size in found if size.total_bytes]


def _size(bundle: str, target: str, record: dict[str, Any]) -> TargetSize:
    """Shared and expert weights, and what is left of the files."""
    sizes, graphs = record.get("sizes"), record.get("graphs")
    sizes = sizes if isinstance(sizes, dict) else {}
    total = read(record.get("bytes"), int) or 0
    shared = read(sizes.get("shared"), int)
    experts = read(sizes.get("experts"), tuple[tuple[int, ...], ...]) or ()
    return TargetSize(
        bundle=bundle,
        target=target,
        strategy=str(record.get("strategy", "-")),
        precision=str(record.get("precision", "-")),
        graphs=len(graphs) if isinstance(graphs, list) else 0,
        total_bytes=total,
        shared_bytes=shared,
        expert_bytes=experts,
        other_bytes=max(total - (shared or 0) - sum(map(sum, experts)), 0),
    )
