"""`mvmoe init`: a checkpoint with random weights."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from mvmoe_deploy.cli import early_checks, shared_options
from mvmoe_deploy.cli.group import command
from mvmoe_deploy.cli.output import emit, note, stdout_left_alone
from mvmoe_deploy.cli.tables import model_line
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.system import output_places

if TYPE_CHECKING:
    from rich.console import Console

    from mvmoe_deploy.models import RoutedModel
    from mvmoe_deploy.models.model_config import ModelConfig


class NewCheckpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint that was written."""

    checkpoint: str
    family: str
    seed: int
    params_total: int
    params_active: int
    macs: int


@command(extra="models")
@click.argument("preset", required=False, type=shared_options.PRESET)
@shared_options.own_model
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path),
    help="Weights of --model to write again, in the form that every command reads.",
)
@shared_options.weights
@shared_options.model_fields
@click.option("--classes", type=int, metavar="N", help="Classes, instead of the preset's.")
@shared_options.output
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@shared_options.input_options
@shared_options.force
def init(
    *,
    preset: str | None,
    factory: str | None,
    checkpoint: Path | None,
    weights: str | None,
    output: Path,
    seed: int,
    experts: int | None,
    top_k: int | None,
    classes: int | None,
    force: bool,
    as_json: bool,
    **input_choices: Any,
) -> None:
    """Write a checkpoint with random weights.

    PRESET is the name of a preset, or a JSON file: {"preset": ..., "config": {...}} with what is
    different from it, or {"family": ..., "config": {...}}. Instead of it
    --model names a model of your own, whose weights are those that its factory gives it. The
    checkpoint is a directory, or one file if the output ends in .safetensors.
    """
    early_checks.require_checkpoint(checkpoint)
    early_checks.require_configuration(preset)
    read = [] if checkpoint is None else [checkpoint]
    output_places.refuse_overlap([output], [*read, *shared_options.named_files(preset)])
    early_checks.require_new_checkpoint(output, force)

    from mvmoe_deploy.models import count
    from mvmoe_deploy.models.checkpoints import require_free
    from mvmoe_deploy.models.presets import configuration, left_to_defaults, with_fields

    require_free(output, force)
    if factory is not None:
        fields = {"experts": experts, "top_k": top_k, "classes": classes}
        shared_options.refuse_with_model(PRESET=preset, **fields, **input_choices)
        with stdout_left_alone():
            family, model = _own(
                factory, checkpoint, weights, seed=seed, output=output, force=force
            )
            counts = count(model)
    elif preset is None or checkpoint is not None or weights is not None:
        raise InputError(
            "no model was given; give PRESET alone, or --model MODULE:FACTORY",
            code="input.option",
            name="preset",
        )
    else:
        fields = {"experts": experts, "top_k": top_k, "num_classes": classes}
        config = with_fields(configuration(preset), **fields)
        said = {name for name, value in fields.items() if value is not None}
        family, model = _of_config(config, seed, output, force, input_choices)
        if (line := left_to_defaults(preset, said)) is not None:
            note(line)
        counts = count(model)
    made = NewCheckpoint(
        checkpoint=str(output),
        family=family,
        seed=seed,
        params_total=counts.params_total,
        params_active=counts.params_active,
        macs=counts.macs,
    )
    emit(as_json, made, show)


def _of_config(
    config: "ModelConfig", seed: int, output: Path, force: bool, input_choices: dict[str, Any]
) -> "tuple[str, RoutedModel]":
    """Write a model of a family; its family and the model."""
    from mvmoe_deploy.models import Checkpoint, InputChoices, build, save_checkpoint
    from mvmoe_deploy.models.input_choices import resolve_input

    chosen = resolve_input(config, {}, InputChoices(**input_choices))
    model = build(config, chosen.preprocessing, seed=seed)
    model.input_origins = chosen.origins
    save_checkpoint(Checkpoint(model), output, replace=force)
    return config.family, model


def _own(
    factory: str,
    checkpoint: Path | None,
    weights: str | None,
    *,
    seed: int,
    output: Path,
    force: bool,
) -> "tuple[str, RoutedModel]":
    """Write a user's own model; the name of its class and the model."""
    from mvmoe_deploy.models.families import seeded
    from mvmoe_deploy.models.own_family import routed
    from mvmoe_deploy.models.own_module import make_own_module
    from mvmoe_deploy.models.own_weights import load_own_weights, own_labels, save_own_weights

    with seeded(seed):
        module = make_own_module(factory)
    labels, usage_prior = own_labels(module), None
    if checkpoint is not None:
        loaded = load_own_weights(module, checkpoint, weights)
        labels, usage_prior = loaded.labels or labels, loaded.usage_prior
    model = routed(module)
    save_own_weights(model, output, labels, usage_prior, replace=force)
    return type(module).__name__, model.eval()


def show(out: "Console", made: NewCheckpoint) -> None:
    """Where the checkpoint is, and the size of its model."""
    out.print(f"wrote {made.checkpoint} ({made.family}, random weights)")
    out.print(f"  {model_line(made.params_total, made.params_active, made.macs)}")


PART = init
