"""Several precisions of one format in a bundle: which to ship, and which to leave."""

from collections.abc import Iterator

from mvmoe_bench.advice.contract import Finding, TargetView
from mvmoe_bench.advice.engine_rule import EngineRule
from mvmoe_bench.advice.wording import size
from mvmoe_deploy.bundle.precisions import MOST_LOSS, PrecisionRow, rows_of_targets, smallest
from mvmoe_export.sources import Citation, as_text


def _check(target: TargetView) -> Iterator[Finding]:
    """One finding of the target to ship, and of each smaller one why it is not that."""
    rows = rows_of_targets(target.targets.items())
    alike = [row for row in rows if row.format == target.record.format]
    mine = next((row for row in alike if row.target == target.name), None)
    if mine is None:
        return
    engine = "" if target.engine is None else target.engine.title
    chosen = smallest(alike)
    if mine == chosen:
        yield Finding("info", engine, _ship(mine, len(alike)))
    elif _is_smaller(mine, chosen):
        yield Finding("warning", engine, _why_not(mine, chosen))
    yield from _saves_bytes_alone(target, mine)


def _is_smaller(row: PrecisionRow, chosen: PrecisionRow | None) -> bool:
    """Whether one would be shipped for its bytes; of those that none may be, each."""
    if chosen is None or row.weight_bytes is None or chosen.weight_bytes is None:
        return chosen is None
    return row.weight_bytes < chosen.weight_bytes


def _ship(row: PrecisionRow, count: int) -> str:
    """Why one is the target to ship."""
    if row.target == row.baseline:
        return (
            f"Ship this one of {count} precisions: no compressed one keeps its bounds and loses at "
            f"most {_points(MOST_LOSS)} points"
        )
    weights = "" if row.weight_bytes is None else f", with {size(row.weight_bytes)} of weights"
    share = "" if row.share_of_bytes is None else f" ({row.share_of_bytes:.2f} of {_whole(row)})"
    return (
        f"The smallest of {count} precisions that keeps its bounds{weights}{share}, at "
        f"{_lost(row)}: ship it, once mvmoe bench has shown its time beside the others'"
    )


def _whole(row: PrecisionRow) -> str:
    """What the share of the bytes is of."""
    return "what they would be" if row.baseline is None else f"the target {row.baseline}"


def _lost(row: PrecisionRow) -> str:
    """The loss with its interval, or how it would be known."""
    if row.loss is None or row.least_loss is None or row.most_loss is None:
        return (
            "a loss of right answers that is not known (export with --calibrate and labelled "
            "images, which measures it)"
        )
    interval = f"95% interval {_points(row.least_loss)} to {_points(row.most_loss)}"
    return f"a loss of {_points(row.loss)} points ({interval})"


def _why_not(row: PrecisionRow, chosen: PrecisionRow | None) -> str:
    """Why a smaller one is not to be shipped, and what is."""
    if row.within_bounds is None:
        why = "It was not verified; say what it loses with mvmoe verify --checkpoint"
    elif not row.within_bounds:
        why = "What the export verified is beyond its bounds"
    else:
        why = f"It has {_lost(row)}, more than {_points(MOST_LOSS)}"
    instead = "export with another --precision" if chosen is None else f"ship {chosen.target}"
    return f"{why}; {instead}"


def _points(share: float) -> str:
    """A share in points of a hundred, never as -0.00."""
    return f"{round(100 * share, 2) + 0.0:.2f}"


def _saves_bytes_alone(target: TargetView, row: PrecisionRow) -> Iterator[Finding]:
    """One finding of numbers that the engine is not faster with."""
    compression, engine = target.record.compression, target.engine
    if compression is None or engine is None or compression.weights not in engine.bytes_only:
        return
    beside = "the uncompressed target" if row.baseline is None else row.baseline
    yield Finding(
        "warning",
        engine.title,
        f"Weights in {compression.weights} save bytes on the {engine.title}, and hardly any time "
        f"or none: measure it beside {beside} with mvmoe bench before it ships",
        reason="Fewer bits of a weight are not less arithmetic.",
        source=as_text(engine.bytes_only[compression.weights]),
    )


PART = EngineRule(
    name="precision-choice",
    looks_at="formats that the bundle has in several precisions",
    says="ship the smallest that keeps its bounds and loses at most 0.5 points; which save bytes "
    "and no time",
    gravity="the one to ship: `info`; a smaller one that is not to be, and one that saves bytes "
    "alone: `warning`",
    reason="Each precision loses something else with each model: what counts is what the export "
    "has verified of this one, and right answers of labelled images where there were any.",
    sources=(
        Citation(
            "coremltools, Optimization Workflow, on accuracy that depends on the model",
            "https://apple.github.io/coremltools/docs-guides/source/opt-workflow.html",
        ),
    ),
    check=_check,
)
