"""What compression saves and loses, as `mvmoe inspect` and `mvmoe export` show it."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mvmoe_deploy.cli.tables import accuracy_text, percent, points, size, table
from mvmoe_deploy.text import counted

if TYPE_CHECKING:
    from rich.table import Table

    from mvmoe_deploy.bundle.manifest import Calibration, Compression, LeftLayer
    from mvmoe_deploy.bundle.precisions import PrecisionRow
    from mvmoe_deploy.bundle.summary import TargetSummary

_MOST_LEFT = 3
"""Layers that were left and are named one by one; `--json` has all."""
_MOST_FORCED = 4
"""Experts that were sent further images and are named one by one."""


def precision_lines(target: "TargetSummary") -> Iterator[str]:
    """What a target's recipe has done to its layers, and what that costs; nothing if unknown."""
    if (compression := target.compression) is not None:
        stored = None if target.sizes is None else target.sizes.distinct
        yield f"{target.precision}: {_compressed(compression, stored)}"
        if (calibration := compression.calibration) is not None:
            yield _calibrated(calibration)
    found = None if target.parity is None else target.parity.verification
    if found is not None and (known := found.accuracy) is not None:
        yield accuracy_text(known.target, known.reference, known.least_loss, known.most_loss)


def _compressed(compression: "Compression", stored: int | None) -> str:
    """Numbers, bytes, layers, and what was left."""
    plain, smoothed = compression.plain_bytes, compression.smoothed
    share = f"{stored / plain:.2f} of the bytes, " if stored is not None and plain else ""
    moved = f", outliers of {counted(smoothed, 'normalization')} moved" if smoothed else ""
    return (
        f"layers store {compression.weights} and compute in {compression.activations}: {share}"
        f"{counted(compression.layers, 'layer')}, {_left(compression.left)}{moved}"
    )


def _left(layers: "Sequence[LeftLayer]") -> str:
    """How many layers were not compressed, the first with their reasons."""
    if not layers:
        return "none left"
    named = "; ".join(f"{layer.layer}: {layer.reason}" for layer in layers[:_MOST_LEFT])
    more = len(layers) - _MOST_LEFT
    rest = f"; and {more} more (all are in --json)" if more > 0 else ""
    return f"{len(layers)} left ({named}{rest})"


def _calibrated(calibration: "Calibration") -> str:
    """The images that showed ranges, and those that were sent to rare experts besides."""
    sent = [
        f"expert {expert} of stage {stage} was sent {more} more"
        for stage, row in enumerate(calibration.forced, start=1)
        for expert, more in enumerate(row)
        if more
    ]
    rest = len(sent) - _MOST_FORCED
    named = sent[:_MOST_FORCED] + ([f"and {rest} more experts"] if rest > 0 else [])
    return "; ".join([f"calibrated on {counted(calibration.images, 'image')}", *named])


def precision_rows(rows: "Sequence[PrecisionRow]") -> "Table":
    """The targets of one format in several precisions, side by side."""
    baselines = dict.fromkeys(row.baseline_precision for row in rows if row.baseline_precision)
    titles = (
        "target", "precision", "weights", f"of {' or '.join(baselines) or 'uncompressed'}",
        "same route", "agreement", "loss in points", "95% interval",
    )  # fmt: skip
    shown = table(*titles, right={2, 3, 4, 5, 6, 7})
    for row in rows:
        shown.add_row(
            row.target,
            row.precision,
            "-" if row.weight_bytes is None else size(row.weight_bytes),
            "-" if row.share_of_bytes is None else f"{row.share_of_bytes:.2f}",
            percent(row.routing_agreement),
            percent(row.agreement),
            *_loss(row),
        )
    return shown


def _loss(row: "PrecisionRow") -> tuple[str, str]:
    """The loss in points, and its interval."""
    if row.loss is None or row.least_loss is None or row.most_loss is None:
        return "-", "-"
    return points(row.loss), f"{points(row.least_loss)} to {points(row.most_loss)}"
