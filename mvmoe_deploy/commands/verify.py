"""`mvmoe verify`: a bundle against PyTorch, or against its golden vectors."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mvmoe_deploy import part_lookup
from mvmoe_deploy.cli import early_checks, shared_options
from mvmoe_deploy.cli.group import command
from mvmoe_deploy.cli.output import emit, note, stdout_left_alone
from mvmoe_deploy.cli.progress_bars import progress
from mvmoe_deploy.cli.router_verdicts import verdict_line
from mvmoe_deploy.cli.tables import accuracy_text, percent, route_text, scientific, table
from mvmoe_deploy.errors import CheckFailedError, MissingExtraError
from mvmoe_deploy.text import counted

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from mvmoe_deploy.bundle import Bundle
    from mvmoe_deploy.router_health import ModelSource
    from mvmoe_deploy.verification.report_data import (
        ComparedImages,
        OutputFigures,
        VerifiedBundle,
        VerifiedTarget,
    )

_MOST_NEAR_TIES = 10
"""Near-ties of one target that are shown; `--json` has all."""


@command(extra="onnx")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--checkpoint", type=click.Path(path_type=Path), help="What it was exported from.")
@shared_options.own_model
@shared_options.config
@shared_options.weights
@click.option(
    "--data",
    type=shared_options.ImageSource(),
    help="Compare on real images; needs --checkpoint or --model.",
)
@click.option(
    "--target",
    "targets",
    type=shared_options.parts("targets"),
    multiple=True,
    help="Several may be given; else all.",
)
@click.option("--images", "most", type=click.IntRange(1, 10_000), help="Compare at most so many.")
@shared_options.manifest_sha256
@shared_options.plugins
def verify(
    *,
    bundle: Path,
    checkpoint: Path | None,
    factory: str | None,
    config: str | None,
    weights: str | None,
    data: str | None,
    targets: tuple[str, ...],
    most: int | None,
    manifest_sha256: str | None,
    plugins: bool,
    as_json: bool,
) -> int:
    """Compare routes and answers of BUNDLE with PyTorch, for every target and every route.

    Of a model of your own --model names its factory, and --checkpoint its weights if it was
    exported with some. Without either the bundle's golden vectors are the reference, and routes
    that none of them takes are not checked. A figure beyond its bound ends with exit code 1, after
    the whole report.
    """
    early_checks.require_checkpoint(checkpoint)
    early_checks.require_configuration(config)

    from mvmoe_deploy.bundle import Bundle
    from mvmoe_deploy.router_health.binomial_intervals import require_exact_intervals
    from mvmoe_deploy.runtime.isolated import isolated_runners
    from mvmoe_deploy.verification.bundle_verification import verify_bundle
    from mvmoe_deploy.verification.image_choice import choose_samples
    from mvmoe_deploy.verification.report_data import report_data
    from mvmoe_deploy.verification.routers_report import of_bundle, verified_routers

    if factory is not None:
        shared_options.refuse_with_model(config=config)
    compared = checkpoint is not None or factory is not None
    if compared and data is not None:
        require_exact_intervals()
    opened = Bundle.open(bundle, manifest_sha256, plugins=plugins)
    removed = opened.removed_targets()
    opened.verify(*(targets or (name for name in opened.manifest.targets if name not in removed)))
    # Before the model is loaded, and long before the graphs are run.
    pytorch = _pytorch() if compared else None
    samples = choose_samples(opened, data, most, pytorch and pytorch.synthetic_images)
    with stdout_left_alone():
        model = pytorch and _model(
            pytorch,
            opened,
            factory=factory,
            checkpoint=checkpoint,
            config=config,
            weights=weights,
        )
    # In a process of its own: a malformed graph can end the process of its engine.
    with (
        isolated_runners(plugins=plugins) as open_runner,
        progress() as advance,
        stdout_left_alone(),
    ):
        report = verify_bundle(
            opened,
            model,
            samples,
            targets=tuple(dict.fromkeys(targets)) or None,
            progress=advance,
            open_runner=open_runner,
        )
    named = of_bundle(_named(factory, checkpoint, opened.manifest.model.name), opened.manifest)
    routers = verified_routers(report, named)
    emit(as_json, report_data(report, str(bundle), routers), show)
    if not report.ok:
        note(f"error: {report.shortfall}")
        return CheckFailedError.exit_code
    return 0


def _model(
    pytorch: Any,
    bundle: "Bundle",
    *,
    factory: str | None,
    checkpoint: Path | None,
    config: str | None,
    weights: str | None,
) -> Any:
    """The model that the bundle was exported from; raises InputError for another."""
    if factory is not None:
        return pytorch.of_bundle(factory, checkpoint, bundle, weights)
    return pytorch.load(checkpoint, bundle, config, weights)


def _named(factory: str | None, checkpoint: Path | None, name: str) -> "ModelSource":
    """How the model is named in commands that a verdict proposes."""
    from mvmoe_deploy.router_health import ModelSource

    if factory is None:
        return ModelSource.of_checkpoint(str(checkpoint), name)
    return ModelSource.of_factory(factory, None if checkpoint is None else str(checkpoint))


def _pytorch() -> Any:
    """The part that asks PyTorch, of the exporter; raises MissingExtraError without PyTorch."""
    try:
        import torch  # noqa: F401
    except ImportError as error:
        what = "PyTorch, which --checkpoint and --model need,"
        raise MissingExtraError.from_import(error, what, "export") from error
    return part_lookup.find("references", "pytorch")


def show(out: "Console", data: "VerifiedBundle") -> None:
    """Parity: for each target its figures, its routers, and every route."""
    from rich.text import Text

    source = "PyTorch" if data.reference == "pytorch" else "the golden vectors"
    out.print(f"{data.bundle} against {source} on {counted(data.images, 'image')}")
    if data.kept is not None:
        out.print(data.kept.sentence)
    for name, target in data.targets.items():
        verdict = "within its bounds" if target.ok else "FELL SHORT"
        out.print(
            f"\ntarget {name} ({target.strategy}, {target.precision}): {verdict}; same route "
            f"{percent(target.routing_agreement)}"
        )
        instead = f", in place of {absent}" if (absent := target.stands_in_for) else ""
        out.print(f"  run by {target.engine}{instead}")
        out.print(Text(f"  {_bounds_line(target)}"))
        if (line := _accuracy_line(target)) is not None:
            out.print(line)
        out.print(_parity_rows(target))
        out.print()
        out.print(_route_parity_rows(target))
        _show_routers(out, target)
        for failure in target.failures:
            out.print(Text(f"  {failure.sentence}", style="red"))
        if target.fault is not None:
            out.print(Text(f"  {target.fault.sentence}", style="red"))
    _show_skipped(out, data.skipped)
    if data.routers:
        out.print()
    for stage in data.routers or []:
        out.print(Text(verdict_line(stage)))


def _bounds_line(target: "VerifiedTarget") -> str:
    """What the target was held to, and whether its bundle asks for more."""
    bounds = target.bounds
    line = (
        f"held to errors of {bounds.router_error:.2g} (router logits) and "
        f"{bounds.answer_error:.2g} (answers), {bounds.psnr_db:.4g} dB, {_heading(target)} "
        f"{percent(bounds.agreement)}, same route {percent(bounds.routing_agreement)}"
    )
    if target.bounds_limited:
        line += "; the bundle asks for looser bounds than any may have, so these are the limits"
    return line


def _accuracy_line(target: "VerifiedTarget") -> str | None:
    """The accuracies of both, and what is lost; None without labels."""
    ours, theirs = target.accuracy_target, target.accuracy_pytorch
    low, high = target.least_loss, target.most_loss
    if ours is None or theirs is None or low is None or high is None:
        return None
    return f"  {accuracy_text(ours, theirs, low, high, str(target.accuracy_measure))}"


def _show_skipped(out: "Console", skipped: dict[str, str]) -> None:
    """Targets that this machine cannot run, or that are not there."""
    for name, reason in skipped.items():
        out.print(f"\ntarget {name}: not verified; {reason}")


def _parity_rows(target: "VerifiedTarget") -> "Table":
    """Outputs over all images and over those that agree."""
    output = _output_column(target)
    titles = ["answers of", "images", *output, _heading(target), "max error", "RMS", "PSNR"]
    rows = table(*titles, right={1, *range(2 + len(output), len(titles))})
    for what, compared in (
        ("all images", target),
        ("images on the same route", target.agreeing),
        ("all, forced down PyTorch's route", target.same_route),
    ):
        if compared is not None:
            for cells in _output_rows(compared, named=bool(output)):
                rows.add_row(what, str(compared.images), *cells)
    return rows


def _route_parity_rows(target: "VerifiedTarget") -> "Table":
    """Every route of every stage."""
    from rich.text import Text

    output = _output_column(target)
    titles = ["stage", "route", "images", *output, _heading(target), "max error", "RMS", "PSNR", ""]
    rows = table(*titles, right={2, *range(3 + len(output), len(titles) - 1)})
    for row in target.routes:
        state: Text | str
        if not row.checked:
            state = "not checked: needs --checkpoint"
        elif not row.ok:
            state = Text("beyond its bound", style="red")
        else:
            state = "forced" if row.forced else ""
        for cells in _output_rows(row, named=bool(output)) or [["-"] * (4 + len(output))]:
            rows.add_row(str(row.stage), route_text(row.route), str(row.images), *cells, state)
    return rows


def _output_column(target: "VerifiedTarget") -> list[str]:
    """The title of the column with the outputs' names; none where there is one output."""
    return ["output"] if len(target.outputs) > 1 else []


def _heading(target: "VerifiedTarget") -> str:
    """What the agreement of the outputs is called."""
    from mvmoe_deploy.outputs import OutputKind, find_kind

    headings = {find_kind(found.kind).heading for found in target.outputs.values()}
    return headings.pop() if len(headings) == 1 else OutputKind.heading


def _output_rows(compared: "ComparedImages", *, named: bool) -> list[list[str]]:
    """Of each output agreement, largest and RMS error, and PSNR, after its name if `named`."""
    return [
        [*([name] if named else []), *_error_cells(found)]
        for name, found in compared.outputs.items()
    ]


def _error_cells(errors: "OutputFigures") -> list[str]:
    """Agreement, largest and RMS error, PSNR."""
    exact = errors.max_abs_error == 0
    numbers = [errors.max_abs_error, errors.rms_error]
    psnr = errors.psnr_db
    return [
        percent(errors.agreement),
        *map(scientific, numbers),
        f"{psnr:.1f} dB" if psnr is not None else "exact" if exact else "-",
    ]


def _show_routers(out: "Console", target: "VerifiedTarget") -> None:
    """Routers by their margins, then near-ties; of many only the first."""
    for stage in target.stages:
        margin = stage.margin
        spread = "no margin: every expert is used, or the caller chooses"
        if margin is not None:
            spread = f"margins {margin.min:.2g} to {margin.max:.2g}, median {margin.p50:.2g}"
        out.print(
            f"\nrouter of stage {stage.stage}: largest error of a logit "
            f"{scientific(stage.router_max_abs_error)}, {spread}"
        )
    ties = target.near_ties
    for tie in ties[:_MOST_NEAR_TIES]:
        out.print(
            f"  near-tie: {tie.image}, margin {tie.margin:.1e}, PyTorch takes "
            f"{route_text(tie.route)}, the target {route_text(tie.target_route)}"
        )
    if len(ties) > _MOST_NEAR_TIES:
        out.print(f"  ... and {len(ties) - _MOST_NEAR_TIES} more near-ties (all are in --json)")


PART = verify
