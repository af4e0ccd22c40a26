"""`mvmoe demo`: the whole way on real digits, from training to measured figures."""

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from mvmoe_deploy import part_lookup
from mvmoe_deploy.cli.group import command
from mvmoe_deploy.cli.kept_work import says_what_is_kept
from mvmoe_deploy.cli.output import emit
from mvmoe_deploy.cli.progress_bars import progress
from mvmoe_deploy.cli.tables import percent, route_text, scientific, size, table
from mvmoe_deploy.errors import MissingExtraError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from mvmoe_deploy.bundle import Bundle
    from mvmoe_deploy.models import ModelConfig
    from mvmoe_deploy.training import TrainOptions
    from mvmoe_deploy.verification.report_data import VerifiedTarget

_MOST_IMAGES = 1000
_DIGITS_MARK = "mvmoe demo"
"""In every image that the demo writes, so that it replaces no other."""


_FOR_IPHONE = Path("ios_demo/put-bundle")
"""In a checkout, what gives the iOS demo its bundle."""


class DemoTarget(msgspec.Struct, frozen=True, kw_only=True):
    """One target: who ran it, what it weighs, and how near it came to PyTorch."""

    target: str
    engine: str
    precision: str
    bytes: int
    top1: float | None
    routing_agreement: float
    max_abs_error: float | None


class RouteUsage(msgspec.Struct, frozen=True, kw_only=True):
    """How many of the images took a route."""

    route: tuple[int, ...]
    images: int


class Demo(msgspec.Struct, frozen=True, kw_only=True):
    """What the demo found. The figures without a target's name are those of `onnx`."""

    images: int
    top1_dense: float
    top1_pytorch: float | None
    top1_bundle: float | None
    top1_agreement: float | None
    routing_agreement: float
    max_abs_error: float | None
    targets: tuple[DemoTarget, ...]
    usage: tuple[RouteUsage, ...]
    super_classes: list[list[str]]
    router_accuracy: float | None
    files: dict[str, str]
    measured: tuple[str, ...]
    """Sentences of the benchmark."""


class _Places:
    """Where the demo's files are."""

    def __init__(self, output: Path) -> None:
        self.run = output / "training"
        self.checkpoint = self.run / "super-class"
        self.bundle = output / "digits.mvmoe"
        self.images = output / "images"
        self.measurements = output / "bench.jsonl"
        self.report = output / "bench.html"
        self.picture = output / "bench.png"

    def named(self) -> dict[str, str]:
        """All of them by what they are."""
        return {
            "bundle": str(self.bundle),
            "checkpoint": str(self.checkpoint),
            "images": str(self.images),
            "picture": str(self.run / "class_to_expert.png"),
            "report": str(self.run / "report.json"),
            "measurements": str(self.measurements),
            "bench_report": str(self.report),
            "bench_picture": str(self.picture),
        }


@command(extra="all")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), default="mvmoe-demo", show_default=True
)
def demo(output: Path, as_json: bool) -> None:
    """Train on real digits, export, answer held-out images with model and bundle, and measure.

    Run again on the same directory, it goes on where it was interrupted.
    """
    from mvmoe_deploy import training
    from mvmoe_deploy.models.presets import configuration

    places = _Places(output)
    _require_free(places)
    options = training.default_options(configuration("digits"), "digits")
    _require_packages(options.config)
    with says_what_is_kept(lambda: "what was done is kept; the same command goes on after it"):
        result = _done(places, options)
    emit(as_json, result, show)


def _done(places: _Places, options: "TrainOptions") -> Demo:
    """Train, export, compare and measure; what is there already is taken as it is."""
    from mvmoe_deploy import training
    from mvmoe_deploy.models import load_checkpoint

    trained = training.train(options, places.run, resume=True)
    assert trained.dense is not None  # The run starts from nothing.
    checkpoint = load_checkpoint(places.checkpoint)
    bundle = _export(checkpoint, places.bundle)
    _write_digits(places.images)
    images, targets = _compare(bundle, checkpoint.model)
    found = targets["onnx"]
    (answer,) = found.outputs.values()
    return Demo(
        images=images,
        top1_dense=trained.dense.test_accuracy,
        top1_pytorch=found.accuracy_pytorch,
        top1_bundle=found.accuracy_target,
        top1_agreement=answer.agreement,
        routing_agreement=found.routing_agreement,
        max_abs_error=answer.max_abs_error,
        targets=tuple(_target(bundle, name, figures) for name, figures in targets.items()),
        usage=tuple(
            RouteUsage(route=row.route, images=row.images) for row in found.routes if row.images
        ),
        super_classes=trained.routings[0].super_classes or [],
        router_accuracy=trained.routings[0].router_accuracy,
        files=places.named(),
        measured=_measure(places),
    )


def _require_free(places: _Places) -> None:
    """Refuse a directory in which something else is where the demo would put its own."""
    from mvmoe_bench.measure.schema import results
    from mvmoe_bench.report import report_files
    from mvmoe_deploy.bundle.write import foreign_to_bundle
    from mvmoe_deploy.system import output_places

    output_places.require_directory(places.bundle, foreign_to_bundle)
    output_places.require_directory(places.images, _foreign_to_digits)
    results.require_free(places.measurements, replace=True)
    for path in (places.report, places.picture):
        report_files.require_free(path, True, [])


def _require_packages(config: "ModelConfig") -> None:
    """Refuse to train for a minute where the export or the report would miss a package."""
    from mvmoe_deploy.models import build
    from mvmoe_export.preflight import require_able

    for name in ("scipy", "jinja2", "matplotlib"):
        if importlib.util.find_spec(name) is None:
            raise MissingExtraError.of(name, "all")
    require_able(build(config, seed=0), tuple(part_lookup.built_in_names("targets")))


def _export(checkpoint: Any, path: Path) -> "Bundle":
    """The bundle of the trained model."""
    from mvmoe_deploy.bundle import Bundle
    from mvmoe_export import Identity, export_bundle

    with progress() as advance:
        export_bundle(
            checkpoint.model,
            path,
            targets=tuple(part_lookup.built_in_names("targets")),
            identity=Identity.of(checkpoint),
            replace_existing=True,
            resume=True,
            progress=advance,
        )
    return Bundle.open(path)


def _compare(bundle: "Bundle", model: Any) -> tuple[int, dict[str, "VerifiedTarget"]]:
    """How many held-out images were answered, and each target's figures against the model."""
    from mvmoe_deploy.samples import load_samples
    from mvmoe_deploy.verification.report_data import report_data
    from mvmoe_export.parity.pytorch import verify_against_model

    samples = load_samples("digits", bundle.manifest, most=_MOST_IMAGES)
    verified = verify_against_model(bundle, model, samples)
    verified.require_ok()
    return verified.images, report_data(verified, str(bundle.path)).targets


def _target(bundle: "Bundle", name: str, figures: "VerifiedTarget") -> DemoTarget:
    """One target's row."""
    (answer,) = figures.outputs.values()
    return DemoTarget(
        target=name,
        engine=figures.engine,
        precision=figures.precision,
        bytes=sum(file.bytes for file in bundle.target(name).files),
        top1=figures.accuracy_target,
        routing_agreement=figures.routing_agreement,
        max_abs_error=answer.max_abs_error,
    )


def _measure(places: _Places) -> tuple[str, ...]:
    """Measure the bundle, quickly, and write the report; gives its sentences."""
    from mvmoe_bench.measure.planning.bench_presets import PRESETS
    from mvmoe_bench.measure.planning.running import Request, run_bench
    from mvmoe_bench.report.report_files import write_report
    from mvmoe_bench.report.run_summary import summarize_run
    from mvmoe_deploy.training.pipeline import DENSE

    request = Request(
        bundles=(places.bundle,),
        output=places.measurements,
        preset=PRESETS["quick"],
        targets=("onnx",),
        images="digits",
        compare=("static", "all-experts", "dense"),
        checkpoints=(places.checkpoint,),
        dense=(places.run / DENSE,),
        replace=True,
    )
    with progress() as advance:
        run = run_bench(request, advance)
    write_report([run], places.report, "html", replace=True)
    write_report([run], places.picture, "png", replace=True)
    return tuple(point.text for point in summarize_run(run).headline())


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
    from mvmoe_deploy.system import output_places

    foreign = output_places.foreign_without([f"Software\0{_DIGITS_MARK}".encode()], "digit")
    ours = {path.name for path in folder.glob("???_is_?.png") if foreign(path) is None}
    found = output_places.unknown_entry(folder, ours)
    return None if found is None else f"holds {found}, which the demo has not written"


def show(out: "Console", result: Demo) -> None:
    """Model and bundle side by side, usage, and where everything is."""
    out.print(f"{result.images} held-out digits, answered by both\n")
    rows = table("", "top-1", right=(1,))
    rows.add_row("dense PyTorch baseline", percent(result.top1_dense))
    rows.add_row("routed PyTorch model", percent(result.top1_pytorch))
    out.print(rows)
    out.print("\nthe bundle against the routed model, target by target")
    out.print(_target_rows(result.targets))
    out.print()
    out.print(_usage_rows(result))
    out.print()
    for sentence in result.measured:
        out.print(sentence)
    out.print()
    for what, where in result.files.items():
        out.print(f"{what:13} {where}")
    out.print(f"\ntry: mvmoe run {result.files['bundle']} {result.files['images']}")
    if _FOR_IPHONE.exists():
        out.print(f"on an iPhone: {_FOR_IPHONE} {result.files['checkpoint']}, then docs/ios.md")


def _target_rows(targets: tuple[DemoTarget, ...]) -> "Table":
    """Each target: who ran it, what it weighs, and how near it came."""
    columns = ("target", "run by", "weights", "bytes", "top-1", "same route", "max error")
    rows = table(*columns, right=range(3, 7))
    for target in targets:
        rows.add_row(
            target.target,
            target.engine,
            target.precision,
            size(target.bytes),
            percent(target.top1),
            percent(target.routing_agreement),
            scientific(target.max_abs_error),
        )
    return rows


def _usage_rows(result: Demo) -> "Table":
    """Experts by the images they answered, with the classes they own."""
    rows = table("expert", "images", "super-class", right=(1,))
    for item in result.usage:
        owned = [", ".join(result.super_classes[expert]) for expert in item.route]
        rows.add_row(route_text(item.route), str(item.images), " | ".join(owned))
    return rows


PART = demo
