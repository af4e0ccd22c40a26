"""The `mvmoe` command: thin, one function for each sub-command.

Each function reads its options, calls the room that does the work, and prints. PyTorch and the
engines are imported inside the commands that need them. What is printed is in `console.py`.
"""

import contextlib
import importlib.util
import json
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from mvmoe_deploy import __version__, console
from mvmoe_deploy.errors import CheckFailedError, InputError, MissingExtraError, MvmoeError
from mvmoe_deploy.onnxruntime_import import disable_telemetry
from mvmoe_deploy.system import outputs
from mvmoe_deploy.system.processes import interrupted, interruptible
from mvmoe_deploy.system.temporary import private_temporary_files
from mvmoe_deploy.text import escaped, one_line

if TYPE_CHECKING:
    from mvmoe_deploy.bundle import Bundle
    from mvmoe_deploy.models import Checkpoint, ViTConfig
    from mvmoe_deploy.runtime import Dispatcher

_EXTRAS = {
    "init": "models",
    "train": "train",
    "export": "export",
    "verify": "export",
    "run": "onnx",
    "bench": "bench",
    "report": "bench",
    "demo": "all",
}
"""The extra that each command needs beyond the core."""

_DEMO_TARGETS = ("executorch", "coreml", "onnx")

_INTERRUPTED = 130
_OWN_FAULT = 70
_IMAGE_SUFFIXES = (
    ".png",
    ".jpg",
    ".jpeg",
    ".webp",
    ".bmp",
    ".gif",
    ".tif",
    ".tiff",
    ".ppm",
    ".pgm",
)


class _Devices(click.ParamType):
    """A number of processes, or `auto`."""

    name = "number|auto"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str:
        """The number, or the word."""
        return value if value == "auto" else click.INT.convert(value, param, ctx)


class _Setting(click.ParamType):
    """A name and its value."""

    name = "name=value"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """The two."""
        if isinstance(value, tuple):
            return value
        name, found, setting = value.partition("=")
        if not name or not found:
            self.fail(f"{value!r} was given; expected NAME=VALUE", param, ctx)
        return name, setting


class _Numbers(click.ParamType):
    """One number, or one for each channel with commas between them."""

    name = "number[,number,number]"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...]:
        """The numbers."""
        if isinstance(value, tuple):
            return value
        try:
            return tuple(float(number) for number in value.split(","))
        except ValueError:
            self.fail(f"{value!r} was given; expected numbers as in 0.5,0.5,0.5", param, ctx)


_output = click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
_force = click.option(
    "--force", is_flag=True, help="Replace the output if it is one that this command wrote."
)


def _target_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of `export` that single targets read."""
    several = {"multiple": True, "show_default": True}
    options = (
        click.option(
            "--rewrites", help="none, or names in order and separated by commas; else by target."
        ),
        click.option("--opset", type=int, default=20, show_default=True, help="ONNX operators."),
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
            "--compute-units", default="all", show_default=True, help="Of the delegate coreml."
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
    )
    for option in reversed(options):
        command = option(command)
    return command


def _input_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What a person says of the input: it goes before the checkpoint, and before defaults."""
    options = (
        click.option("--mean", type=_Numbers(), help="Of the channels, as in 0.485,0.456,0.406."),
        click.option("--std", type=_Numbers(), help="Of the channels."),
        click.option(
            "--crop", type=float, help="A fraction; or pixels to resize to (torchvision)."
        ),
        click.option(
            "--interpolation", type=click.Choice(["nearest", "bilinear", "bicubic", "lanczos"])
        ),
        click.option(
            "--resize-rule",
            type=click.Choice(["timm", "torchvision", "squash", "border"]),
            help="Whose rule makes the input's size of an image, see docs/bundle.md.",
        ),
        click.option("--channel-order", type=click.Choice(["RGB", "BGR"])),
    )
    for option in reversed(options):
        command = option(command)
    return command


_INPUT = ("mean", "std", "crop", "interpolation", "resize_rule", "channel_order")

_weights = click.option(
    "--weights", help="Which of several sets of weights in a checkpoint: state_dict_ema, ..."
)


def _common(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that every sub-command has."""
    debug = click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks.")
    as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
    return as_json(debug(command))


_pin = click.option(
    "--manifest-sha256", help="Refuse a bundle whose manifest has another hash, see mvmoe inspect."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mvmoe")
def cli() -> None:
    """Deploy vision models that route each image to an expert."""


@cli.command()
@click.argument("preset")
@_output
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@_input_options
@_force
@_common
def init(preset: str, output: Path, seed: int, force: bool, as_json: bool, **said: Any) -> None:
    """Write a checkpoint with random weights.

    PRESET is the name of a preset, or a JSON file {"family": ..., "config": {...}}. The checkpoint
    is a directory, or one file if the output ends in .safetensors.
    """
    from mvmoe_deploy.models import Checkpoint, InputChoices, build, count, save_checkpoint
    from mvmoe_deploy.models.checkpoints import require_free
    from mvmoe_deploy.models.input_choices import resolve_input
    from mvmoe_deploy.models.presets import configuration

    outputs.refuse_overlap([output], _named_files(preset))
    require_free(output, force)
    config = configuration(preset)
    chosen = resolve_input(config, {}, InputChoices(**said))
    model = build(config, chosen.preprocessing, seed=seed)
    model.input_origins = chosen.origins
    save_checkpoint(Checkpoint(model), output, replace=force)
    counts = count(model)
    data = {
        "checkpoint": str(output),
        "family": model.config.family,
        "seed": seed,
        "params_total": counts.params_total,
        "params_active": counts.params_active,
        "macs": counts.macs,
    }
    console.emit(as_json, data, console.show_init)


@cli.command()
@_output
@click.option("--data", default="digits", show_default=True, help="digits, or an image folder.")
@click.option("--preset", default="digits", show_default=True, help="Preset or JSON file.")
@click.option(
    "--routing",
    "routings",
    multiple=True,
    type=click.Choice(["super-class", "end-to-end", "random"]),
    default=["super-class"],
    show_default=True,
    help="May be given several times; the dense baseline is shared.",
)
@click.option("--dense-epochs", type=int, help="Epochs of the dense baseline.")
@click.option("--moe-epochs", type=int, help="Epochs of each routed model.")
@click.option("--batch-size", type=int, help="Images of one step, over all processes.")
@click.option("--lr", type=float, help="Peak learning rate.")
@click.option("--ema", type=float, help="Decay of the averaged weights; 0 is off.")
@click.option("--seed", type=int)
@click.option("--accelerator", help="auto, cpu, cuda or mps.")
@click.option("--devices", type=_Devices(), help="Processes on this machine, or auto.")
@click.option("--num-nodes", type=int, help="Machines.")
@click.option("--precision", help="32-true or bf16-mixed.")
@click.option("--threads", type=int, help="Threads of each process; 0 leaves it to PyTorch.")
@click.option("--workers", type=int, help="Processes that load images, for each process.")
@_input_options
@click.option("--resume", is_flag=True, help="Continue an interrupted run.")
@click.option(
    "--accept-changed-data",
    is_flag=True,
    help="Resume although images were added, removed or changed.",
)
@_common
def train(
    *,
    output: Path,
    data: str,
    preset: str,
    routings: tuple[str, ...],
    resume: bool,
    accept_changed_data: bool,
    as_json: bool,
    **recipe: Any,
) -> None:
    """Train a dense model, find its super-classes, and train a routed model for each routing."""
    import msgspec

    from mvmoe_deploy import training
    from mvmoe_deploy.models import InputChoices
    from mvmoe_deploy.models.presets import configuration

    outputs.refuse_overlap([output], _named_files(preset))
    said = InputChoices(**{name: recipe.pop(name) for name in _INPUT})
    chosen = {name: value for name, value in recipe.items() if value is not None}
    options = training.default_options(
        configuration(preset), data, routings=tuple(dict.fromkeys(routings)), input=said, **chosen
    )
    report = training.train(options, output, resume=resume, accept_changed_data=accept_changed_data)
    result = {"run": str(output), **msgspec.to_builtins(report)}
    console.emit(as_json, result, console.show_training)


@cli.command()
@click.argument("checkpoint", type=click.Path(path_type=Path))
@_output
@click.option("--target", "targets", multiple=True, default=["onnx"], show_default=True)
@click.option(
    "--strategy",
    type=click.Choice(["dispatch", "gather", "all-experts"]),
    default="dispatch",
    show_default=True,
    help="A graph per route; one that gathers weights; or one that computes every expert.",
)
@click.option("--batch", type=click.IntRange(1, 4096), default=1, show_default=True)
@_target_options
@_weights
@_input_options
@click.option("--max-graphs", type=click.IntRange(min=1), default=256, show_default=True)
@click.option("--config", help="Preset or JSON file, for weights that come without one.")
@click.option("--skip-verify", is_flag=True, help="Leave out the last step, see mvmoe verify.")
@click.option("--resume", is_flag=True, help="Keep finished targets when interrupted; go on there.")
@_force
@_common
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
    from mvmoe_deploy.bundle.summary import summarize
    from mvmoe_deploy.bundle.write import foreign_to_bundle
    from mvmoe_deploy.models import InputChoices, load_checkpoint
    from mvmoe_deploy.models.presets import configuration
    from mvmoe_deploy.system import files
    from mvmoe_export import export_bundle

    outputs.refuse_overlap([output], [checkpoint, *_named_files(config)])
    outputs.require_directory(output, foreign_to_bundle if force else None)
    said = InputChoices(**{name: chosen.pop(name) for name in _INPUT})
    how = ("strategy", "batch", "max_graphs", "skip_verify", "resume")
    options = _export_options(**{key: chosen[key] for key in chosen.keys() - set(how)})
    described = configuration(config) if config else None
    loaded = load_checkpoint(checkpoint, described, weights=weights, said=said)
    with console.progress() as progress:
        manifest = export_bundle(
            loaded.model,
            output,
            targets=tuple(dict.fromkeys(targets)),
            identity=_identity(loaded),
            options=options,
            replace_existing=force,
            progress=progress,
            **{key: chosen[key] for key in how},
        )
    for line in loaded.notes:
        console.note(line)
    digest = files.sha256(output / MANIFEST_FILE)
    summary = {
        "bundle": str(output),
        "manifest_sha256": digest,
        "notes": list(loaded.notes),
        **summarize(manifest),
    }
    console.emit(as_json, summary, console.show_bundle)


@cli.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@_pin
@_common
def inspect(bundle: Path, manifest_sha256: str | None, as_json: bool) -> None:
    """Check the files of BUNDLE against its manifest and say what is in it."""
    from mvmoe_deploy.bundle import Bundle
    from mvmoe_deploy.bundle.summary import summarize

    opened = Bundle.open(bundle, manifest_sha256)
    opened.verify()
    summary = {
        "bundle": str(bundle),
        "manifest_sha256": opened.manifest_sha256,
        **summarize(opened.manifest),
    }
    console.emit(as_json, summary, console.show_bundle)


@cli.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--checkpoint", type=click.Path(path_type=Path), help="What it was exported from.")
@click.option("--config", help="Preset or JSON file, for weights that come without one.")
@_weights
@click.option("--data", help="digits, or a directory of images; needs --checkpoint.")
@click.option("--target", "targets", multiple=True, help="Several may be given; else all.")
@click.option("--images", "most", type=click.IntRange(1, 10_000), help="Compare at most so many.")
@_pin
@_common
def verify(
    *,
    bundle: Path,
    checkpoint: Path | None,
    config: str | None,
    weights: str | None,
    data: str | None,
    targets: tuple[str, ...],
    most: int | None,
    manifest_sha256: str | None,
    as_json: bool,
) -> int:
    """Compare routes and answers of BUNDLE with PyTorch, for every target and every route.

    Without a checkpoint its golden vectors are the reference, and routes that none of them takes
    are not checked. A figure beyond its bound ends with exit code 1, after the whole report.
    """
    from mvmoe_deploy.bundle import Bundle
    from mvmoe_deploy.runtime.isolated import isolated_runners
    from mvmoe_export.parity.report import to_json
    from mvmoe_export.parity.samples import choose_samples
    from mvmoe_export.parity.verify import verify_bundle

    opened = Bundle.open(bundle, manifest_sha256)
    for name in targets or (None,):
        opened.verify(name)
    # Before the model is loaded, and long before the graphs are run.
    samples = choose_samples(opened, data, most, with_model=checkpoint is not None)
    model = _model_of(opened, checkpoint, config, weights) if checkpoint else None
    # In a process of its own: a malformed graph can end the process of its engine.
    with isolated_runners() as open_runner, console.progress() as progress:
        report = verify_bundle(
            opened,
            model,
            samples,
            targets=tuple(dict.fromkeys(targets)) or None,
            progress=progress,
            open_runner=open_runner,
        )
    console.emit(as_json, {"bundle": str(bundle), **to_json(report)}, console.show_verification)
    if not report.ok:
        console.note(f"error: {report.shortfall}")
        return CheckFailedError.exit_code
    return 0


@cli.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("images", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("--target", default="onnx", show_default=True, help="Whose graphs to run.")
@click.option("--threads", type=click.IntRange(1, 256), help="Threads of one graph.")
@click.option("--max-resident-experts", type=click.IntRange(min=1), help="For each routed stage.")
@click.option(
    "--engine-option",
    "engine_options",
    type=_Setting(),
    multiple=True,
    help="What only the target's engine knows: compute_units=cpuOnly for Core ML.",
)
@_pin
@_common
def run(
    *,
    bundle: Path,
    images: tuple[Path, ...],
    target: str,
    engine_options: tuple[tuple[str, str], ...],
    manifest_sha256: str | None,
    as_json: bool,
    **limits: int | None,
) -> int:
    """Answer IMAGES (files, or directories of images) with BUNDLE.

    An image that cannot be answered is told with its error; the others are answered all the same.
    A directory without images is refused at the start.
    """
    from mvmoe_deploy.runtime import Dispatcher

    paths = [file for path in images for file in _image_files(path)]
    options = dict(engine_options)
    with Dispatcher.open(
        bundle, target, engine_options=options, manifest_sha256=manifest_sha256, **limits
    ) as dispatcher:
        if dispatcher.stands_in_for:
            console.note(
                f"no {dispatcher.stands_in_for} on this machine; using the {dispatcher.engine}"
            )
        answers = [_answer(dispatcher, path) for path in paths]
    results = {"results": [result for result, _ in answers]}
    console.emit(as_json, results, console.show_results)
    return max(code for _, code in answers)


@cli.command()
@click.argument("bundles", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="JSON lines.")
@click.option(
    "--advise",
    is_flag=True,
    help="Measure nothing: only estimate what would slow the graphs down on phones.",
)
@click.option("--device", help="host or macos; else the one that this program runs on.")
@click.option("--target", "targets", multiple=True, help="Several may be given; else all.")
@click.option("--threads", type=click.IntRange(1, 256), default=1, show_default=True)
@click.option(
    "--preset",
    type=click.Choice(["quick", "standard", "rigorous"]),
    default="standard",
    show_default=True,
)
@click.option(
    "--images",
    default="synthetic",
    show_default=True,
    help="digits, a directory of images, or synthetic: images forced down given routes.",
)
@click.option(
    "--distribution",
    help="Shares of routes: prior, uniform, 0=0.7,3=0.3, or a JSON file. Synthetic images follow "
    "it; for others the latency under it is computed.",
)
@click.option(
    "--compare",
    default="",
    help="With commas: static, all-experts, gather, dense, eager, compile. Needs --checkpoint.",
)
@click.option(
    "--checkpoint",
    "checkpoints",
    type=click.Path(path_type=Path),
    multiple=True,
    help="What the bundle was exported from; once for each bundle.",
)
@click.option("--config", help="Preset or JSON file, for weights that come without one.")
@_weights
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep the graphs of --compare here.",
)
@click.option("--resume", is_flag=True, help="Go on with an interrupted run.")
@click.option(
    "--manifest-sha256",
    multiple=True,
    help="Refuse a bundle whose manifest has another hash; once for each bundle.",
)
@_force
@_common
def bench(
    *,
    bundles: tuple[Path, ...],
    output: Path | None,
    advise: bool,
    preset: str,
    compare: str,
    force: bool,
    as_json: bool,
    **asked: Any,
) -> int:
    """Measure what BUNDLES cost on a device: latency, starts, memory, residency, placement.

    Every measurement is a line of the output, which mvmoe report reads; what is printed is a
    summary. A subject that fails is recorded, the others go on, and the exit code is 1.
    """
    if advise:
        return _advise(bundles, asked["targets"], asked["manifest_sha256"], as_json)
    if output is None:
        raise InputError("no output was given; give -o results.jsonl, or --advise")
    import msgspec
    import scipy  # noqa: F401  Needed in the end: that it is missing should be told now.

    from mvmoe_bench.planning.presets import PRESETS
    from mvmoe_bench.planning.running import Request, run_bench
    from mvmoe_bench.progress import bars
    from mvmoe_bench.report.summary import summarize_run
    from mvmoe_bench.report.terminal import show_summary

    request = Request(
        bundles=bundles,
        output=output,
        preset=PRESETS[preset],
        compare=tuple(name.strip() for name in compare.split(",") if name.strip()),
        replace=force,
        **asked,
    )
    try:
        with bars() as shown:
            result = run_bench(request, shown)
    except KeyboardInterrupt:
        console.note(f"what was measured is in {request.output}; --resume goes on from there")
        raise
    summary = summarize_run(result)
    data = {"results": str(request.output), **msgspec.to_builtins(summary)}
    console.emit(as_json, data, lambda out, _: show_summary(out, summary))
    failures = [line for line in result.lines if type(line).__name__ == "Failure"]
    for failure in failures:
        console.note(f"error: {failure.subject or failure.job} failed: {failure.message}")
    return CheckFailedError.exit_code if failures else 0


def _advise(
    bundles: tuple[Path, ...], targets: tuple[str, ...], pins: tuple[str, ...], as_json: bool
) -> int:
    """Print what the placement advisor thinks; it is no check, so the exit code is 0."""
    import msgspec

    from mvmoe_bench.advisor.isolated import advise_isolated
    from mvmoe_bench.planning.running import pins_of
    from mvmoe_deploy.bundle import Bundle

    found = []
    for path, pin in zip(bundles, pins_of(bundles, pins), strict=True):
        opened = Bundle.open(path, pin)
        for name in targets or (None,):
            opened.verify(name)
        found += advise_isolated(opened, targets or None, name=str(path))
    data = {"estimate": True, "advice": msgspec.to_builtins(found)}
    console.emit(as_json, data, console.show_advice)
    return 0


@cli.command()
@click.argument("results", type=click.Path(path_type=Path), nargs=-1, required=True)
@_output
@click.option(
    "--format",
    "kind",
    type=click.Choice(["html", "md", "png"]),
    help="Else what the output's name ends in.",
)
@click.option(
    "--compare", is_flag=True, help="Two runs side by side: faster, slower or not told apart."
)
@_force
@_common
def report(
    *,
    results: tuple[Path, ...],
    output: Path,
    kind: str | None,
    compare: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Make a page, a text or a picture of RESULTS, which mvmoe bench has written.

    Runs of the same things under the same conditions are put together; others are refused, unless
    two are given with --compare.
    """
    from mvmoe_bench.report import require_free, write_report
    from mvmoe_bench.results import read

    kind = kind or _kind_of(output)
    require_free(output, force, results)
    runs = [run for path in results for run in read(path)]
    write_report(runs, output, kind, compare, replace=force)
    skipped = sum(run.skipped for run in runs)
    if skipped:
        lines = "line was" if skipped == 1 else "lines were"
        console.note(f"{skipped} damaged {lines} left out")
    data = {"report": str(output), "format": kind, "runs": len(runs), "skipped": skipped}
    console.emit(as_json, data, console.show_report)


@cli.command()
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), default="mvmoe-demo", show_default=True
)
@_common
def demo(output: Path, as_json: bool) -> None:
    """Train on real digits, export, answer held-out images with model and bundle, and measure.

    Run again on the same directory, it goes on where it was interrupted.
    """
    from mvmoe_deploy import training
    from mvmoe_deploy.bundle import Bundle
    from mvmoe_deploy.models import load_checkpoint
    from mvmoe_deploy.models.presets import configuration
    from mvmoe_deploy.samples import load_samples
    from mvmoe_export import export_bundle
    from mvmoe_export.parity.report import to_json
    from mvmoe_export.parity.verify import verify_bundle

    run_directory, bundle = output / "training", output / "digits.mvmoe"
    _require_demo_free(output, bundle)
    options = training.default_options(configuration("digits"), "digits")
    _require_demo_packages(options.config)
    report = training.train(options, run_directory, resume=True)
    loaded = load_checkpoint(run_directory / "super-class")
    with console.progress() as progress:
        export_bundle(
            loaded.model,
            bundle,
            targets=_DEMO_TARGETS,
            identity=_identity(loaded),
            replace_existing=True,
            resume=True,
            progress=progress,
        )
    _write_digits(output / "images")
    opened = Bundle.open(bundle)
    samples = load_samples("digits", opened.manifest, most=1000)
    verified = verify_bundle(opened, loaded.model, samples)
    verified.require_ok()
    compared = to_json(verified)["targets"]
    found = compared["onnx"]
    measured, made = _measure_demo(bundle, run_directory / "super-class", output)
    data = {
        "images": verified.images,
        "top1_pytorch": found["top1_pytorch"],
        "top1_bundle": found["top1_target"],
        "top1_agreement": found["top1_agreement"],
        "routing_agreement": found["routing_agreement"],
        "max_abs_error": found["max_abs_error"],
        "targets": [
            {
                "target": name,
                "engine": target["engine"],
                "precision": target["precision"],
                "bytes": sum(file.bytes for file in opened.target(name).files),
                "top1": target["top1_target"],
                "routing_agreement": target["routing_agreement"],
                "max_abs_error": target["max_abs_error"],
            }
            for name, target in compared.items()
        ],
        "usage": [
            {"route": row["route"], "images": row["images"]}
            for row in found["routes"]
            if row["images"]
        ],
        "top1_dense": report.dense.top1,
        "super_classes": report.routings[0].super_classes,
        "router_accuracy": report.routings[0].router_accuracy,
        "files": {
            "bundle": str(bundle),
            "checkpoint": str(run_directory / "super-class"),
            "images": str(output / "images"),
            "picture": str(run_directory / "class_to_expert.png"),
            "report": str(run_directory / "report.json"),
            **made,
        },
        "measured": measured,
    }
    console.emit(as_json, data, console.show_demo)


def _require_demo_free(output: Path, bundle: Path) -> None:
    """Refuse a directory in which something else is where the demo would put its own."""
    from mvmoe_bench import reporting
    from mvmoe_bench.results import require_free
    from mvmoe_deploy.bundle.write import foreign_to_bundle

    outputs.require_directory(bundle, foreign_to_bundle)
    outputs.require_directory(output / "images", _foreign_to_digits)
    files = _measured_files(output)
    require_free(files.pop("measurements"), replace=True)
    for path in files.values():
        reporting.require_free(path, True, [])


def _measured_files(output: Path) -> dict[str, Path]:
    """What the demo's benchmark leaves."""
    return {
        "measurements": output / "bench.jsonl",
        "bench_report": output / "bench.html",
        "bench_picture": output / "bench.png",
    }


def _require_demo_packages(config: "ViTConfig") -> None:
    """Refuse to train for a minute where the export or the report would miss a package."""
    from mvmoe_deploy.models import build
    from mvmoe_export.preflight import require_able

    for name in ("scipy", "jinja2", "matplotlib"):
        if importlib.util.find_spec(name) is None:
            raise MissingExtraError.of(name, "all")
    require_able(build(config, seed=0), _DEMO_TARGETS)


def _measure_demo(bundle: Path, checkpoint: Path, output: Path) -> tuple[list[str], dict[str, str]]:
    """Measure the demo's bundle, quickly, and make the report; gives sentences and files."""
    from mvmoe_bench.planning.presets import PRESETS
    from mvmoe_bench.planning.running import Request, run_bench
    from mvmoe_bench.progress import bars
    from mvmoe_bench.report import write_report
    from mvmoe_bench.report.summary import summarize_run

    files = _measured_files(output)
    request = Request(
        bundles=(bundle,),
        output=files["measurements"],
        preset=PRESETS["quick"],
        targets=("onnx",),
        images="digits",
        compare=("static", "all-experts", "dense"),
        checkpoints=(checkpoint,),
        replace=True,
    )
    with bars() as shown:
        run = run_bench(request, shown)
    write_report([run], files["bench_report"], "html", compare=False, replace=True)
    write_report([run], files["bench_picture"], "png", compare=False, replace=True)
    sentences = [point.text for point in summarize_run(run).headline]
    return sentences, {name: str(path) for name, path in files.items()}


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line; ends the process with an exit code of `docs/design.md`."""
    arguments = sys.argv[1:] if arguments is None else arguments
    disable_telemetry()
    with interruptible():
        code = _run(arguments)
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    """Run the command line; gives its exit code."""
    try:
        with _tidy():
            code = cli.main(arguments, prog_name="mvmoe", standalone_mode=False)
    except BaseException as error:
        # A terminal that is gone refuses what clean-up prints there: still an interruption.
        if interrupted(error) or isinstance(error, click.Abort):
            _tell("KeyboardInterrupt", "interrupted; nothing half-written was left", arguments)
            return _INTERRUPTED
        if not isinstance(error, Exception):
            raise
        if "--debug" in arguments:
            sys.stderr.write("\n".join(map(escaped, traceback.format_exc().split("\n"))))
        return _report(error, arguments)
    return code if isinstance(code, int) else 0


@contextlib.contextmanager
def _tidy() -> Iterator[None]:
    """Remove the temporary files of a command at its end, those of all libraries too.

    Where the system has no place for any, a command that needs none works all the same.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            stack.enter_context(private_temporary_files())
        yield


def _report(error: Exception, arguments: list[str]) -> int:
    """Say an error in one sentence; gives its exit code."""
    message, code = _sentence(error, arguments)
    _tell(type(error).__name__, one_line(message), arguments)
    return code


def _tell(kind: str, message: str, arguments: list[str]) -> None:
    """One line on stderr, and with `--json` the object that stands for the result."""
    with contextlib.suppress(OSError):
        console.note(f"error: {message}")
    if "--json" in arguments:
        # If stdout itself is what failed, stderr has said so.
        with contextlib.suppress(OSError):
            sys.stdout.write(json.dumps({"error": {"type": kind, "message": message}}) + "\n")
            sys.stdout.flush()


def _sentence(error: Exception, arguments: list[str]) -> tuple[str, int]:
    """The sentence and the exit code of an error."""
    if isinstance(error, MvmoeError):
        return str(error), error.exit_code
    if isinstance(error, click.ClickException):
        return f"{error.format_message()} (see mvmoe --help)", InputError.exit_code
    if isinstance(error, ModuleNotFoundError):
        command = next((word for word in arguments if word in _EXTRAS), "export")
        missing = MissingExtraError.of(str(error.name), _EXTRAS[command])
        return str(missing), missing.exit_code
    if isinstance(error, OSError):
        return f"the system refused to read or write ({error}); check space and paths", 2
    return (
        f"mvmoe itself failed ({type(error).__name__}: {error}); run it again with --debug and "
        "report what it prints",
        _OWN_FAULT,
    )


def _identity(checkpoint: "Checkpoint") -> Any:
    """What a bundle says of a checkpoint beyond its weights."""
    from mvmoe_export import Identity

    return Identity(
        name=checkpoint.name,
        family=checkpoint.config.family,
        labels=checkpoint.labels,
        usage_prior=checkpoint.usage_prior,
        checkpoint_sha256=checkpoint.sha256,
        weights=checkpoint.weights,
    )


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
) -> Any:
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


def _model_of(bundle: "Bundle", checkpoint: Path, config: str | None, weights: str | None) -> Any:
    """The model of a checkpoint that `bundle` was exported from."""
    from mvmoe_deploy.models import load_for_bundle
    from mvmoe_deploy.models.presets import configuration
    from mvmoe_export.parity.verify import require_fitting_model

    described = configuration(config) if config else None
    loaded = load_for_bundle(checkpoint, bundle.manifest, described, weights)
    where = f"checkpoint {checkpoint}"
    require_fitting_model(loaded.model, bundle.manifest, where, loaded.sha256)
    return loaded.model


def _named_files(*words: str | None) -> list[Path]:
    """The files among words that are names of something or JSON files."""
    return [Path(word) for word in words if word and word.endswith(".json")]


def _image_files(path: Path) -> list[Path]:
    """A file as it is, a directory's images in order of name; raises InputError if it has none."""
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.iterdir() if file.suffix.lower() in _IMAGE_SUFFIXES)
    if not found:
        raise InputError(
            f"directory {path} holds no images; give files or a directory with "
            f"{', '.join(_IMAGE_SUFFIXES)}"
        )
    return found


def _kind_of(output: Path) -> str:
    """The format that a report's name ends in; raises InputError for another."""
    kinds = {".html": "html", ".htm": "html", ".md": "md", ".png": "png"}
    if output.suffix.lower() not in kinds:
        raise InputError(
            f"{output} ends in none of {', '.join(kinds)}; give --format html, md or png"
        )
    return kinds[output.suffix.lower()]


def _answer(dispatcher: "Dispatcher", path: Path) -> tuple[dict[str, Any], int]:
    """The result of one image and its exit code."""
    from dataclasses import asdict

    try:
        prediction = dispatcher.predict(path)
    except MvmoeError as error:
        return {"image": str(path), "error": str(error)}, error.exit_code
    several = len(prediction.routes) > 1
    return {
        "image": str(path),
        "label": prediction.label,
        "label_index": prediction.label_index,
        "probability": prediction.probability,
        "route": prediction.routes if several else prediction.route,
        "gates": prediction.stage_gates if several else prediction.gates,
        "timings_ms": asdict(prediction.timings),
    }, 0


_DIGITS_MARK = "mvmoe demo"


def _write_digits(folder: Path) -> None:
    """Write the held-out digits as PNG files `NNN_is_D.png`."""
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    from mvmoe_deploy import training
    from mvmoe_deploy.system import files

    images, labels = training.digits_split("test")
    made_by = PngInfo()
    made_by.add_text("Software", _DIGITS_MARK)
    names = [f"{i:03d}_is_{label}.png" for i, label in enumerate(labels)]
    with files.new_directory(folder, _foreign_to_digits) as work:
        for name, pixels in zip(names, images, strict=True):
            Image.fromarray(pixels).save(work / name, pnginfo=made_by)


def _foreign_to_digits(folder: Path) -> str | None:
    """Why a directory does not hold the demo's digits alone; None if it does."""
    foreign = outputs.foreign_without([f"Software\0{_DIGITS_MARK}".encode()], "digit")
    ours = {path.name for path in folder.glob("???_is_?.png") if foreign(path) is None}
    found = outputs.stranger(folder, ours)
    return None if found is None else f"holds {found}, which the demo has not written"
