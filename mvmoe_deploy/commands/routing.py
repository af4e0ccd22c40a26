"""`mvmoe routing`: a verdict on the routers of a checkpoint or a bundle."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mvmoe_deploy import part_lookup
from mvmoe_deploy.cli import early_checks, shared_options
from mvmoe_deploy.cli.group import command
from mvmoe_deploy.cli.output import emit, note, stdout_left_alone
from mvmoe_deploy.cli.progress_bars import progress
from mvmoe_deploy.cli.router_verdicts import indented, show_drift, show_stages, verdict_line
from mvmoe_deploy.errors import CheckFailedError, InputError, MissingExtraError
from mvmoe_deploy.text import counted

if TYPE_CHECKING:
    import numpy as np
    from rich.console import Console

    from mvmoe_deploy.bundle import Bundle
    from mvmoe_deploy.bundle.manifest import Target
    from mvmoe_deploy.progress import Progress
    from mvmoe_deploy.router_health import ModelSource, Verdict
    from mvmoe_deploy.runtime.contract import Runner
    from mvmoe_deploy.runtime.isolated import OpenRunner
    from mvmoe_deploy.samples import ImageList
    from mvmoe_deploy.training.datasets.contract import Part
    from mvmoe_deploy.verification.image_engine import ImageEngine
    from mvmoe_deploy.verification.routers_report import RoutersReport
    from mvmoe_deploy.verification.routes_of_images import DescribedModel

_MOST_IMAGES = 5000
"""Enough to find unused ones among 100 experts."""

_UNSEEN: "tuple[Part, ...]" = ("test", "held-out")
"""The splits of a data set that no model has learnt from: a verdict takes many images."""

_REQUIRED: "tuple[Verdict, ...]" = ("healthy", "imbalanced", "unused-experts")


@command(extra="routing")
@click.argument(
    "path", metavar="CHECKPOINT|BUNDLE", type=click.Path(path_type=Path), required=False
)
@click.option(
    "--data", type=shared_options.ImageSource(), required=True, help="Real images of the kind."
)
@shared_options.own_model
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path),
    help="What BUNDLE was exported from: says where its targets route otherwise. Or the weights of "
    "--model.",
)
@shared_options.config
@shared_options.weights
@shared_options.input_options
@click.option(
    "--target",
    "targets",
    type=shared_options.parts("targets"),
    multiple=True,
    help="Of a bundle; several, else all.",
)
@click.option(
    "--images", "most", type=click.IntRange(1, 1_000_000), default=_MOST_IMAGES, show_default=True
)
@click.option(
    "--require",
    type=click.Choice(_REQUIRED),
    help="End with exit code 1 if the verdict is worse than this.",
)
@shared_options.manifest_sha256
@shared_options.plugins
def routing(
    *,
    path: Path | None,
    data: str,
    factory: str | None,
    checkpoint: Path | None,
    config: str | None,
    weights: str | None,
    targets: tuple[str, ...],
    most: int,
    require: "Verdict | None",
    manifest_sha256: str | None,
    plugins: bool,
    as_json: bool,
    **choices: Any,
) -> int:
    """Say what the routers of CHECKPOINT or BUNDLE do with the images of --data.

    Per stage: the share of each route and expert, how even they are, how near ties, and a verdict:
    collapsed, unused-experts, imbalanced or healthy, with what to do. Whatever it is, the exit code
    is 0 unless --require asks for a better one.
    """
    from mvmoe_deploy.router_health.binomial_intervals import require_exact_intervals

    early_checks.require_checkpoint(path)
    early_checks.require_checkpoint(checkpoint)
    early_checks.require_configuration(config)
    require_exact_intervals()
    if factory is not None and path is not None and _is_bundle(path):
        _refuse({"--config": config} | _flags(choices), "with --model, whose factory says it")
        source = _bundle(
            path,
            factory=factory,
            checkpoint=checkpoint,
            config=None,
            weights=weights,
            targets=targets,
            manifest_sha256=manifest_sha256,
            plugins=plugins,
        )
    elif factory is not None:
        _refuse_with_model(path, config, targets, manifest_sha256, choices)
        source = _own_model(factory, checkpoint, weights)
    elif path is None:
        raise InputError(
            "no model was given; give CHECKPOINT, BUNDLE, or --model MODULE:FACTORY",
            code="input.option",
            name="path",
        )
    elif _is_bundle(path):
        _refuse(_flags(choices), "with a bundle, which says it")
        source = _bundle(
            path,
            factory=None,
            checkpoint=checkpoint,
            config=config,
            weights=weights,
            targets=targets,
            manifest_sha256=manifest_sha256,
            plugins=plugins,
        )
    else:
        _refuse_with_checkpoint(checkpoint, targets, manifest_sha256)
        source = _checkpoint(path, config, weights, choices)
    report = _report(source, data, most, plugins)
    emit(as_json, report, show)
    return 0 if require is None else _required(report, require)


@dataclass(frozen=True)
class _Source:
    """What is judged: a model, its targets, or both."""

    shown: str
    """What a person gave."""
    described: "DescribedModel"
    named: "ModelSource"
    pytorch: Any = None
    bundle: "Bundle | None" = None
    targets: tuple[str, ...] = ()
    """Of the bundle those that were asked for; empty: all that this machine runs."""


@dataclass
class _Engines:
    """What answers, by name, the reference first."""

    engines: "dict[str, ImageEngine]" = field(default_factory=dict)
    descriptions: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    records: "dict[str, Target]" = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)


def _is_bundle(path: Path) -> bool:
    """Whether a directory is meant as a bundle: it has a manifest."""
    from mvmoe_deploy.bundle.manifest import MANIFEST_FILE

    return (path / MANIFEST_FILE).exists()


def _pytorch() -> Any:
    """The part that asks PyTorch; raises MissingExtraError without PyTorch."""
    try:
        import torch  # noqa: F401
    except ImportError as error:
        what = "PyTorch, which a checkpoint needs,"
        raise MissingExtraError.from_import(error, what, "models") from error
    return part_lookup.find("references", "pytorch")


def _own_model(factory: str, checkpoint: Path | None, weights: str | None) -> _Source:
    """A user's own model."""
    from mvmoe_deploy.router_health import ModelSource

    model = _pytorch().of_factory(factory, checkpoint, weights)
    file = None if checkpoint is None else str(checkpoint)
    named = ModelSource.of_factory(factory, file, weights)
    return _Source(factory, model.described, named, model)


def _checkpoint(
    path: Path, config: str | None, weights: str | None, choices: dict[str, Any]
) -> _Source:
    """The model of a checkpoint."""
    from mvmoe_deploy.router_health import ModelSource

    model = _pytorch().of_checkpoint(path, config, weights, choices)
    for line in model.notes:
        note(line)
    named = ModelSource.of_checkpoint(str(path), path.stem, config=config, weights=weights)
    return _Source(str(path), model.described, named, model)


def _bundle(
    path: Path,
    *,
    factory: str | None,
    checkpoint: Path | None,
    config: str | None,
    weights: str | None,
    targets: tuple[str, ...],
    manifest_sha256: str | None,
    plugins: bool,
) -> _Source:
    """Targets of a bundle, and what it was exported from if that is given."""
    from mvmoe_deploy.bundle import Bundle
    from mvmoe_deploy.router_health import ModelSource
    from mvmoe_deploy.samples import ImageTaker
    from mvmoe_deploy.verification.routers_report import of_bundle
    from mvmoe_deploy.verification.routes_of_images import DescribedModel

    opened = Bundle.open(path, manifest_sha256, plugins=plugins)
    removed = opened.removed_targets()
    opened.verify(*(targets or (name for name in opened.manifest.targets if name not in removed)))
    name = opened.manifest.model.name
    named, model = ModelSource(name=name), None
    if factory is not None:
        model = _pytorch().of_bundle(factory, checkpoint, opened, weights)
        file = None if checkpoint is None else str(checkpoint)
        named = ModelSource.of_factory(factory, file, weights)
    elif checkpoint is not None:
        model = _pytorch().load(checkpoint, opened, config, weights)
        named = ModelSource.of_checkpoint(str(checkpoint), name, config=config, weights=weights)
    named = of_bundle(named, opened.manifest)
    described = DescribedModel(ImageTaker.of(opened.manifest), opened.manifest.stages)
    asked = tuple(dict.fromkeys(targets))
    return _Source(str(path), described, named, model, opened, asked)


def _report(source: _Source, data: str, most: int, plugins: bool) -> "RoutersReport":
    """Send the images through everything, and judge."""
    from mvmoe_deploy.runtime.isolated import isolated_runners
    from mvmoe_deploy.samples import list_samples
    from mvmoe_deploy.verification.routers_report import RoutersReport, judge_routers
    from mvmoe_deploy.verification.routes_of_images import take_routes

    if len(source.described.stages) == 1:
        raise InputError(
            f"{source.shown} routes no image: it has no routed stage, so there is nothing to "
            "judge; give a routed model (of a bundle with constant routes its checkpoint)"
        )
    listed = list_samples(data, source.described.taker, most, _UNSEEN)
    # In a process of its own: a malformed graph can end the process of its engine.
    with (
        isolated_runners(plugins=plugins) as open_runner,
        progress() as advance,
        stdout_left_alone(),
    ):
        found = _engines(source, open_runner)
        blocks = _told(listed, source, advance)
        routes = take_routes(found.engines, source.described.stages, blocks)
    engines = judge_routers(routes, found.descriptions, found.records, listed.groups, source.named)
    reference, *_ = engines
    return RoutersReport(
        model=source.shown,
        data=data,
        images=len(listed.names),
        reference=reference,
        verdict=engines[reference].verdict,
        engines=engines,
        skipped=found.skipped,
    )


def _told(listed: "ImageList", source: _Source, advance: "Progress") -> "Iterator[np.ndarray]":
    """The blocks of images; each image is told when its block is done."""
    names = iter(listed.names)
    advance("images", None, len(listed.names))
    for block in listed.blocks(source.described.taker.input):
        yield block
        for _ in block:
            advance("images", next(names), len(listed.names))


def _engines(source: _Source, open_runner: "OpenRunner") -> _Engines:
    """PyTorch if there is a model, then the targets that this machine runs.

    A reference evaluator in place of an engine is slow, and says nothing of the engine: one is
    taken if it was asked for, or if there is nothing else.
    """
    from mvmoe_deploy.verification.routes_of_images import routed_alone

    found = _Engines()
    if source.pytorch is not None:
        found.engines["pytorch"] = routed_alone(source.pytorch.stages, source.described.stages)
        found.descriptions["pytorch"] = ("PyTorch", None)
    bundle = source.bundle
    if bundle is None:
        return found
    if not source.targets:
        found.skipped |= bundle.removed_targets()
    names = [
        name for name in source.targets or bundle.manifest.targets if name not in found.skipped
    ]
    runners = {name: _runner(source, name, open_runner, found) for name in names}
    opened = {name: runner for name, runner in runners.items() if runner is not None}
    own = {name: runner for name, runner in opened.items() if runner.stands_in_for is None}
    if source.targets or not (own or found.engines):
        own = opened
    for name, runner in opened.items():
        if name in own:
            _take(bundle, name, runner, found)
            continue
        found.skipped[name] = (
            f"there is no {runner.stands_in_for} on this machine, and the {runner.description} in "
            f"its place is slow; ask for it with --target {name}"
        )
    if not found.engines:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in found.skipped.items())
        raise InputError(f"no target of {source.shown} runs on this machine ({reasons})")
    return found


def _runner(
    source: _Source, name: str, open_runner: "OpenRunner", found: _Engines
) -> "Runner | None":
    """The runner of a target; None, with the reason in `found`, where no engine runs it."""
    from mvmoe_deploy.errors import UnsupportedPlatformError

    assert source.bundle is not None
    try:
        return open_runner(source.bundle.path, source.bundle.target(name))
    except UnsupportedPlatformError as error:
        if source.targets:
            raise
        found.skipped[name] = str(error)
        return None


def _take(bundle: "Bundle", name: str, runner: "Runner", found: _Engines) -> None:
    """Ask a target's graphs, too."""
    from mvmoe_deploy.verification.routes_of_images import target_routes

    record = bundle.target(name)
    found.engines[name] = target_routes(runner, bundle, name, record)
    found.descriptions[name] = (runner.description, runner.stands_in_for)
    found.records[name] = record


def _required(report: "RoutersReport", require: "Verdict") -> int:
    """The exit code where a verdict is asked for, of every engine."""
    from mvmoe_deploy.router_health.judging import is_worse

    for name, judged in report.engines.items():
        deciding = [stage for stage in judged.stages if stage.decides]
        if deciding and is_worse(judged.verdict, require):
            said = next(stage for stage in deciding if stage.verdict == judged.verdict)
            note(f"error: --require {require} was given, but of {name}: {verdict_line(said)}")
            return CheckFailedError.exit_code
    return 0


def _refuse_with_model(
    path: Path | None,
    config: str | None,
    targets: tuple[str, ...],
    sha256: str | None,
    choices: dict[str, Any],
) -> None:
    """Refuse what says nothing of a user's own model; raises InputError."""
    given = {"a path": path, "--config": config, "--target": targets, "--manifest-sha256": sha256}
    _refuse(given | _flags(choices), "with --model, whose factory says it")


def _flags(choices: dict[str, Any]) -> dict[str, Any]:
    """What was said of the input, by the flags that say it."""
    return {f"--{name.replace('_', '-')}": value for name, value in choices.items()}


def _refuse_with_checkpoint(
    checkpoint: Path | None, targets: tuple[str, ...], sha256: str | None
) -> None:
    """Refuse what is of a bundle; raises InputError."""
    given = {"--checkpoint": checkpoint, "--target": targets, "--manifest-sha256": sha256}
    _refuse(given, "with a checkpoint, which is no bundle")


def _refuse(given: dict[str, Any], where: str) -> None:
    for word, value in given.items():
        if value not in (None, ()):
            raise InputError(
                f"{word} was given {where}; leave it out",
                code="input.option",
                name=word.removeprefix("--"),
            )


def show(out: "Console", data: "RoutersReport") -> None:
    """The reference in full, then what differs from it."""
    from rich.text import Text

    reference = data.engines[data.reference]
    images = counted(data.images, "image")
    out.print(f"{data.model}: {images} of {data.data}, routed by {reference.engine}")
    show_stages(out, reference.stages)
    for name, judged in data.engines.items():
        if judged.drift is None:
            continue
        instead = f", in place of {absent}" if (absent := judged.stands_in_for) else ""
        out.print(f"\ntarget {name} ({judged.engine}{instead})")
        show_drift(out, judged.drift)
        for stage, other in zip(judged.stages, reference.stages, strict=True):
            alike = stage.verdict is not None and stage.verdict == other.verdict
            too = f"router of stage {stage.stage}: {stage.verdict} too"
            indented(out, too if alike else verdict_line(stage))
    for name, reason in data.skipped.items():
        out.print(f"\ntarget {name}: not run; {reason}")
    if len(reference.stages) > 1:
        out.print(Text(f"\nof all stages: {data.verdict or 'no verdict'}", style="bold"))


PART = routing
