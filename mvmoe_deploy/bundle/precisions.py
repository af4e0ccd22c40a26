"""What each precision of a bundle weighs and loses, beside the uncompressed target of its format.

`mvmoe inspect`, the report and the advice show the same figures, which come from here: from
manifests, and from what a results file repeats of one.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Self

import msgspec

from mvmoe_deploy.bundle.manifest import Bounds, Manifest, OptionValue, Target, Verification

MOST_LOSS = 0.005
"""The largest loss of right answers, as a share of images, of a precision that is advised."""

_PRECISION = "precision"
"""The option of targets that differs between the precisions of one format."""


class PrecisionSource(msgspec.Struct, frozen=True, kw_only=True):
    """What a row of the table is made of: part of a target's record."""

    target: str
    format: str
    precision: str
    strategy: str
    options: dict[str, OptionValue]
    weight_bytes: int | None
    """Of its distinct weights; None if the record does not say."""
    uncompressed_bytes: int | None
    """What these would be without the recipe; None for a target without a recipe."""
    bounds: Bounds
    verification: Verification | None

    @classmethod
    def of(cls, name: str, target: Target) -> Self:
        """What the manifest says of a target."""
        return cls(
            target=name,
            format=target.format,
            precision=target.precision,
            strategy=target.strategy,
            options=target.options,
            weight_bytes=None if target.sizes is None else target.sizes.distinct_bytes,
            uncompressed_bytes=None
            if target.compression is None
            else target.compression.plain_bytes,
            bounds=target.bounds,
            verification=None if target.parity is None else target.parity.verification,
        )


class PrecisionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One target: its bytes and what it loses; None where nothing is known."""

    target: str
    format: str
    precision: str
    weight_bytes: int | None
    """Of all distinct weights."""
    baseline: str | None
    """The uncompressed target of the same format; None if the bundle has none."""
    baseline_precision: str | None
    share_of_bytes: float | None
    """Of the baseline's; without one of what the weights would take without the recipe."""
    routing_agreement: float | None
    """The share of verified images on the route that PyTorch takes."""
    agreement: float | None
    """The least of all outputs: how far what is decided is what PyTorch decides."""
    within_bounds: bool | None
    """None if it was not verified."""
    labelled_images: int | None
    loss: float | None
    """The share of right answers that PyTorch has and the target has not; negative for a gain."""
    least_loss: float | None
    most_loss: float | None
    """The ends of its 95% interval."""

    @property
    def may_ship(self) -> bool:
        """Whether it keeps its bounds, and loses little or is not known to lose more."""
        # A difference of two shares has an error of its own: one image of 200 is 0.5 points.
        return bool(self.within_bounds) and (self.loss is None or self.loss <= MOST_LOSS + 1e-9)


def precision_rows(sources: Iterable[PrecisionSource]) -> tuple[PrecisionRow, ...]:
    """A row for each target whose format the bundle has in several precisions, by format."""
    formats: dict[str, list[PrecisionSource]] = {}
    for source in sources:
        formats.setdefault(source.format, []).append(source)
    return tuple(
        _row(source, _baseline(source, alike))
        for alike in formats.values()
        if len({source.precision for source in alike}) > 1
        for source in alike
    )


def rows_of_manifest(manifest: Manifest) -> tuple[PrecisionRow, ...]:
    """The rows of a bundle."""
    return rows_of_targets(manifest.targets.items())


def rows_of_targets(targets: Iterable[tuple[str, Target]]) -> tuple[PrecisionRow, ...]:
    """The rows of targets by name."""
    return precision_rows(PrecisionSource.of(name, target) for name, target in targets)


def smallest(rows: Sequence[PrecisionRow]) -> PrecisionRow | None:
    """The row with the fewest bytes that may ship, of one format; None if none may."""
    fitting = [row for row in rows if row.may_ship and row.weight_bytes is not None]
    return min(fitting, key=lambda row: row.weight_bytes or 0, default=None)


def by_format(rows: Iterable[PrecisionRow]) -> Iterator[tuple[PrecisionRow, ...]]:
    """The rows of each format."""
    found: dict[str, list[PrecisionRow]] = {}
    for row in rows:
        found.setdefault(row.format, []).append(row)
    yield from (tuple(of) for of in found.values())


def _baseline(source: PrecisionSource, alike: Sequence[PrecisionSource]) -> PrecisionSource | None:
    """The uncompressed target that one is compared with: itself if it is one.

    First one with the same strategy and options, then the one with the most bytes.
    """
    plain = [one for one in alike if one.uncompressed_bytes is None and one.weight_bytes]
    return max(plain, key=lambda one: (_same(source, one), one.weight_bytes or 0), default=None)


def _same(source: PrecisionSource, other: PrecisionSource) -> bool:
    """Whether two targets differ in their precision alone."""
    ours, theirs = (
        {name: value for name, value in one.options.items() if name != _PRECISION}
        for one in (source, other)
    )
    return (source.strategy, ours) == (other.strategy, theirs)


def _row(source: PrecisionSource, baseline: PrecisionSource | None) -> PrecisionRow:
    """The row of one target."""
    found = source.verification
    known = None if found is None else found.accuracy
    return PrecisionRow(
        target=source.target,
        format=source.format,
        precision=source.precision,
        weight_bytes=source.weight_bytes,
        baseline=None if baseline is None else baseline.target,
        baseline_precision=None if baseline is None else baseline.precision,
        share_of_bytes=_share(source, baseline),
        routing_agreement=None if found is None else found.routing_agreement,
        agreement=None if found is None else _least_agreement(found),
        within_bounds=None if found is None else _within(found, source.bounds),
        labelled_images=None if known is None else known.images,
        loss=None if known is None else known.loss,
        least_loss=None if known is None else known.least_loss,
        most_loss=None if known is None else known.most_loss,
    )


def _share(source: PrecisionSource, baseline: PrecisionSource | None) -> float | None:
    """The bytes over those of the baseline."""
    whole = source.uncompressed_bytes if baseline is None else baseline.weight_bytes
    return None if source.weight_bytes is None or not whole else source.weight_bytes / whole


def _least_agreement(found: Verification) -> float | None:
    """The least agreement of the outputs that decide anything."""
    shares = (output.agreement for output in found.outputs.values())
    return min((share for share in shares if share is not None), default=None)


def _within(found: Verification, bounds: Bounds) -> bool:
    """Whether what the export verified keeps its bounds; routes of near-ties may differ."""
    changed = (1 - found.routing_agreement) * found.images - found.near_ties
    return (
        found.router_error <= found.router_error_bound
        and found.answer_error <= found.answer_error_bound
        and changed <= (1 - bounds.routing_agreement) * found.images + 1e-6
    )
