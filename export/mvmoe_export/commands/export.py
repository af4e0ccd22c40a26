"""`mvmoe export`: a checkpoint becomes a bundle."""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

import click

from mvmoe_deploy.bundle.manifest import HOST, Routers
from mvmoe_deploy.cli import early_checks, shared_options
from mvmoe_deploy.cli.group import Command, command
from mvmoe_deploy.cli.kept_work import says_what_is_kept
from mvmoe_deploy.cli.output import emit, note, stdout_left_alone
from mvmoe_deploy.cli.progress_bars import progress
from mvmoe_deploy.errors import InputError
from mvmoe_export.commands.stage_experts import StageExperts, by_stage

if TYPE_CHECKING:
    from mvmoe_deploy.bundle.manifest import Manifest
    from mvmoe_deploy.models.contract import RoutedModel
    from mvmoe_deploy.routing import Route
    from mvmoe_export import CalibrationRequest, ExportOptions, Identity


_AUTO = "auto"
"""The name that leaves a strategy or a precision to the export."""


class _ExportCommand(Command):
    """A command with the flags of all installed targets, which are asked when it is parsed."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The command's own parameters, then those of the targets."""
        from mvmoe_export.commands.target_flags import target_flags

        return [*super().get_params(ctx), *target_flags()]


_HOW = ("routers", "batch", "max_graphs", "skip_verify", "resume")
"""Parameters that `export_bundle` takes as they are."""


@command(extra="export", cls=_ExportCommand)
@click.argument("checkpoint", type=click.Path(path_type=Path), required=False)
@shared_options.own_model
@click.option(
    "--checkpoint",
    "own_weights",
    type=click.Path(path_type=Path),
    help="The weights of --model; without it the factory's own.",
)
@shared_options.output
@click.option(
    "--target",
    "targets",
    type=shared_options.parts("targets"),
    multiple=True,
    default=["onnx"],
    show_default=True,
)
@click.option(
    "--strategy",
    "strategies",
    metavar="NAME",
    type=shared_options.parts("strategies", _AUTO),
    multiple=True,
    help="How routing becomes graphs: dispatch (the default), bind, experts, gather, all-experts, "
    "see docs/strategies.md; or auto, which says what it takes and why. With several each target "
    "is made by each: those after the first are called TARGET-STRATEGY.",
)
@click.option(
    "--precision",
    metavar="RECIPE",
    type=shared_options.parts("recipes", _AUTO),
    multiple=True,
    help="Of all targets: fp32, fp16, int8, int4, ... (docs/compression.md), or auto: the smallest "
    "that keeps its bounds; else by target. With several each target is made in each: others than "
    "the first are called TARGET-RECIPE.",
)
@click.option(
    "--calibrate",
    type=shared_options.ImageSource(),
    help="Images for recipes that need some, and to measure on what each target loses.",
)
@click.option(
    "--smooth", is_flag=True, help="Move outlier channels into weights; needs --calibrate."
)
@click.option(
    "--max-loss",
    type=click.FloatRange(0, 100),
    metavar="POINTS",
    help="Refuse a target that loses more right answers; needs --calibrate with labels.",
)
@click.option(
    "--routers",
    type=click.Choice(get_args(Routers)),
    default=HOST,
    show_default=True,
    help="Who selects routes: the host between graphs, or one graph that has the routers inside "
    "(--strategy gather or all-experts).",
)
@click.option(
    "--constant-route",
    "constant_routes",
    type=StageExperts(),
    multiple=True,
    help="Give every image this route of a routed stage, as 1:0,3: the stage becomes a part of the "
    "graph before it. mvmoe routing says where that is right.",
)
@click.option(
    "--keep-experts",
    type=StageExperts(),
    multiple=True,
    help="Keep these experts of a routed stage alone, as 1:0,2,5; no image can use the others.",
)
@click.option("--batch", type=click.IntRange(1, 4096), default=1, show_default=True)
@click.option("--rewrites", help="none, or names in order and separated by commas; else by target.")
@click.option("--name", help="What the bundle calls the model; else as its checkpoint is called.")
@click.option("--author")
@click.option("--license")
@click.option("--description")
@shared_options.weights
@shared_options.input_options
@click.option("--max-graphs", type=click.IntRange(min=1), default=256, show_default=True)
@shared_options.config
@click.option("--skip-verify", is_flag=True, help="Leave out the last step, see mvmoe verify.")
@click.option("--resume", is_flag=True, help="Keep finished targets when interrupted; go on there.")
@shared_options.force
def export(
    *,
    checkpoint: Path | None,
    factory: str | None,
    own_weights: Path | None,
    output: Path,
    config: str | None,
    weights: str | None,
    targets: tuple[str, ...],
    strategies: tuple[str, ...],
    precision: tuple[str, ...],
    calibrate: str | None,
    smooth: bool,
    max_loss: float | None,
    constant_routes: tuple[tuple[int, "Route"], ...],
    keep_experts: tuple[tuple[int, "Route"], ...],
    name: str | None,
    force: bool,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Export CHECKPOINT to a bundle, and check every graph of every route against PyTorch.

    Instead of CHECKPOINT, --model names a model of your own, and --checkpoint its weights. Flags
    that begin with a target's name are options of that target.
    """
    from mvmoe_deploy.bundle.manifest import MANIFEST_FILE
    from mvmoe_deploy.bundle.write import foreign_to_bundle
    from mvmoe_deploy.cli.bundle_view import BundleView, show_bundle
    from mvmoe_deploy.strategies import DEFAULT
    from mvmoe_deploy.system import files, output_places

    given = [path for path in (checkpoint, own_weights) if path is not None]
    output_places.refuse_overlap([output], [*given, *shared_options.named_files(config)])
    output_places.require_directory(output, foreign_to_bundle if force else None)
    choices = {name: chosen.pop(name) for name in shared_options.INPUT_FIELDS}
    how = {name: chosen.pop(name) for name in _HOW}
    _require_known(targets, strategies, precision)
    early_checks.require_configuration(config)
    early_checks.require_checkpoint(checkpoint)
    early_checks.require_checkpoint(own_weights)
    export_options = _export_options(**chosen)
    _require_model(checkpoint, factory)
    _require_images(calibrate, smooth=smooth)

    from mvmoe_export import export_bundle
    from mvmoe_export.auto_precision import AUTO as AUTO_PRECISION
    from mvmoe_export.auto_precision import export_smallest
    from mvmoe_export.auto_strategy import AUTO, choose_strategy

    if factory is not None:
        shared_options.refuse_with_model(CHECKPOINT=checkpoint, config=config, **choices)
        source = _own_model(factory, own_weights, weights)
    elif checkpoint is not None and own_weights is None:
        source = _from_checkpoint(checkpoint, config, weights, choices)
    else:
        raise _no_model()
    with stdout_left_alone():
        source = source.restricted(
            by_stage(constant_routes, "constant-route"), by_stage(keep_experts, "keep-experts")
        )
    named = list(strategies or [DEFAULT])
    if AUTO in named:
        with stdout_left_alone():
            chosen_strategy = choose_strategy(
                source.model,
                how["batch"],
                how["max_graphs"],
                routers=how["routers"],
                targets=targets,
                options=export_options,
            )
        named = [chosen_strategy.name if each == AUTO else each for each in named]
        note(chosen_strategy.sentence)
    how |= {
        "targets": tuple(dict.fromkeys(targets)),
        "strategy": named,
        "identity": source.named(name),
        "options": export_options,
        "calibration": _calibration(calibrate, smooth=smooth),
        "max_loss": max_loss,
        "replace_existing": force,
    }
    kept = partial(_kept, output, resume=how["resume"])
    with says_what_is_kept(kept), progress() as advance, stdout_left_alone():
        if list(precision) == [AUTO_PRECISION]:
            chosen_recipe = export_smallest(
                source.model, output, progress=advance, note=note, **how
            )
            manifest = chosen_recipe.manifest
            note(chosen_recipe.sentence)
        else:
            manifest = export_bundle(
                source.model, output, precision=precision, progress=advance, **how
            )
    notes = (*source.notes, *_cost_of_restriction(source.model, manifest, how["calibration"]))
    for line in notes:
        note(line)
    digest = files.sha256(output / MANIFEST_FILE)
    emit(as_json, BundleView.of(str(output), manifest, digest, notes), show_bundle)


def _kept(output: Path, *, resume: bool) -> str:
    """What an interrupted export has left."""
    from mvmoe_export.resuming import has_finished_targets

    if not resume:
        return (
            "no partial output was written (with --resume finished targets are kept, and the next "
            "export goes on after them)"
        )
    if not has_finished_targets(output):
        return "no target was finished, so nothing was kept"
    return "finished targets were kept; the same command goes on after them"


def _cost_of_restriction(
    model: "RoutedModel", manifest: "Manifest", calibration: "CalibrationRequest | None"
) -> list[str]:
    """How many of the given images keep their answers; where there are none, how to know."""
    if not manifest.restrictions:
        return []
    if calibration is None:
        return [
            "restricted routing: mvmoe verify --checkpoint ... --data DIR says how many images "
            "keep their answers"
        ]
    from mvmoe_export.calibration import load_images
    from mvmoe_export.parity.pytorch import PyTorchReference

    reference = PyTorchReference(model)
    with stdout_left_alone():
        kept = reference.kept_answers(reference.answers(load_images(manifest, calibration).inputs))
    return [] if kept is None else [kept.sentence]


def _require_model(checkpoint: Path | None, factory: str | None) -> None:
    """Refuse an export of nothing; raises InputError."""
    if checkpoint is None and factory is None:
        raise _no_model()


def _no_model() -> InputError:
    return InputError(
        "no model was given; give CHECKPOINT, or --model with --checkpoint",
        code="input.option",
        name="checkpoint",
    )


def _require_known(
    targets: tuple[str, ...], strategies: tuple[str, ...], precision: tuple[str, ...]
) -> None:
    """Refuse names of no part, before PyTorch is imported; raises InputError."""
    from mvmoe_deploy.strategies import find_strategy
    from mvmoe_export.compression import find_recipe
    from mvmoe_export.targets import find_target

    for name in targets:
        find_target(name)
    for name in strategies:
        if name != _AUTO:
            find_strategy(name)
    if _AUTO in precision and len(precision) > 1:
        raise InputError(
            f"--precision {_AUTO} was given with {len(precision) - 1} more; give it alone",
            code="input.option",
            name="precision",
        )
    for name in precision:
        if name != _AUTO:
            find_recipe(name)


def _calibration(data: str | None, *, smooth: bool) -> "CalibrationRequest | None":
    """What is asked of calibration."""
    from mvmoe_export import CalibrationRequest

    return None if data is None else CalibrationRequest(data, smooth=smooth)


def _require_images(data: str | None, *, smooth: bool) -> None:
    """Refuse what needs images without them; raises InputError."""
    if smooth and data is None:
        raise InputError(
            "--smooth was given without images; give --calibrate with a directory of images, or "
            "the name of a data set",
            code="input.option",
            name="calibrate",
        )


@dataclass(frozen=True)
class _ModelSource:
    """The model to export, what a bundle says of it, and what a person should know."""

    model: "RoutedModel"
    identity: "Identity"
    notes: tuple[str, ...] = ()

    def restricted(self, constant: "dict[int, Route]", keep: "dict[int, Route]") -> "_ModelSource":
        """The model with constant routes and fewer experts; raises InputError."""
        from mvmoe_export import restricted

        return replace(
            self, model=restricted(self.model, constant_routes=constant, keep_experts=keep)
        )

    def named(self, name: str | None) -> "Identity":
        """What the bundle says of the model, with a name of the user's if he gives one."""
        return self.identity if name is None else replace(self.identity, name=name)


def _from_checkpoint(
    path: Path, config: str | None, weights: str | None, choices: dict[str, Any]
) -> _ModelSource:
    """The model of a checkpoint."""
    from mvmoe_deploy.models import InputChoices, load_checkpoint
    from mvmoe_deploy.models.presets import configuration
    from mvmoe_export import Identity

    described = configuration(config) if config else None
    loaded = load_checkpoint(path, described, weights=weights, choices=InputChoices(**choices))
    return _ModelSource(loaded.model, Identity.of(loaded), loaded.notes)


def _own_model(factory: str, path: Path | None, weights: str | None) -> _ModelSource:
    """The model that the caller's factory gives, with the weights of a file if there is one."""
    from mvmoe_deploy.models.own_module import make_own_module
    from mvmoe_deploy.models.own_weights import load_own_weights
    from mvmoe_export import Identity

    model = make_own_module(factory)
    name = factory.rpartition(":")[2]
    identity = Identity(name=name, weights=weights)
    if path is not None:
        loaded = load_own_weights(model, path, weights)
        identity = replace(
            identity,
            labels=loaded.labels,
            usage_prior=loaded.usage_prior,
            checkpoint_sha256=loaded.sha256,
        )
    return _ModelSource(cast("RoutedModel", model.eval()), identity)


def _export_options(*, rewrites: str | None, **chosen: Any) -> "ExportOptions":
    """The options of the export and of all targets, as the command line gives them."""
    from mvmoe_export.commands.target_flags import take_target_options
    from mvmoe_export.targets import ExportOptions

    names = None
    if rewrites is not None:
        names = () if rewrites == "none" else tuple(name.strip() for name in rewrites.split(","))
    targets = take_target_options(chosen)
    return ExportOptions(
        rewrites=names,
        targets=targets,
        identity={key: text for key, text in chosen.items() if text},
    )


PART = export
