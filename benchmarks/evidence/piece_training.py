"""One piece of work: a model of one seed trained, looked at, and put down."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec
from filelock import FileLock, Timeout

from evidence.cases import Piece
from evidence.made_on import cpu, versions
from evidence.piece_results import Result, Results
from mvmoe_deploy.cli.output import note

if TYPE_CHECKING:
    from mvmoe_deploy.training import TrainOptions, TrainReport
    from mvmoe_deploy.training.training_report import DenseReport

_LOOK_AGAIN_SECONDS = 0.5


def work_off(pieces: list[Piece], work: Path, results: Results) -> None:
    """Train all that has no result yet; other processes may do the same in the same folders.

    A piece that another process is at is left to it, and waited for in the end. Raises what
    training raises.
    """
    import torch

    torch.set_num_threads(1)
    left = [piece for piece in pieces if results.of(piece) is None]
    while left:
        before = len(left)
        left = [piece for piece in left if not _done(piece, work, results)]
        if len(left) == before:
            time.sleep(_LOOK_AGAIN_SECONDS)


def checkpoint(piece: Piece, work: Path) -> Path:
    """Where the trained model of a piece is, once there is a result and the work was kept."""
    return work / piece.name / (piece.cell.routing or "dense")


def kept_checkpoint(piece: Piece, work: Path, results: Results) -> Path:
    """The trained model of a piece, trained again where a result is all that was kept of it."""
    while not checkpoint(piece, work).exists() and not _done(piece, work, results):
        time.sleep(_LOOK_AGAIN_SECONDS)
    return checkpoint(piece, work)


def _done(piece: Piece, work: Path, results: Results) -> bool:
    """Train a piece; False if another process is at it, or at what it starts from."""
    base = piece.base
    ready = base is None or checkpoint(base, work).exists() or _trained(base, work, results)
    return ready and _trained(piece, work, results)


def _trained(piece: Piece, work: Path, results: Results) -> bool:
    """Train a piece that has no result, or whose checkpoint is needed; False as `_done`."""
    place = work / piece.name
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(f"{place}.lock", timeout=0):
            known = results.of(piece)
            if known is None or not checkpoint(piece, work).exists():
                found = _train(piece, work)
                if known is None:
                    results.put(piece, found)
                    note(f"{piece.name}: {100 * found.top1:.2f}% in {found.seconds['wall']:.0f} s")
    except Timeout:
        return False
    return True


def _train(piece: Piece, work: Path) -> Result:
    """Train one piece, from where it was interrupted."""
    from evidence.shared_batches import SharedBatches
    from mvmoe_deploy.training import train
    from mvmoe_deploy.training.training_progress import Silent

    began, before = time.perf_counter(), time.process_time()
    options = options_of(piece, work)
    report = train(
        options, work / piece.name, resume=True, progress=Silent(), batches=SharedBatches
    )
    figures = _figures(piece, options, report, checkpoint(piece, work))
    spent = {"wall": time.perf_counter() - began, "cpu": time.process_time() - before}
    return Result(
        case=piece.case.name,
        size=piece.size.name,
        cell=piece.cell.name,
        seed=piece.seed,
        steps=_steps(piece, options, report),
        settings=_settings(options),
        seconds={**report.seconds, **{name: round(value, 2) for name, value in spent.items()}},
        versions=versions(),
        machine=cpu(),
        **figures,
    )


def options_of(piece: Piece, work: Path) -> "TrainOptions":
    """The options of a piece's training; raises InputError for a family that is not known."""
    from mvmoe_deploy.training import default_options

    case, cell, base = piece.case, piece.cell, piece.base
    # A run is of a routed model: the dense one is the twin of any of them.
    routed = cell if not cell.is_dense else next(c for c in piece.size.cells if not c.is_dense)
    fields: dict[str, Any] = {**case.recipe, "seed": piece.seed, "threads": 1}
    if base is not None:
        fields["start"] = str(checkpoint(base, work))
    if cell.routing is None:
        fields |= {"routings": (), "dense_epochs": _dense_epochs(piece)}
    else:
        fields |= {"routings": (cell.routing,), "moe_epochs": case.more_epochs}
    return default_options(routed.config(piece.size.dense), case.data, **fields)


def _dense_epochs(piece: Piece) -> int:
    """Epochs of the last phase of a dense model."""
    case = piece.case
    epochs = {"dense": case.dense_epochs, "more": case.more_epochs}
    return {**epochs, "whole": sum(epochs.values())}[piece.cell.phases[-1]]


def _figures(
    piece: Piece, options: "TrainOptions", report: "TrainReport", trained: Path
) -> dict[str, Any]:
    """What a run says of its model, and what is counted."""
    from mvmoe_deploy.models import load_checkpoint
    from mvmoe_deploy.models.counting import count

    counts = asdict(count(load_checkpoint(trained).model.eval()))
    if piece.cell.routing is None:
        dense = cast("DenseReport", report.dense)
        return {
            "top1": dense.test_accuracy,
            "top1_at_start": None,
            "held_out_top1": dense.held_out_accuracy,
            "router_accuracy": None,
            "expert_usage": [],
            "super_classes": None,
            "agreement": None,
            **counts,
        }
    routed = report.routings[0]
    return {
        "top1": routed.test_accuracy,
        "top1_at_start": _top1_at_start(options),
        "held_out_top1": routed.held_out_accuracy,
        "router_accuracy": routed.router_accuracy,
        "expert_usage": routed.expert_usage,
        "super_classes": routed.super_classes,
        "agreement": _agreement(options.data, report.classes, routed.super_classes),
        **counts,
    }


def _top1_at_start(options: "TrainOptions") -> float:
    """Top-1 of what the routed phase begins with, as `train` makes it of the dense model."""
    import torch

    from mvmoe_deploy.models import load_checkpoint
    from mvmoe_deploy.models.families import find_family, seeded
    from mvmoe_deploy.training import load_data
    from mvmoe_deploy.training.batches import Batches
    from mvmoe_deploy.training.evaluation import tally

    dense = load_checkpoint(Path(str(options.start))).model
    with seeded(options.seed):
        model = find_family(options.config.family).from_dense(dense, options.config)
    data = load_data(options.data, options.config)
    batches = Batches(data, options.batch_size, options.seed).evaluation(data.test)
    return tally(model, batches, torch.device("cpu")).accuracy


def _agreement(
    data: str, classes: list[str], super_classes: list[list[str]] | None
) -> float | None:
    """The adjusted Rand index of super-classes and the data set's own groups; None without."""
    from mvmoe_deploy.training.datasets import find_data_set
    from mvmoe_deploy.training.datasets.contract import GroupedClasses

    found = find_data_set(data)
    if super_classes is None or not isinstance(found, GroupedClasses):
        return None
    from sklearn.metrics import adjusted_rand_score

    owner = {name: expert for expert, names in enumerate(super_classes) for name in names}
    return float(adjusted_rand_score(found.groups, [owner[name] for name in classes]))


def _steps(piece: Piece, options: "TrainOptions", report: "TrainReport") -> dict[str, int]:
    """Steps of every phase up to this model."""
    images = report.images["train"]
    each = images // min(options.batch_size, images)
    case = piece.case
    if piece.base is None:
        return {piece.cell.phases[-1]: each * _dense_epochs(piece)}
    return {"dense": each * case.dense_epochs, "more": each * case.more_epochs}


_PLACES = ("start", "weights", "input", "devices", "accelerator", "num_nodes", "workers")
"""Options that say nothing of what was trained, or where it lay."""


def _settings(options: "TrainOptions") -> dict[str, Any]:
    """The options of a training as plain data."""
    plain: dict[str, Any] = msgspec.to_builtins(asdict(options))
    config = {"family": options.config.family, **plain.pop("config")}
    return {"config": config, **{k: v for k, v in plain.items() if k not in _PLACES}}
