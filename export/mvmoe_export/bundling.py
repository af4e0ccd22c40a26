"""The one way from a model to a bundle: stages, targets, route guard, golden vectors, manifest."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec
import torch

import mvmoe_deploy
from mvmoe_deploy import files
from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.bundle.write import write_golden, write_manifest
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.models.counting import count
from mvmoe_deploy.routing import UsagePrior
from mvmoe_export.parity.golden import golden_vectors
from mvmoe_export.parity.guard import guard
from mvmoe_export.stages import MAX_GRAPHS, Stages, Strategy, make_stages
from mvmoe_export.targets import ExportOptions, find_target

_PACKAGES = ("torch", "onnx", "onnxscript", "onnxruntime")


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
    progress: Callable[[str, str], None] = lambda phase, graph: None,
) -> manifest.Manifest:
    """Export a routed model to the bundle directory `path`; gives its manifest.

    `progress` is called with a phase (`export` or `guard`) and a graph's name when the graph is
    done. Raises InputError for a model or options that cannot be exported, CheckFailedError if a
    graph does not do what the model does, OutputError if it cannot be written; nothing is then
    left at `path`.
    """
    model = model.eval()
    options = options or ExportOptions()
    found = {name: find_target(name) for name in targets}
    stages = make_stages(model, strategy, batch, max_graphs)
    with files.new_directory(Path(path), replace_existing) as work, torch.no_grad():
        records = {}
        for name, target in found.items():
            watched = replace(options, progress=lambda graph: progress("export", graph))
            artifact = target.export(stages, watched, work)
            parity = guard(
                name, stages, artifact.record, work, lambda graph: progress("guard", graph)
            )
            records[name] = msgspec.structs.replace(artifact.record, parity=parity)
        golden = write_golden(work, golden_vectors(model))
        result = _manifest(stages, records, golden, identity or Identity())
        write_manifest(work, result)
    return result


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
