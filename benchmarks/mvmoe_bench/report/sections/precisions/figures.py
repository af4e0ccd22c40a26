"""Bytes and losses from the manifests, times from the answers: a row for each target.

Only formats that a bundle has in several precisions have rows. A target that was measured with
several engines, or in several places of one, has a row for each.
"""

from collections.abc import Iterator
from typing import Any

from mvmoe_bench.measure.schema.records import BundleRecord, EngineChoice, SubjectRecord
from mvmoe_bench.report.index import Index
from mvmoe_bench.report.manifest_record import read
from mvmoe_bench.report.statistics import MS, Estimate, Figure, Ratio, conclusive
from mvmoe_bench.report.subjects import is_product
from mvmoe_deploy.bundle.manifest import Bounds, OptionValue, Verification
from mvmoe_deploy.bundle.precisions import PrecisionRow, PrecisionSource, precision_rows


class PrecisionFigure(Figure, frozen=True):
    """One target of a bundle, where it was measured."""

    bundle: str
    row: PrecisionRow
    """What the manifest says: bytes, agreement, loss."""
    requested: EngineChoice | None
    """None if it was not measured."""
    time_ms: Estimate | None
    """The median of an answer."""
    ratio: Ratio | None
    """How many times as long it takes as the uncompressed target, round by round; None of that
    target itself, and where that was not measured beside it."""

    @property
    def slower(self) -> bool:
        """Whether it takes longer than the uncompressed target, beyond doubt."""
        return (
            self.ratio is not None
            and conclusive(self.ratio)
            and self.ratio.low is not None
            and self.ratio.low > 1
        )


Precisions = tuple[PrecisionFigure, ...]


def precisions(index: Index) -> Precisions | None:
    """Every target of a measured bundle that has its format in several precisions."""
    products = [s for s in index.run.subjects if is_product(s) and index.natural(s.key)]
    found = tuple(
        figure
        for bundle in index.run.bundles
        for row in bundle_rows(bundle)
        for figure in _figures(index, bundle.name, row, products)
    )
    return found or None


def bundle_rows(bundle: BundleRecord) -> tuple[PrecisionRow, ...]:
    """What the record of a bundle says, which may have any shape."""
    return precision_rows(_source(name, record) for name, record in bundle.targets.items())


def _source(name: str, record: dict[str, Any]) -> PrecisionSource:
    """What is known of one target."""
    sizes, parity, compression = (_inner(record, key) for key in ("sizes", "parity", "compression"))
    return PrecisionSource(
        target=name,
        format=str(record.get("format", name)),
        precision=str(record.get("precision", "-")),
        strategy=str(record.get("strategy", "-")),
        options=read(record.get("options"), dict[str, OptionValue]) or {},
        weight_bytes=read(sizes.get("distinct"), int),
        uncompressed_bytes=read(compression.get("plain_bytes"), int),
        bounds=read(record.get("bounds"), Bounds) or Bounds(),
        verification=read(parity.get("verification"), Verification),
    )


def _inner(record: dict[str, Any], key: str) -> dict[str, Any]:
    """An object within a record; an empty one if there is none."""
    found = record.get(key)
    return found if isinstance(found, dict) else {}


def _figures(
    index: Index, bundle: str, row: PrecisionRow, products: list[SubjectRecord]
) -> Iterator[PrecisionFigure]:
    """A figure for each place where a target was measured; one without a time if it was not."""
    of_bundle = [subject for subject in products if subject.bundle == bundle]
    measured = [subject for subject in of_bundle if subject.target == row.target]
    for subject in measured:
        plain = next((s for s in of_bundle if _is_baseline(s, row, subject)), None)
        yield PrecisionFigure(
            bundle=bundle,
            row=row,
            requested=subject.requested,
            time_ms=index.per_repeat(
                index.natural(subject.key), lambda sample: sample.ns * MS
            ).estimate(),
            ratio=None
            if plain is None
            else index.paired_ratio(subject.key, plain.key, lambda sample: sample.ns),
        )
    if not measured:
        yield PrecisionFigure(bundle=bundle, row=row, requested=None, time_ms=None, ratio=None)


def _is_baseline(other: SubjectRecord, row: PrecisionRow, subject: SubjectRecord) -> bool:
    """Whether a subject is the uncompressed target of another, measured in the same way."""
    alike = (subject.name, subject.requested, subject.threads)
    same = (other.name, other.requested, other.threads) == alike
    return same and other.target == row.baseline and row.target != row.baseline
