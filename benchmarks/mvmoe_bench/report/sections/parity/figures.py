"""How a bundle compared with PyTorch when it was exported, from its manifest."""

from collections.abc import Iterator

from mvmoe_bench.measure.schema.records import BundleRecord
from mvmoe_bench.report.index import Index
from mvmoe_bench.report.manifest_record import read
from mvmoe_bench.report.statistics import Figure
from mvmoe_deploy.bundle.manifest import Verification


class TargetParity(Figure, frozen=True):
    """What the export's verification found for one target; see docs/verify.md."""

    bundle: str
    target: str
    routed: bool
    """Whether the model routes."""
    found: Verification

    @property
    def within(self) -> bool:
        """Whether both errors are within their bounds."""
        found = self.found
        router = found.router_error <= found.router_error_bound
        return router and found.answer_error <= found.answer_error_bound


def parity(index: Index) -> tuple[TargetParity, ...] | None:
    """Every target that was verified."""
    return tuple(found for bundle in index.run.bundles for found in target_parities(bundle)) or None


def target_parities(bundle: BundleRecord) -> Iterator[TargetParity]:
    """The targets of one bundle that were verified; its record may have any shape."""
    routed = bool(bundle.experts)
    for name, record in bundle.targets.items():
        said = record.get("parity")
        found = read(said.get("verification"), Verification) if isinstance(said, dict) else None
        if found is not None:
            yield TargetParity(bundle=bundle.name, target=name, routed=routed, found=found)
