"""`mvmoe train`: a dense baseline, its super-classes, and routed models."""

import shlex
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mvmoe_deploy.cli import early_checks, shared_options
from mvmoe_deploy.cli.group import command
from mvmoe_deploy.cli.kept_work import says_what_is_kept
from mvmoe_deploy.cli.output import emit, note, stdout_left_alone
from mvmoe_deploy.cli.router_verdicts import verdict_line
from mvmoe_deploy.cli.tables import percent, table
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.system import output_places
from mvmoe_deploy.text import one_line
from mvmoe_deploy.training.image_places import require_apart, require_images

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from mvmoe_deploy.models.model_config import ModelConfig
    from mvmoe_deploy.training.training_report import DenseReport, FinishedRun, RoutingReport


class _Devices(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of click only
    """A number of processes, or `auto`."""

    name = "number|auto"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str:
        """`auto`, or the number."""
        number: int | str = value if value == "auto" else click.INT.convert(value, param, ctx)
        return number


@command(extra="train")
@shared_options.output
@click.option("--data", type=shared_options.ImageSource(), default="digits", show_default=True)
@click.option(
    "--preset",
    type=shared_options.PRESET,
    help="Preset or JSON file; by default that of the data set, or what --from brings.",
)
@shared_options.model_fields
@click.option(
    "--from",
    "start",
    type=click.Path(path_type=Path),
    metavar="CHECKPOINT",
    help="Start from trained weights: a dense model, or a routed one to fine-tune.",
)
@shared_options.own_model
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path),
    help="The weights that --model begins with; without it those of the factory, drawn by --seed.",
)
@shared_options.weights
@click.option(
    "--routing",
    "routings",
    multiple=True,
    type=shared_options.PartName("routings"),
    help="May be given several times; the dense baseline is shared. By default super-class, or "
    "end-to-end with --model and where a model selects tokens and images have no routes.",
)
@click.option("--dense-epochs", type=int, help="Epochs of the dense baseline; with --from 0.")
@click.option("--moe-epochs", type=int, help="Epochs of each routed model.")
@click.option("--batch-size", type=int, help="Images of one step, over all processes.")
@click.option(
    "--accumulate",
    type=int,
    metavar="N",
    help="Compute the images of a step in N parts, with the memory of one: the step is the same.",
)
@click.option("--lr", type=float, help="Peak learning rate.")
@click.option(
    "--guide-weight", type=float, help="Of the guide of routers to super-classes: 0.3 by default."
)
@click.option(
    "--balance-weight", type=float, help="Of an even use of experts in end-to-end: 0.01 by default."
)
@click.option("--ema", type=float, help="Decay of the averaged weights; 0 is off.")
@click.option(
    "--patience",
    type=int,
    metavar="N",
    help="End a phase after N epochs without a higher accuracy of the held-out images, and keep "
    "the weights of the best epoch; 0 (default) is off.",
)
@click.option("--seed", type=int)
@click.option("--accelerator", help="auto, cpu, cuda or mps.")
@click.option("--devices", type=_Devices(), help="Processes on this machine, or auto.")
@click.option("--num-nodes", type=int, help="Machines.")
@click.option("--precision", help="32-true or bf16-mixed.")
@click.option("--threads", type=int, help="Threads of each process; 0 leaves it to PyTorch.")
@click.option("--workers", type=int, help="Processes that load images, for each process.")
@shared_options.input_options
@click.option("--resume", is_flag=True, help="Continue an interrupted run.")
@click.option(
    "--accept-changed-data",
    is_flag=True,
    help="Resume although images were added, removed or changed.",
)
def train(
    *,
    output: Path,
    data: str,
    preset: str | None,
    start: Path | None,
    factory: str | None,
    checkpoint: Path | None,
    weights: str | None,
    routings: tuple[str, ...],
    resume: bool,
    accept_changed_data: bool,
    experts: int | None,
    top_k: int | None,
    as_json: bool,
    **recipe: Any,
) -> None:
    """Train a dense model, find its super-classes, and train a routed model for each routing.

    With --from the dense model, or the routed one, is trained already. --model trains a model of
    your own, which has no dense twin: its routed phases alone, from --checkpoint or from random
    weights.
    """
    early_checks.require_checkpoint(start)
    early_checks.require_checkpoint(checkpoint)
    early_checks.require_configuration(preset)
    require_images(data)
    require_apart(data, output)
    begun_with = [path for path in (start, checkpoint) if path is not None]
    output_places.refuse_overlap([output], [*shared_options.named_files(preset), *begun_with])
    early_checks.require_run_directory(output, resume)

    from mvmoe_deploy import training
    from mvmoe_deploy.models import InputChoices
    from mvmoe_deploy.models.presets import left_to_defaults, with_fields
    from mvmoe_deploy.training.training_report import FinishedRun

    if factory is not None:
        others = {"preset": preset, "from": start, "experts": experts, "top_k": top_k}
        shared_options.refuse_with_model(**others)
        start = checkpoint
    elif checkpoint is not None:
        raise InputError(
            "--checkpoint was given without --model, whose weights it has; give --from CHECKPOINT "
            "to start from a trained model of a family",
            code="input.option",
            name="checkpoint",
        )
    with stdout_left_alone():
        config = _configuration(factory, preset, start, weights, data)
    fields = {"experts": experts, "top_k": top_k}
    config = with_fields(config, **fields)
    said = {"num_classes", *(name for name, value in fields.items() if value is not None)}
    if (line := left_to_defaults(preset, said)) is not None:
        note(line)
    choices = InputChoices(**{name: recipe.pop(name) for name in shared_options.INPUT_FIELDS})
    chosen = {name: value for name, value in recipe.items() if value is not None}
    chosen_options = training.default_options(
        config,
        data,
        start=None if start is None else str(start),
        weights=weights,
        input=choices,
        **({"routings": tuple(dict.fromkeys(routings))} if routings else {}),
        **chosen,
    )
    with says_what_is_kept(partial(_kept, output)), stdout_left_alone():
        report = training.train(
            chosen_options, output, resume=resume, accept_changed_data=accept_changed_data
        )
    emit(as_json, FinishedRun(run=str(output), **vars(report)), show)


def _kept(output: Path) -> str | None:
    """What an interrupted run has left."""
    if not output.is_dir() or not any(output.iterdir()):
        return None
    where = one_line(output)
    return f"what was trained is in {where}; the same command with --resume goes on from there"


def _configuration(
    factory: str | None, preset: str | None, start: Path | None, weights: str | None, data: str
) -> "ModelConfig":
    """What is trained; raises InputError where nothing says it."""
    from mvmoe_deploy import training
    from mvmoe_deploy.models.presets import configuration

    if factory is not None:
        from mvmoe_deploy.models.own_family import own_config

        return own_config(factory)
    if preset is None and start is not None:
        stated: ModelConfig = training.configuration_of(start, weights)
        return stated
    return configuration(preset or training.suited_preset(data))


def show(out: "Console", run: "FinishedRun") -> None:
    """Accuracy of each model, which classes each expert owns, and whether its routers route."""
    from rich.text import Text

    held_out, test = run.images["held_out"], run.images["test"]
    rows = table(
        "model",
        f"{run.measure} of {held_out} held-out images",
        f"{run.measure} of {test} test images",
        "router, test",
        "epochs",
        "checkpoint",
        right=(1, 2, 3, 4),
    )
    if run.dense is not None:
        rows.add_row("dense", *_accuracies(run.dense), "-", *_how_long(run, run.dense))
    for routing in run.routings:
        router = percent(routing.router_accuracy)
        rows.add_row(routing.routing, *_accuracies(routing), router, *_how_long(run, routing))
    out.print(rows)
    for routing in run.routings:
        if not routing.expert_usage:
            continue
        out.print()
        out.print(f"experts of {routing.routing} (share of test images, super-class)")
        out.print(_experts(routing))
        for stage in routing.routers:
            out.print(Text(verdict_line(stage)))
    for change in run.data_changes:
        out.print(
            f"\nthe images changed after epoch {change.epoch} of {change.phase}: "
            f"{change.added} added, {change.removed} removed, {change.changed} changed"
        )
    if run.start is not None:
        out.print(f"\nstarted from the {run.start.family} in {run.start.checkpoint}")
        for line in run.start.notes:
            out.print(line)
    out.print(f"\neverything is in {run.run}")


def _path(run: "FinishedRun", checkpoint: str) -> str:
    """Where a checkpoint is, as it can be pasted into the next command."""
    return shlex.quote(str(Path(run.run) / checkpoint))


def _accuracies(report: "DenseReport | RoutingReport") -> tuple[str, str]:
    """Of the held-out images, then of the test images, which nothing was chosen by."""
    return percent(report.held_out_accuracy), percent(report.test_accuracy)


def _how_long(run: "FinishedRun", report: "DenseReport | RoutingReport") -> tuple[str, str]:
    """Epochs, with the one that was kept where it is not the last, and the checkpoint."""
    epochs = report.epochs
    if epochs is None:
        return "-", _path(run, report.checkpoint)
    text = str(epochs.trained)
    if epochs.trained < epochs.asked:
        text += f" of {epochs.asked}"
    if epochs.kept != epochs.trained:
        text += f", best {epochs.kept}"
    return text, _path(run, report.checkpoint)


def _experts(routing: "RoutingReport") -> "Table":
    """Experts of one routing by usage, a column for each routed stage."""
    stages = routing.expert_usage
    names = [f"stage {i}" if len(stages) > 1 else "usage" for i in range(1, len(stages) + 1)]
    rows = table("expert", *names, "classes", right=tuple(range(1, len(stages) + 1)))
    owned = routing.super_classes or []
    for expert in range(max(map(len, stages))):
        classes = owned[expert] if expert < len(owned) else []
        shares = [percent(stage[expert]) if expert < len(stage) else "-" for stage in stages]
        rows.add_row(str(expert), *shares, ", ".join(classes) or "-")
    return rows


PART = train
