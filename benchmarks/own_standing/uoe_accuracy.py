"""What a cut into a Union of Experts costs in accuracy, and what fine-tuning gives back.

`python -m own_standing.uoe_accuracy FOLDER` trains what is not in FOLDER yet, on digits and on
Fashion-MNIST, and prints the tables of `docs/families/uoe.md`. Every figure is of the test images;
nothing was chosen by them. Intervals are Student's, over the seeds.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np

from mvmoe_deploy.cli.process import run_command
from mvmoe_deploy.models.families.uoe import PART, UoEConfig
from mvmoe_deploy.models.families.vit import DIGITS, ViTConfig

_FORMS: Mapping[str, Mapping[str, Any]] = {
    "images, one router": {},
    "images, a router for each part": {"routers": "per-block"},
    "tokens": {"selection": "per-token"},
}
"""By what is routed, the fields of `UoEConfig` for it: images to 2 of 4 slices and to half of the
heads, or to every expert half of the tokens."""

_FROM_NOTHING = ("images, one router", "tokens")
"""One form of each paradigm, for the question whether the dense start is worth anything."""

_PROGRAM = "python -m own_standing.uoe_accuracy"
_ROUTING = "end-to-end"
_AS_TRAINED = "as trained"
_SURE = 0.95
_BATCH, _CALIBRATED = 128, 8
"""Images of a batch, and batches that mean outputs are taken of."""


@dataclass(frozen=True)
class Case:
    """A data set, a dense model, and how long each is trained."""

    data: str
    dense: ViTConfig
    epochs: int
    """Of the dense model."""
    tuned: int
    """More epochs of the dense model, and of each model that was cut from it."""
    from_nothing: bool
    """Whether forms are trained from random weights too, for all these epochs together."""
    recipe: Mapping[str, Any]

    def config(self, form: str, **fields: Any) -> UoEConfig:
        """The configuration of one form."""
        return UoEConfig(**asdict(self.dense), **_FORMS[form], **fields)


CASES = (
    Case("digits", DIGITS, epochs=34, tuned=18, from_nothing=True, recipe={}),
    Case(
        "fashion-mnist",
        ViTConfig(
            image_size=28, patch_size=7, in_channels=1, num_classes=10, width=48, depth=4, heads=4
        ),
        epochs=4,
        tuned=2,
        from_nothing=False,
        recipe={},
    ),
)


class Row(NamedTuple):
    """Top-1 of one model for every seed, and the difference to its dense model's."""

    form: str
    what: str
    top1: tuple[float, ...]
    difference: tuple[float, ...]


def measure(case: Case, folder: Path, seeds: Sequence[int]) -> list[Row]:
    """A row for each model; what was trained before is read from `folder`."""
    found = [dict(_of_seed(case, folder / f"{seed}", seed)) for seed in seeds]
    rows = []
    for form, what in found[0]:
        top1 = tuple(each[form, what] for each in found)
        dense = (each["dense", _AS_TRAINED] for each in found)
        difference = tuple(one - other for one, other in zip(top1, dense, strict=True))
        rows.append(Row(form, what, top1, difference))
    return rows


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The mean of some seeds, and half of its interval of 95%; raises ValueError for one seed."""
    if len(values) < 2:
        raise ValueError(f"{len(values)} seeds have no interval; give at least two")
    from scipy import stats

    spread = float(stats.sem(values))
    return float(np.mean(values)), spread * float(stats.t.ppf((1 + _SURE) / 2, len(values) - 1))


def _of_seed(case: Case, folder: Path, seed: int) -> Iterator[tuple[tuple[str, str], float]]:
    """Form, kind and top-1 of every model of one seed."""
    first = next(iter(_FORMS))
    tuned = _trained(case, folder / "dense", case.config(first), seed, dense_epochs=case.epochs)
    dense = folder / "dense" / "dense"
    yield ("dense", _AS_TRAINED), tuned.dense.test_accuracy
    more = _trained(
        case, folder / "more", case.config(first), seed, start=dense,
        dense_epochs=case.tuned, moe_epochs=1,
    )  # fmt: skip
    yield ("dense", "trained further"), more.dense.test_accuracy
    for number, form in enumerate(_FORMS):
        yield (form, "cut"), _cut_top1(case, dense, form, seed)
        yield (form, "cut, with mean outputs"), _cut_top1(case, dense, form, seed, means=True)
        place, config = folder / f"tuned-{number}", case.config(form)
        report = tuned if form == first else _trained(case, place, config, seed, start=dense)
        yield (form, "fine-tuned"), report.routings[0].test_accuracy
        if case.from_nothing and form in _FROM_NOTHING:
            start = _random(case, folder / f"random-{number}", form, seed)
            place = folder / f"from-nothing-{number}"
            epochs = case.epochs + case.tuned
            report = _trained(case, place, config, seed, start=start, moe_epochs=epochs)
            yield (form, "from nothing"), report.routings[0].test_accuracy


def _trained(case: Case, place: Path, config: UoEConfig, seed: int, **changes: Any) -> Any:
    """The report of a training run, which is done only once."""
    from mvmoe_deploy.training import default_options, train

    if "start" in changes:
        changes["start"] = str(changes["start"])
    fields = {"moe_epochs": case.tuned, **case.recipe, **changes}
    options = default_options(
        config, case.data, routings=(_ROUTING,), seed=seed, threads=1, **fields
    )
    return train(options, place, resume=True)


def _random(case: Case, place: Path, form: str, seed: int) -> Path:
    """A checkpoint of one form with the weights that a dense training begins with."""
    from mvmoe_deploy.models import Checkpoint, save_checkpoint
    from mvmoe_deploy.models.families import find_family, seeded
    from mvmoe_deploy.training import load_data

    config = case.config(form)
    if not place.exists():
        with seeded(seed):
            preprocessing = load_data(case.data, config).preprocessing
            dense = find_family(config.dense().family).start(config.dense(), preprocessing)
            save_checkpoint(Checkpoint(PART.from_dense(dense, config)), place)
    return place


def _cut_top1(case: Case, dense: Path, form: str, seed: int, means: bool = False) -> float:
    """Top-1 of the dense model cut without any training; its routers are random.

    With `means`, what leaves an expert out gets its mean output on training images instead.
    """
    import torch

    from mvmoe_deploy.models import load_checkpoint
    from mvmoe_deploy.models.families import seeded
    from mvmoe_deploy.training import load_data
    from mvmoe_deploy.training.batches import Batches
    from mvmoe_deploy.training.evaluation import tally

    config = case.config(form, mean_outputs=means)
    with seeded(seed):
        model = PART.from_dense(load_checkpoint(dense).model, config)
    data = load_data(case.data, config)
    batches = Batches(data, _BATCH, seed)
    if means:
        images = (images for images, _ in islice(batches.evaluation(data.train), _CALIBRATED))
        PART.calibrate(model.eval(), images)
    return tally(model, batches.evaluation(data.test), torch.device("cpu")).accuracy


def show(case: Case, rows: Sequence[Row]) -> None:
    """Print the table of a data set."""
    count = len(rows[0].top1)
    sys.stdout.write(
        f"\n{case.data}: {case.dense.depth}x{case.dense.width}, patches of "
        f"{case.dense.patch_size}, {case.epochs} epochs and {case.tuned} more, {count} seeds\n\n"
        "| model | how | top-1 in % | points to dense |\n|---|---|---|---|\n"
    )
    for row in rows:
        difference = "" if not any(row.difference) else _points(row.difference, signed=True)
        sys.stdout.write(f"| {row.form} | {row.what} | {_points(row.top1)} | {difference} |\n")
    sys.stdout.flush()


def _points(values: Sequence[float], signed: bool = False) -> str:
    """Mean and interval in percentage points."""
    mean, half = interval(values)
    return f"{100 * mean:{'+' if signed else ''}.2f} ± {100 * half:.2f}"


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--data", type=click.Choice([case.data for case in CASES]), multiple=True)
@click.option("--seeds", type=click.IntRange(min=2), default=3)
def uoe_accuracy(folder: Path, data: tuple[str, ...], seeds: int) -> None:
    """Train what is not in FOLDER yet, and print a table for each data set."""
    for case in CASES:
        if not data or case.data in data:
            show(case, measure(case, folder / case.data, range(seeds)))


if __name__ == "__main__":
    run_command(uoe_accuracy, _PROGRAM, None)
