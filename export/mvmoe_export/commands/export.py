"""`mvmoe export`: a checkpoint becomes a bundle."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mvmoe_deploy import strategies
from mvmoe_deploy.cli import options
from mvmoe_deploy.cli.group import command
from mvmoe_deploy.cli.output import emit, note
from mvmoe_deploy.cli.progress import progress
from mvmoe_export.commands.target_flags import take_target_options, target_flags

if TYPE_CHECKING:
    from mvmoe_export import ExportOptions


_HOW = ("strategy", "batch", "max_graphs", "skip_verify", "resume")
"""Parameters that `export_bundle` takes as they are."""


@command(extra="export")
@click.argument("checkpoint", type=click.Path(path_type=Path))
@options.output
@click.option("--target", "targets", multiple=True, default=["onnx"], show_default=True)
@click.option(
    "--strategy",
    metavar="NAME",
    default=strategies.DEFAULT,
    show_default=True,
    help="A graph per route; one that gathers weights; or one that computes every expert.",
)
@click.option("--batch", type=click.IntRange(1, 4096), default=1, show_default=True)
@target_flags
@click.option("--rewrites", help="none, or names in order and separated by commas; else by target.")
@click.option("--author")
@click.option("--license")
@click.option("--description")
@options.weights
@options.input_options
@click.option("--max-graphs", type=click.IntRange(min=1), default=256, show_default=True)
@options.config
@click.option("--skip-verify", is_flag=True, help="Leave out the last step, see mvmoe verify.")
@click.option("--resume", is_flag=True, help="Keep finished targets when interrupted; go on there.")
@options.force
def export(
    *,
    checkpoint: Path,
    output: Path,
    config: str | None,
    weights: str | None,
    targets: tuple[str, ...],
    force: bool,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Export CHECKPOINT to a bundle, and check every graph of every route against PyTorch."""
    from mvmoe_deploy.bundle.manifest import MANIFEST_FILE
    from mvmoe_deploy.bundle.write import foreign_to_bundle
    from mvmoe_deploy.cli.bundle_view import BundleView, show_bundle
    from mvmoe_deploy.models import InputChoices, load_checkpoint
    from mvmoe_deploy.models.presets import configuration
    from mvmoe_deploy.system import files, outputs
    from mvmoe_export import Identity, export_bundle

    outputs.refuse_overlap([output], [checkpoint, *options.named_files(config)])
    outputs.require_directory(output, foreign_to_bundle if force else None)
    choices = InputChoices(**{name: chosen.pop(name) for name in options.INPUT_FIELDS})
    how = {name: chosen.pop(name) for name in _HOW}
    export_options = _export_options(**chosen)
    described = configuration(config) if config else None
    loaded = load_checkpoint(checkpoint, described, weights=weights, said=choices)
    with progress() as advance:
        manifest = export_bundle(
            loaded.model,
            output,
            targets=tuple(dict.fromkeys(targets)),
            identity=Identity.of(loaded),
            options=export_options,
            replace_existing=force,
            progress=advance,
            **how,
        )
    for line in loaded.notes:
        note(line)
    digest = files.sha256(output / MANIFEST_FILE)
    emit(as_json, BundleView.of(str(output), manifest, digest, loaded.notes), show_bundle)


def _export_options(*, rewrites: str | None, **chosen: Any) -> "ExportOptions":
    """The options of all targets, as the command line gives them."""
    from mvmoe_export import ExportOptions

    names = None
    if rewrites is not None:
        names = () if rewrites == "none" else tuple(name.strip() for name in rewrites.split(","))
    targets = take_target_options(chosen)
    identity = {key: text for key, text in chosen.items() if text}
    return ExportOptions(rewrites=names, targets=targets, identity=identity)


PART = export
