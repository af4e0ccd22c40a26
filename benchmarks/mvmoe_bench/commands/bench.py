"""`mvmoe bench`: what bundles cost on a device, measured or estimated."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mvmoe_deploy import part_lookup
from mvmoe_deploy.cli import early_checks, shared_options
from mvmoe_deploy.cli.group import command
from mvmoe_deploy.cli.kept_work import says_what_is_kept
from mvmoe_deploy.cli.output import emit, note
from mvmoe_deploy.cli.progress_bars import progress
from mvmoe_deploy.errors import CheckFailedError, EngineError, InputError

if TYPE_CHECKING:
    from rich.console import Console

    from mvmoe_bench.advice import Estimates
    from mvmoe_bench.measure.schema.records import Advice

_DEVICES = ", ".join(part_lookup.built_in_names("devices"))


@command(extra="bench")
@click.argument("bundles", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="JSON lines.")
@click.option(
    "--advise",
    is_flag=True,
    help="Measure nothing: only estimate what would slow the graphs down on phones.",
)
@click.option(
    "--device",
    type=shared_options.parts("devices"),
    help=f"{_DEVICES}; else what this program runs on.",
)
@click.option(
    "--target",
    "targets",
    type=shared_options.parts("targets"),
    multiple=True,
    help="Several may be given; else all.",
)
@click.option("--threads", type=click.IntRange(1, 256), default=1, show_default=True)
@click.option(
    "--preset",
    type=click.Choice(["quick", "standard", "rigorous"]),
    default="standard",
    show_default=True,
)
@click.option(
    "--sustained",
    type=click.FloatRange(min=0, max=24 * 60),
    default=0,
    metavar="MINUTES",
    help="At the end let each dispatcher answer so long without a pause.",
)
@click.option(
    "--paced",
    type=click.FloatRange(min=0, max=24 * 60),
    default=0,
    metavar="MINUTES",
    help="Let each dispatcher answer frames of a camera for so long, with idle time between.",
)
@click.option(
    "--rate",
    type=click.FloatRange(min=0.1, max=1000),
    metavar="FRAMES",
    help="Frames a second for --paced; 30 unless told otherwise.",
)
@click.option(
    "--images",
    type=shared_options.ImageSource("synthetic"),
    default="synthetic",
    show_default=True,
    help="Real images, or synthetic ones that are forced down given routes.",
)
@click.option(
    "--distribution",
    help="Shares of routes: prior, uniform, 0=0.7,3=0.3, or a JSON file. Synthetic images follow "
    "it; for others the latency under it is computed.",
)
@click.option(
    "--compare",
    default="",
    help="With commas: bare, static, all-experts, gather, dense, eager, compile. All but bare need "
    "--checkpoint or --model.",
)
@click.option(
    "--checkpoint",
    "checkpoints",
    type=click.Path(path_type=Path),
    multiple=True,
    help="What the bundle was exported from; once for each bundle.",
)
@click.option(
    "--dense",
    type=click.Path(path_type=Path),
    multiple=True,
    help="A dense model's checkpoint: the report has its right answers beside the bundle's; once "
    "for each bundle.",
)
@click.option(
    "--model",
    "factories",
    metavar="MODULE:FACTORY",
    multiple=True,
    help="The model of your own that the bundle was exported from; once for each bundle. Its code "
    "is run; --checkpoint has its weights.",
)
@click.option(
    "--engine-option",
    "engine_options",
    type=shared_options.KeyValue(),
    multiple=True,
    help="Measure each target with it: pool=process for ONNX Runtime.",
)
@shared_options.config
@shared_options.weights
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
@shared_options.plugins
@shared_options.force
def bench(
    *,
    bundles: tuple[Path, ...],
    output: Path | None,
    advise: bool,
    preset: str,
    sustained: float,
    paced: float,
    rate: float | None,
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
        return _advise(bundles, as_json, **{key: asked[key] for key in _ADVISED})
    if output is None:
        raise InputError(
            "no output was given; give -o results.jsonl, or --advise",
            code="input.option",
            name="output",
        )
    if rate is not None and not paced:
        raise InputError(
            f"--rate {rate:g} was given without --paced; give --paced MINUTES as well",
            code="input.option",
            name="rate",
        )
    for path in asked["checkpoints"]:
        early_checks.require_checkpoint(path)
    import scipy  # noqa: F401  Fail before measuring if it is missing.

    from mvmoe_bench.measure.planning.bench_presets import preset_of
    from mvmoe_bench.measure.planning.running import Request, run_bench
    from mvmoe_bench.measure.schema.records import Failure
    from mvmoe_bench.report.run_summary import summarize_run
    from mvmoe_bench.report.terminal_report import show_summary

    request = Request(
        bundles=bundles,
        output=output,
        preset=preset_of(preset, sustained=60 * sustained, paced=60 * paced, rate=rate),
        compare=tuple(name.strip() for name in compare.split(",") if name.strip()),
        replace=force,
        **asked,
    )
    try:
        with says_what_is_kept(partial(_kept, output)), progress() as advance:
            result = run_bench(request, advance)
    except EngineError:
        if (kept := _kept(output)) is not None:
            note(kept)
        raise
    summary = summarize_run(result)
    run = summary.with_headline(str(request.output))
    emit(as_json, run, lambda out, _: show_summary(out, summary))
    failures = [line for line in result.lines if isinstance(line, Failure)]
    for failure in failures:
        note(f"error: {failure.subject or failure.job} failed: {failure.message}")
    return CheckFailedError.exit_code if failures else 0


def _kept(output: Path) -> str | None:
    """What an interrupted run has left."""
    if not output.exists():
        return None
    return f"what was measured is in {output}; the same command with --resume goes on from there"


_ADVISED = ("targets", "manifest_sha256", "plugins")
"""The options that `--advise` takes as well."""


def _advise(
    bundles: tuple[Path, ...],
    as_json: bool,
    *,
    targets: tuple[str, ...],
    manifest_sha256: tuple[str, ...],
    plugins: bool,
) -> int:
    """Print what the placement advisor thinks; it is no check, so the exit code is 0."""
    from mvmoe_bench.advice import Estimates
    from mvmoe_bench.advice.advisor_process import advise_isolated
    from mvmoe_bench.measure.planning.running import pins_of
    from mvmoe_deploy.bundle import Bundle

    found: list[Advice] = []
    for path, pin in zip(bundles, pins_of(bundles, manifest_sha256), strict=True):
        opened = Bundle.open(path, pin, plugins=plugins)
        opened.verify(*targets)
        found += advise_isolated(opened, targets or None, name=str(path))
    emit(as_json, Estimates(advice=tuple(found)), show_advice)
    return 0


def show_advice(out: "Console", found: "Estimates") -> None:
    """What the placement advisor thinks, the gravest first; every line an estimate."""
    out.print("ESTIMATE, not measured: what is publicly known of engines, applied to the graphs\n")
    if not found.advice:
        out.print("nothing to say")
    for item in found.advice:
        where = "/".join(part for part in (item.target, item.graph) if part)
        engine = f", {item.engine}" if item.engine else ""
        out.print(f"{item.severity:8} {where}{engine}: {item.text}")
        out.print(f"{'':8} because: {item.reason}")
        out.print(f"{'':8} source: {item.source} (rule {item.rule})\n")


PART = bench
