"""Whether a bundle's targets route and answer as the reference does: what `mvmoe verify` finds out.

See `docs/verify.md` for what is compared and how.

- `reference`: what is compared with; `image_choice`: on which images.
- `run_stages`: images through a model's stages or a target's graphs; `metrics`: their differences.
- `image_engine`: what is asked of a target, by whom its routes are selected: `routed_by_host`,
  `routed_in_graph` with `steering`.
- `target_check`: one target; `bounds`, `bounds_check`: what it is held to.
- `faults`: where the error of a target begins; `fault_images`: which image shows it.
- `report`: what was found; `report_data`: the same as plain data.
"""

from collections.abc import Sequence
from functools import partial

from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.bundle.manifest import IN_GRAPH, Bounds, Target
from mvmoe_deploy.errors import (
    CheckFailedError,
    InputError,
    RoutingError,
    UnsupportedPlatformError,
)
from mvmoe_deploy.progress import Progress, ignore_progress
from mvmoe_deploy.runtime.contract import Runner
from mvmoe_deploy.runtime.isolated import OpenRunner
from mvmoe_deploy.runtime.runners import open_runner as find_and_open
from mvmoe_deploy.samples import Samples
from mvmoe_deploy.verification.faults import FaultLocation, SearchedTarget, ShownBy
from mvmoe_deploy.verification.image_engine import ImageEngine
from mvmoe_deploy.verification.reference import (
    ModelReference,
    Reference,
    golden_reference,
    model_reference,
)
from mvmoe_deploy.verification.routed_by_host import RoutedByHost
from mvmoe_deploy.verification.routed_in_graph import RoutedInGraph
from mvmoe_deploy.verification.run_stages import TargetGraphs
from mvmoe_deploy.verification.target_check import FindFault, TargetCheck
from mvmoe_deploy.verification.verification_report import Report

_REFERENCE = "answers to compare with"
"""The phase before the first target."""


def verify_bundle(
    bundle: Bundle,
    model: ModelReference | None = None,
    samples: Samples | None = None,
    *,
    targets: Sequence[str] | None = None,
    progress: Progress = ignore_progress,
    open_runner: OpenRunner | None = None,
) -> Report:
    """Compare targets of a bundle with the model's answers to `samples`.

    - `bundle`: as `Bundle.open` gives it, its files checked by `bundle.verify()`.
    - `model`: what answers for PyTorch. From a PyTorch module it is made by
      `mvmoe_export.verify_against_model(bundle, module, samples)`, which calls this function.
    - `samples`: images and labels, as `mvmoe_deploy.samples.load_samples(data, bundle.manifest,
      most)` reads them, or `Samples(names, inputs)` with inputs `[n, C, H, W]` (fp32).
    - `progress`: called as `progress(phase, item, total)` whenever one of `total` routes and
      batches was compared.

    The report's `ok` says whether all figures are within their bounds, `shortfall` what is not.

    Without samples the golden vectors are images and reference in one; without a model nothing else
    can be, and routes that no image takes are not run. `targets` None are all that run on this
    machine and whose files were not removed; one that was asked for by name and is not among them
    is an error. With a model, the operator is looked for at which the error of a target that falls
    short begins. The files are taken as checked; where they are not trusted, `open_runner` is one
    that `isolated_runners` gives. Runners of other distributions are opened if the bundle was
    opened with `plugins`.

    Raises InputError for a model or samples that do not fit the bundle or a target that it lacks,
    BundleError for golden vectors that are damaged, MissingExtraError or EngineError of an engine,
    CheckFailedError if the model contradicts itself or a target's router gives a logit that is not
    finite.
    """
    names = bundle.manifest.targets if targets is None else targets
    records = {name: bundle.target(name) for name in names}
    progress(_REFERENCE, None, 1)
    reference = _reference(bundle, model, samples)
    progress(_REFERENCE, "images", 1)
    open_runner = open_runner or partial(find_and_open, plugins=bundle.plugins)
    reports = {}
    skipped = bundle.removed_targets() if targets is None else {}
    for name, record in records.items():
        if name in skipped:
            continue
        try:
            runner = open_runner(bundle.path, record)
        except UnsupportedPlatformError as error:
            if targets is not None:
                raise
            skipped[name] = str(error)
            continue
        engine = _engine(runner, bundle, name, record)
        find = _fault_finder(model, bundle, record, open_runner)
        check = TargetCheck(name, record, engine, reference, find_fault=find)
        try:
            reports[name] = check.run(runner, partial(progress, f"verify {name}"))
        except RoutingError as error:
            raise CheckFailedError(
                f"target {name}: {error}", target=name, found=error.code
            ) from error
    kind = "golden" if model is None else "pytorch"
    return Report(kind, len(reference.samples.names), reports, skipped, reference)


def _engine(runner: Runner, bundle: Bundle, name: str, record: Target) -> ImageEngine:
    """The graphs of a target, asked for whole images."""
    described = bundle.manifest
    if record.routers == IN_GRAPH:
        return RoutedInGraph(runner, described, record)
    graphs = TargetGraphs(runner, bundle.path, record, bundle.strategy(name))
    return RoutedByHost(graphs, described.stages, described.outputs)


def _fault_finder(
    model: ModelReference | None, bundle: Bundle, record: Target, open_runner: OpenRunner
) -> FindFault | None:
    """What finds where the error of a target begins; None without a model to ask."""
    if model is None:
        return None

    def find(bounds: Bounds, shown: ShownBy) -> FaultLocation | None:
        return model.find_fault(
            SearchedTarget(bundle.path, record, bounds, open_runner, bundle.plugins), shown
        )

    return find


def _reference(bundle: Bundle, model: ModelReference | None, samples: Samples | None) -> Reference:
    """What the targets are compared with."""
    if model is not None:
        model.require_fit(bundle.manifest)
    if samples is None:
        return golden_reference(bundle, model)
    if model is None:
        raise InputError(
            "images were given without a model to answer them; give a checkpoint, or no images: "
            "the bundle's golden vectors have answers of their own",
            code="input.option",
            name="images",
        )
    return model_reference(bundle, model, samples)
