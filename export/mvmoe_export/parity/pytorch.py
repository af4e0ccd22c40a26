"""The PyTorch model as the reference of a verification."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.bundle.manifest import Manifest
from mvmoe_deploy.bundle.model_outputs import ClassOutput
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.models.input_choices import words
from mvmoe_deploy.models.own_module import make_own_module
from mvmoe_deploy.models.own_weights import load_own_weights, own_labels
from mvmoe_deploy.outputs import find_kind
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.routing import Rule
from mvmoe_deploy.samples import ImageTaker, Samples
from mvmoe_deploy.verification.bundle_verification import verify_bundle
from mvmoe_deploy.verification.faults import FaultLocation, SearchedTarget, ShownBy
from mvmoe_deploy.verification.kept_answers import KeptAnswers, kept_answers
from mvmoe_deploy.verification.routes_of_images import DescribedModel
from mvmoe_deploy.verification.run_stages import StageEngine, Vectors
from mvmoe_deploy.verification.verification_report import Report
from mvmoe_export.flow import ModelFlow, flow_of
from mvmoe_export.parity.double_precision import whole_way_error
from mvmoe_export.parity.locating.find import find_fault
from mvmoe_export.parity.reference_outputs import checked_reference_outputs, reference_outputs
from mvmoe_export.parity.synthetic_images import synthetic_images
from mvmoe_export.parity.torch_stages import TorchStages
from mvmoe_export.restricting import RestrictedModel, as_exported


class PyTorchReference:
    """A model that answers for `mvmoe_deploy.verification`; what its own code prints is on stderr.

    It is used in evaluation mode.
    """

    def __init__(
        self,
        model: RoutedModel,
        *,
        name: str = "",
        sha256: str | None = None,
        labels: Sequence[str] | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        self.model = model
        self.name = name or type(model).__name__
        self._sha256 = sha256
        self._labels = None if labels is None else tuple(labels)
        self.notes = tuple(notes)
        """What a person should know of how it was read, one line each."""

    @cached_property
    def _flow(self) -> ModelFlow:
        return flow_of(self.model)

    @cached_property
    def stages(self) -> StageEngine:
        """The model's own stages."""
        return TorchStages(self.model, self._flow)

    @property
    def described(self) -> DescribedModel:
        """The model's input, classes and stages."""
        taker = ImageTaker(self.model.input, self._outputs(), "model")
        return DescribedModel(taker, self._flow.records)

    def _outputs(self) -> dict[str, ClassOutput]:
        """The first output of each kind that has classes, by the kind."""
        found: dict[str, ClassOutput] = {}
        for output in self._flow.outputs:
            count = find_kind(output.kind).classes(self._flow.shape(output))
            if count is not None:
                named = ClassOutput(output.name, count, self._labels)
                found.setdefault(output.kind, named)
        return found

    @classmethod
    def of_checkpoint(
        cls,
        checkpoint: Path,
        config: str | None,
        weights: str | None,
        choices: Mapping[str, Any] | None = None,
    ) -> "PyTorchReference":
        """The model of a checkpoint, `config` and `weights` as in `load`; raises CheckpointError.

        `choices` are what a person says of the input, as an export is told (`InputChoices`).
        """
        from mvmoe_deploy.models import InputChoices, load_checkpoint
        from mvmoe_deploy.models.presets import configuration

        described = configuration(config) if config else None
        said = InputChoices(**choices or {})
        loaded = load_checkpoint(checkpoint, described, weights=weights, choices=said)
        return cls(
            loaded.model.eval(),
            name=f"checkpoint {checkpoint}",
            labels=loaded.labels,
            notes=loaded.notes,
        )

    @classmethod
    def of_factory(
        cls, factory: str, checkpoint: Path | None, weights: str | None
    ) -> "PyTorchReference":
        """A user's own model (`make_own_module`), with the weights of a file if there is one.

        Raises InputError, or CheckpointError for weights that are not the model's.
        """
        model = make_own_module(factory)
        labels, sha256 = own_labels(model), None
        if checkpoint is not None:
            loaded = load_own_weights(model, checkpoint, weights)
            labels, sha256 = loaded.labels or labels, loaded.sha256
        own = cast("RoutedModel", model.eval())
        return cls(own, name=factory, sha256=sha256, labels=labels)

    @classmethod
    def of_bundle(
        cls, factory: str, checkpoint: Path | None, bundle: Bundle, weights: str | None
    ) -> "PyTorchReference":
        """A user's own model that `bundle` was exported from; raises as `of_factory` and `load`."""
        manifest = bundle.manifest
        if checkpoint is None and manifest.source.checkpoint_sha256 is not None:
            raise InputError(
                f"the model {factory} was given without weights, but the bundle was exported with "
                "those of a checkpoint; give --checkpoint too",
                code="input.option",
                name="checkpoint",
                expected=manifest.source.checkpoint_sha256,
            )
        given = cls.of_factory(factory, checkpoint, weights or manifest.source.weights)
        model = as_exported(given.model, manifest, factory)
        reference = cls(model, name=factory, sha256=given._sha256)
        reference.require_fit(manifest)
        return reference

    @classmethod
    def load(
        cls, checkpoint: Path, bundle: Bundle, config: str | None, weights: str | None
    ) -> "PyTorchReference":
        """The model of a checkpoint that `bundle` was exported from.

        `config` is a preset or a file for a checkpoint without a configuration, `weights` names
        the set of weights to take. Raises CheckpointError, or InputError for another model.
        """
        from mvmoe_deploy.models import load_for_bundle
        from mvmoe_deploy.models.presets import configuration

        described = configuration(config) if config else None
        loaded = load_for_bundle(checkpoint, bundle.manifest, described, weights)
        name = f"checkpoint {checkpoint}"
        model = as_exported(loaded.model.eval(), bundle.manifest, name)
        reference = cls(model, name=name, sha256=loaded.sha256)
        reference.require_fit(bundle.manifest)
        return reference

    @staticmethod
    def synthetic_images(spec: Preprocessing, count: int) -> np.ndarray:
        """Model inputs `[count, C, H, W]` (fp32) of smooth random pictures."""
        return synthetic_images(spec, count, seed=4).numpy()

    def require_fit(self, manifest: Manifest) -> None:
        """Refuse to answer for a bundle of another model; raises InputError."""
        require_fitting_model(self.model, manifest, self.name, self._sha256)

    def answers(self, images: np.ndarray) -> Vectors:
        """What the model gives for images, by the names of the golden vectors.

        Raises CheckFailedError if its `forward` does not follow its own routing rules.
        """
        return checked_reference_outputs(self.model, torch.from_numpy(images))

    def own_errors(self, vectors: Vectors) -> tuple[float, float]:
        """Its own fp32 errors of router logits and answers, relative to the largest of each."""
        return whole_way_error(self.model, vectors)

    def kept_answers(self, vectors: Vectors) -> KeptAnswers | None:
        """How many images keep what the model itself gives for them; None if it is that."""
        if not isinstance(self.model, RestrictedModel):
            return None
        before = reference_outputs(self.model.model, torch.from_numpy(vectors["image"]))
        outputs = flow_of(self.model).outputs
        return kept_answers(self.model.restrictions, outputs, before, vectors)

    def find_fault(self, target: SearchedTarget, shown: ShownBy) -> FaultLocation | None:
        """The first graph, and in it the first operator, that differs from the model's."""
        return find_fault(self.model, target, shown)


PART = PyTorchReference


def verify_against_model(
    bundle: Bundle, model: RoutedModel, samples: Samples | None = None, **options: Any
) -> Report:
    """`verify_bundle` against a PyTorch model, which is left in the mode that it was in.

    `bundle` is as `Bundle.open` gives it, `model` any module that satisfies `RoutedModel`, with the
    weights that were exported; `options` are those of `verify_bundle`: `targets`, `progress`. The
    model's routing is restricted as that of the bundle is. Raises InputError for a model that is
    not the bundle's, and what `verify_bundle` raises.
    """
    with evaluation_mode(model):
        own = as_exported(model, bundle.manifest, type(model).__name__)
        return verify_bundle(bundle, PyTorchReference(own), samples, **options)


@contextlib.contextmanager
def evaluation_mode(model: RoutedModel) -> Iterator[None]:
    """Put a model into evaluation mode while the block lasts."""
    modules = list(model.modules()) if isinstance(model, nn.Module) else []
    before = [module.training for module in modules]
    try:
        for module in modules:
            module.training = False
        yield
    finally:
        for module, training in zip(modules, before, strict=True):
            module.training = training


def require_fitting_model(
    model: RoutedModel, manifest: Manifest, where: str, sha256: str | None = None
) -> None:
    """Refuse a model that cannot be the one a bundle was exported from; raises InputError.

    `where` names its source; `sha256` is compared with that in the manifest if both are known.
    """
    if model.input != manifest.input:
        given, wanted = _differing_inputs(model.input, manifest.input)
        raise InputError(
            f"{where} takes images of {given}, but the bundle was exported for {wanted}; give the "
            "checkpoint that it was exported from",
            code="checkpoint.other-model",
            expected=wanted,
            found=given,
        )
    if model.routing != manifest.rules:
        raise InputError(
            f"{where} routes by {_described(model.routing)}, but the bundle by "
            f"{_described(manifest.rules)}; give the checkpoint that it was exported from",
            code="checkpoint.other-model",
            expected=_described(manifest.rules),
            found=_described(model.routing),
        )
    known = manifest.source.checkpoint_sha256
    if sha256 and known and sha256 != known:
        raise InputError(
            f"{where} (sha256 {sha256[:12]}...) is not the one that the bundle was exported from "
            f"({known[:12]}...); give that one, or export the bundle again",
            code="checkpoint.other-model",
            expected=known,
            found=sha256,
        )


def _differing_inputs(one: Preprocessing, other: Preprocessing) -> tuple[str, str]:
    """Two inputs that differ, each in words: its size, then the fields that differ."""
    names = [name for name in one.__struct_fields__ if getattr(one, name) != getattr(other, name)]
    described = []
    for spec in (one, other):
        size = " x ".join(map(str, spec.shape))
        fields = (f"{name} {words(getattr(spec, name))}" for name in names)
        described.append(f"{size} ({', '.join(fields)})")
    return described[0], described[1]


def _described(rules: Sequence[Rule]) -> str:
    """Routing rules in a few words; of many stages the first."""
    if not rules:
        return "no router"
    return f"{len(rules)} routers ({rules[0].describe()})"
