"""`mvmoe convert`: a trained dense model becomes a model of a family that starts from it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from mvmoe_deploy.cli import early_checks, shared_options
from mvmoe_deploy.cli.group import command
from mvmoe_deploy.cli.output import emit, note, stdout_left_alone
from mvmoe_deploy.cli.progress_bars import progress
from mvmoe_deploy.cli.tables import model_line, scientific
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.text import counted

if TYPE_CHECKING:
    from rich.console import Console

    from mvmoe_deploy.models.contract import FamilyModel


class ConvertedCheckpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint that was made of a dense one."""

    checkpoint: str
    family: str
    source: str
    source_family: str
    seed: int
    complete_error: float | None
    routed_error: float
    calibration_images: int | None
    params_total: int
    params_active: int
    macs: int
    notes: tuple[str, ...]


@command(extra="models")
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.option("--to", "family", type=shared_options.PartName("families"), required=True)
@shared_options.output
@click.option(
    "--set",
    "settings",
    type=shared_options.KeyValue(),
    multiple=True,
    help="A field of the family's configuration that the dense model lacks: experts=4, ...",
)
@click.option(
    "--calibrate",
    type=shared_options.ImageSource(),
    help="Replace experts that are left out by their mean output on these training images.",
)
@click.option(
    "--calibration-images",
    type=click.IntRange(min=1),
    default=1024,
    show_default=True,
    help="How many of them, drawn by --seed.",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the routers."
)
@shared_options.config
@shared_options.weights
@shared_options.input_options
@shared_options.force
def convert(
    *,
    checkpoint: Path,
    family: str,
    output: Path,
    settings: tuple[tuple[str, str], ...],
    calibrate: str | None,
    calibration_images: int,
    seed: int,
    config: str | None,
    weights: str | None,
    force: bool,
    as_json: bool,
    **input_choices: Any,
) -> None:
    """Make the trained dense model in CHECKPOINT a model of another family.

    --config names the configuration of CHECKPOINT, if that is weights alone. The routers are
    random: the model is trained further with mvmoe train --from.
    """
    early_checks.require_checkpoint(checkpoint)
    early_checks.require_configuration(config)
    early_checks.require_new_checkpoint(output, force)

    from mvmoe_deploy.models import (
        Checkpoint,
        InputChoices,
        count,
        dense_conversion,
        load_checkpoint,
        save_checkpoint,
    )
    from mvmoe_deploy.models.checkpoints import require_free
    from mvmoe_deploy.models.presets import configuration
    from mvmoe_deploy.system import output_places

    output_places.refuse_overlap([output], [checkpoint, *shared_options.named_files(config)])
    require_free(output, force)
    chosen = _settings(settings, family, calibrated=calibrate is not None)
    described = configuration(config) if config else None
    choices = InputChoices(**input_choices)
    loaded = load_checkpoint(checkpoint, described, weights=weights, choices=choices)
    wanted = dense_conversion.converted_config(
        loaded.config, family, chosen, f"checkpoint {checkpoint}"
    )
    with stdout_left_alone():
        model = dense_conversion.convert(loaded.model, wanted, seed)
        used = None
        if calibrate is not None:
            used = _calibrate(model, calibrate, calibration_images, seed)
        found = dense_conversion.differences(model, loaded.model)
        dense_conversion.require_exact(found, f"the {family} of checkpoint {checkpoint}")
    save_checkpoint(Checkpoint(model, labels=loaded.labels), output, replace=force)
    counts = count(model)
    for line in loaded.notes:
        note(line)
    made = ConvertedCheckpoint(
        checkpoint=str(output),
        family=family,
        source=str(checkpoint),
        source_family=loaded.config.family,
        seed=seed,
        complete_error=found.complete,
        routed_error=found.routed,
        calibration_images=used,
        params_total=counts.params_total,
        params_active=counts.params_active,
        macs=counts.macs,
        notes=loaded.notes,
    )
    emit(as_json, made, show)


def _settings(given: Sequence[tuple[str, str]], family: str, *, calibrated: bool) -> dict[str, str]:
    """The fields of --set, and that of a model which is calibrated; raises InputError."""
    from mvmoe_deploy.models import find_family

    found: dict[str, str] = {}
    for name, text in given:
        if name in found:
            raise InputError(
                f"--set {name} was given twice; give it once", code="input.option", name=name
            )
        found[name] = text
    if not calibrated:
        return found
    field = find_family(family).calibrated
    if field is None:
        raise InputError(
            f"--calibrate was given, but a {family} has nothing that is calibrated; leave it out",
            code="input.option",
            name="calibrate",
        )
    if found.get(field, "true") != "true":
        raise InputError(
            f"--calibrate was given with --set {field}={found[field]}, which has no use for it; "
            "leave one of them out",
            code="input.option",
            name="calibrate",
        )
    return {**found, field: "true"}


def _calibrate(model: "FamilyModel", data: str, count: int, seed: int) -> int:
    """Calibrate a model on training images, with a bar; gives how many they were."""
    from mvmoe_deploy.models import find_family
    from mvmoe_deploy.training.calibration_images import CalibrationImages

    images = CalibrationImages(data, model, count, seed)
    with progress() as advance:
        advance("calibrate", None, len(images))

        def done(number: int) -> None:
            for _ in range(number):
                advance("calibrate", data, len(images))

        find_family(model.config.family).calibrate(model, images.batches(done))
    return len(images)


def show(out: "Console", made: ConvertedCheckpoint) -> None:
    """Where the checkpoint is, how exact its model, and its size."""
    out.print(f"wrote {made.checkpoint} ({made.family} of the {made.source_family} {made.source})")
    out.print(f"  {model_line(made.params_total, made.params_active, made.macs)}")
    if made.complete_error is None:
        out.print(f"  a {made.family} with every expert active is no dense model: not compared")
    else:
        error = scientific(made.complete_error)
        out.print(f"  largest difference from the dense answer, every expert active: {error}")
    out.print(f"  the same as routed, before any training: {scientific(made.routed_error)}")
    if made.calibration_images is not None:
        out.print(f"  calibrated on {counted(made.calibration_images, 'training image')}")


PART = convert
