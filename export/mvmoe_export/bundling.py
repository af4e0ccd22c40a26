"""The one way from a model to a bundle: stages, targets, route guard, golden vectors, manifest."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec
import torch

import mvmoe_deploy
from mvmoe_deploy import files
from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.bundle.write import write_golden, write_manifest
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.models.counting import count
from mvmoe_deploy.routing import UsagePrior
from mvmoe_export.parity.golden import golden_vectors
from mvmoe_export.parity.guard import guard
from mvmoe_export.stages import MAX_GRAPHS, Stages, Strategy, make_stages
from mvmoe_export.targets import ExportOptions, find_target, target_names

_PACKAGES = ("torch", "onnx", "onnxscript", "onnxruntime")

Progress = Callable[[str, str, int], None]
"""Called with a phase, the graph that is done, and how many things the phase has."""


def _ignore(phase: str, graph: str, total: int) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True)
class Identity:
    """What a bundle says of the model beyond its weights."""

    name: str = "model"
    family: str | None = None
    """None for the name of the model's class."""
    labels: Sequence[str] | None = None
    usage_prior: UsagePrior | None = None
    checkpoint_sha256: str | None = None


def export_bundle(
    model: RoutedModel,
    path: str | Path,
    *,
    targets: Sequence[str] = ("onnx",),
    strategy: Strategy = "dispatch",
    batch: int = 1,
    max_graphs: int = MAX_GRAPHS,
    identity: Identity | None = None,
    options: ExportOptions | None = None,
    replace_existing: bool = False,
    progress: Progress = _ignore,
) -> manifest.Manifest:
    """Export a routed model to the bundle directory `path`; gives its manifest.

    Raises InputError for a model or options that cannot be exported, CheckFailedError if a
    graph does not do what the model does, OutputError if it cannot be written; nothing is then
    left at `path`.
    """
    options = options or ExportOptions()
    found = {name: find_target(name) for name in targets}
    if not found:
        raise InputError(f"no target was given; give one of {', '.join(target_names())}")
    stages = make_stages(model, strategy, batch, max_graphs)
    model.eval()
    with files.new_directory(Path(path), replace_existing) as work, torch.no_grad():
        records = {}
        for name, target in found.items():
            report = partial(_report, progress, name, stages)
            watched = replace(options, progress=partial(report, "export"))
            artifact = target.export(stages, watched, work)
            parity = guard(name, stages, artifact.record, work, partial(report, "check"))
            records[name] = msgspec.structs.replace(artifact.record, parity=parity)
        golden = write_golden(work, golden_vectors(model))
        result = _manifest(stages, records, golden, identity or Identity())
        write_manifest(work, result)
    return result


def _report(progress: Progress, target: str, stages: Stages, phase: str, graph: str) -> None:
    """Pass a graph that is done on, with the total of its phase."""
    checked = 1 + sum(math.comb(rule.experts, rule.k) for rule in stages.model.routing)
    total = len(list(stages.graphs)) if phase == "export" else checked
    progress(f"{phase} {target}", graph, total)


def _manifest(
    stages: Stages,
    records: dict[str, manifest.Target],
    golden: manifest.Golden,
    identity: Identity,
) -> manifest.Manifest:
    """The manifest of what was exported."""
    model = stages.model
    counts = count(model)
    family = identity.family or type(model).__name__
    return manifest.Manifest(
        format=manifest.FORMAT,
        version=manifest.VERSION,
        model=manifest.Model(
            family=family,
            name=identity.name,
            params_total=counts.params_total,
            params_active=counts.params_active,
            macs=counts.macs,
        ),
        source=manifest.Source(
            checkpoint_sha256=identity.checkpoint_sha256, packages=_package_versions()
        ),
        input=model.input,
        labels=tuple(identity.labels) if identity.labels is not None else None,
        stages=tuple(manifest.Stage(name=spec.name, rule=spec.rule) for spec in stages.specs),
        targets=records,
        usage_prior=identity.usage_prior,
        golden=golden,
    )


def _package_versions() -> dict[str, str]:
    """The versions of what made the graphs."""
    versions = {"mvmoe-deploy": mvmoe_deploy.__version__}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions
