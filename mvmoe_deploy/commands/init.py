"""`mvmoe init`: a checkpoint with random weights."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from mvmoe_deploy.cli import early_checks, shared_options
from mvmoe_deploy.cli.group import command
from mvmoe_deploy.cli.output import emit
from mvmoe_deploy.cli.tables import model_line

if TYPE_CHECKING:
    from rich.console import Console


class NewCheckpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint that was written."""

    checkpoint: str
    family: str
    seed: int
    params_total: int
    params_active: int
    macs: int


@command(extra="models")
@click.argument("preset", type=shared_options.PRESET)
@shared_options.output
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@shared_options.input_options
@shared_options.force
def init(
    preset: str, output: Path, seed: int, force: bool, as_json: bool, **input_choices: Any
) -> None:
    """Write a checkpoint with random weights.

    PRESET is the name of a preset, or a JSON file {"family": ..., "config": {...}}. The checkpoint
    is a directory, or one file if the output ends in .safetensors.
    """
    early_checks.require_configuration(preset)
    early_checks.require_new_checkpoint(output, force)

    from mvmoe_deploy.models import Checkpoint, InputChoices, build, count, save_checkpoint
    from mvmoe_deploy.models.checkpoints import require_free
    from mvmoe_deploy.models.input_choices import resolve_input
    from mvmoe_deploy.models.presets import configuration
    from mvmoe_deploy.system import output_places

    output_places.refuse_overlap([output], shared_options.named_files(preset))
    require_free(output, force)
    config = configuration(preset)
    chosen = resolve_input(config, {}, InputChoices(**input_choices))
    model = build(config, chosen.preprocessing, seed=seed)
    model.input_origins = chosen.origins
    save_checkpoint(Checkpoint(model), output, replace=force)
    counts = count(model)
    made = NewCheckpoint(
        checkpoint=str(output),
        family=model.config.family,
        seed=seed,
        params_total=counts.params_total,
        params_active=counts.params_active,
        macs=counts.macs,
    )
    emit(as_json, made, show)


def show(out: "Console", made: NewCheckpoint) -> None:
    """Where the checkpoint is, and the size of its model."""
    out.print(f"wrote {made.checkpoint} ({made.family}, random weights)")
    out.print(f"  {model_line(made.params_total, made.params_active, made.macs)}")


PART = init
