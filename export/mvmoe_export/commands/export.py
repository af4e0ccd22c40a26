"""`mvmoe export`: a checkpoint becomes a bundle."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mvmoe_deploy import strategies
from mvmoe_deploy.cli import options
from mvmoe_deploy.cli.group import command
from mvmoe_deploy.cli.output import emit, note
from mvmoe_deploy.cli.progress import progress

if TYPE_CHECKING:
    from mvmoe_deploy.cli.options import Function
    from mvmoe_export import ExportOptions


def _target_options(function: "Function") -> "Function":
    """The options that single targets read."""
    several = {"multiple": True, "show_default": True}
    return options.together(
        click.option(
            "--rewrites", help="none, or names in order and separated by commas; else by target."
        ),
        click.option(
            "--onnx-opset", "opset", type=int, default=20, show_default=True, help="ONNX operators."
        ),
        click.option(
            "--onnx-profile",
            "onnx_profiles",
            default=["cpu"],
            help="cpu, nnapi, coreml-ep.",
            **several,
        ),
        click.option(
            "--executorch-delegate",
            "delegates",
            default=["xnnpack"],
            help="xnnpack, portable, coreml.",
            **several,
        ),
        click.option(
            "--executorch-compute-units",
            "compute_units",
            default="all",
            show_default=True,
            help="Of the delegate coreml.",
        ),
        click.option("--coreml-precision", default="fp16", show_default=True, help="Or fp32."),
        click.option("--coreml-input", default="tensor", show_default=True, help="Or image."),
        click.option(
            "--coreml-deployment-target",
            "deployment_target",
            default="iOS18",
            show_default=True,
            help="The oldest system that runs it: iOS16, iOS17, iOS18, iOS26.",
        ),
        click.option("--author"),
        click.option("--license"),
        click.option("--description"),
    )(function)


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
@_target_options
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


def _export_options(
    *,
    rewrites: str | None,
    opset: int,
    onnx_profiles: tuple[str, ...],
    delegates: tuple[str, ...],
    compute_units: str,
    coreml_precision: str,
    coreml_input: str,
    deployment_target: str,
    **identity: str | None,
) -> "ExportOptions":
    """The options of all targets, as the command line gives them."""
    from mvmoe_export import ExportOptions
    from mvmoe_export.targets.coreml import CoreMLOptions
    from mvmoe_export.targets.executorch import ExecuTorchOptions
    from mvmoe_export.targets.onnx import OnnxOptions

    names = None
    if rewrites is not None:
        names = () if rewrites == "none" else tuple(name.strip() for name in rewrites.split(","))
    return ExportOptions(
        rewrites=names,
        targets={
            "coreml": CoreMLOptions(deployment_target, coreml_precision, coreml_input),
            "onnx": OnnxOptions(tuple(dict.fromkeys(onnx_profiles)), opset),
            "executorch": ExecuTorchOptions(
                tuple(dict.fromkeys(delegates)), compute_units, deployment_target
            ),
        },
        identity={key: text for key, text in identity.items() if text},
    )


PART = export
