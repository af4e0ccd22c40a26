"""The PyTorch models behind the bundles: references of answers, and what baselines are made from.

PyTorch is imported when a checkpoint was given, and not before.
"""

import hashlib
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from safetensors.numpy import load_file, save_file

from mvmoe_bench.measure.jobs.answers import Answer, ReferenceAnswers
from mvmoe_bench.measure.machine.identity import version_of
from mvmoe_bench.measure.planning.choosing import SelectedSubject
from mvmoe_bench.measure.planning.inputs import Inputs
from mvmoe_bench.measure.planning.queries import QueryPlan
from mvmoe_bench.measure.schema.records import Routes
from mvmoe_bench.measure.subjects.contract import Preparation
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.bundle.manifest import Manifest
from mvmoe_deploy.bundle.model_outputs import class_output
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.routing.choices import required_choices
from mvmoe_deploy.system.output_places import output_errors
from mvmoe_deploy.system.space import require_space

if TYPE_CHECKING:
    from mvmoe_bench.measure.planning.dense_models import DenseModel
    from mvmoe_deploy.models import RoutedModel

_MAY_FLIP = 0.05
"""Share of images whose route rounding may flip: near-ties, which `mvmoe verify` looks at."""


@dataclass
class Models:
    """The model of each bundle, loaded when it is needed first."""

    bundles: dict[str, Bundle]
    checkpoints: dict[str, Path]
    """By bundle; empty without any."""
    config: str | None
    weights: str | None
    """Which set of a checkpoint; None for the one that the bundle was exported from."""
    inputs: Inputs
    queries: dict[str, QueryPlan]
    """By bundle."""
    folder: Path
    """For the time of the run."""
    cache: Path | None
    """For longer."""
    dense: dict[str, Path] = field(default_factory=dict)
    """By bundle, the checkpoint of a dense model to compare its right answers with."""
    factories: dict[str, str] = field(default_factory=dict)
    """Of users' own models, by bundle; empty without any."""
    _loaded: dict[str, "RoutedModel"] = field(default_factory=dict)
    _dense: dict[str, "DenseModel"] = field(default_factory=dict)

    def load(self) -> None:
        """Load every model now; raises CheckpointError, or InputError for one of another bundle.

        And InputError for one whose routes only its caller knows, where none are imposed.
        """
        for bundle in self.known:
            self._model(bundle)
            choices = required_choices(self.bundles[bundle].manifest.rules)
            if choices and not self.queries[bundle].forced:
                raise InputError(
                    f"the caller of bundle {bundle} chooses its {', '.join(choices)}, and PyTorch "
                    "is compared with it down imposed routes only; leave --checkpoint out, or "
                    "--images",
                    code="input.option",
                    name="images",
                )

        if self.dense:
            from mvmoe_bench.measure.planning.dense_models import load_dense

            self._dense = {
                name: load_dense(path, self.bundles[name].manifest)
                for name, path in self.dense.items()
            }

    def right_answers(self) -> Iterator[ReferenceAnswers]:
        """Which labelled images PyTorch's models answer wrongly; none of those without a class."""
        for name, bundle in self.bundles.items():
            classes = class_output(bundle.manifest)
            labelled = [i for i, label in enumerate(self.inputs.labels) if label is not None]
            if classes is None or not labelled or self.queries[name].forced:
                continue
            found: list[tuple[Literal["routed", "dense"], Sequence[str]]] = []
            if (path := self.reference(name, imposed=False)) is not None:
                best = load_file(path)[classes.name].argmax(axis=1)
                found.append(("routed", [classes.label(index) for index in best.tolist()]))
            if name in self._dense:
                found.append(("dense", self._dense[name].answers(self.inputs.images)))
            for model, answers in found:
                yield ReferenceAnswers(
                    job="reference answers",
                    bundle=name,
                    model=model,
                    images=len(labelled),
                    wrong=tuple(i for i in labelled if answers[i] != self.inputs.labels[i]),
                )

    @property
    def known(self) -> set[str]:
        """The bundles whose model is known."""
        return {*self.checkpoints, *self.factories}

    def config_of(self, bundle: str) -> str | None:
        """What makes the model that a checkpoint's weights are of, where it does not say it."""
        return self.factories.get(bundle, self.config)

    def weights_of(self, manifest: Manifest) -> str | None:
        """Which set of a checkpoint belongs to a bundle."""
        return self.weights or manifest.source.weights

    def require_places(self, subjects: Sequence[SelectedSubject]) -> None:
        """Refuse a cache that cannot be written, and a disk without room for the baselines' graphs.

        Raises OutputError. Each graph has at least the weights of the stem; what is in the cache
        needs no more room.
        """
        root = self.cache or self.folder
        with output_errors(str(root)):
            root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=root):
                pass
        needed = sum(
            _stem_bytes(self._model(subject.record.bundle))
            for subject in subjects
            if subject.target is not None
            and subject.kind.needs_model
            and not self._folder(subject).exists()
        )
        require_space(root, needed, "the graphs of what --compare names")

    def reference(self, bundle: str, imposed: bool) -> Path | None:
        """A safetensors file of PyTorch's outputs `[n, ...]` by name; None without a checkpoint.

        With `imposed` routes those of the queries, else the router's own.
        """
        if bundle not in self.known:
            return None
        # A model that its caller has to tell the route has no answer of its own.
        imposed = imposed or bool(required_choices(self.bundles[bundle].manifest.rules))
        kind = "imposed" if imposed else "own"
        path = self.folder / f"{list(self.bundles).index(bundle)}-{kind}.safetensors"
        if not path.exists():
            save_file(self._answers(bundle, imposed), path)
        return path

    def judge(self, subject: SelectedSubject, answers: Sequence[Answer]) -> str | None:
        """Why a subject is not worth timing; None if its answers are PyTorch's, or unknown."""
        errors = [answer.max_rel_error for answer in answers if answer.max_rel_error is not None]
        if not errors:
            return None
        limit = _bound(subject)
        beyond = [error for error in errors if not error <= limit]
        if len(beyond) <= _MAY_FLIP * len(errors):
            return None
        return (
            f"it answers otherwise than PyTorch: {len(beyond)} of {len(errors)} images are off by "
            f"up to {max(beyond):.3g} of the largest value, and {limit:.3g} is allowed; run mvmoe "
            "verify on the bundle"
        )

    def prepare(self, subject: SelectedSubject, routes: Sequence[Routes]) -> str:
        """What a baseline is made from; exported if it is not in the cache."""
        name = subject.record.bundle
        folder = self._folder(subject)
        folder.mkdir(parents=True, exist_ok=True)
        request = Preparation(
            bundle=subject.bundle,
            target=subject.target,
            model=self._model(name) if name in self.known else None,
            checkpoint=self.checkpoints.get(name),
            routes=routes,
            folder=folder,
        )
        return subject.kind.prepare(request)

    def _folder(self, subject: SelectedSubject) -> Path:
        """Where a target's baselines go: named after all that goes into them but this code."""
        packages = ["mvmoe-deploy", *_packages(subject)]
        made_by = [f"{package} {version_of(package)}" for package in packages]
        known = [subject.bundle.manifest_sha256, *made_by]
        digest = hashlib.sha256(json.dumps(known).encode())
        root = self.cache or self.folder / "baselines"
        return root / digest.hexdigest()[:16] / (subject.target or "pytorch")

    def _model(self, bundle: str) -> "RoutedModel":
        """The model in evaluation mode; raises InputError if it is not the bundle's."""
        if bundle not in self._loaded:
            from mvmoe_export.parity.pytorch import PyTorchReference

            opened, path = self.bundles[bundle], self.checkpoints.get(bundle)
            if (factory := self.factories.get(bundle)) is not None:
                found = PyTorchReference.of_bundle(factory, path, opened, self.weights)
            else:
                found = PyTorchReference.load(
                    self.checkpoints[bundle], opened, self.config, self.weights
                )
            self._loaded[bundle] = found.model
        return self._loaded[bundle]

    def _answers(self, bundle: str, imposed: bool) -> dict[str, np.ndarray]:
        """One image at a time, as the subjects answer them: a batch adds in another order."""
        import torch

        from mvmoe_export.parity.forward import forward

        model, images = self._model(bundle), torch.from_numpy(self.inputs.images)
        with torch.inference_mode():
            answers = [
                forward(
                    model,
                    images[query.image : query.image + 1],
                    query.routes if imposed else None,
                )
                for query in self.queries[bundle].once()
            ]
        return {
            name: torch.cat([answer[name] for answer in answers]).numpy() for name in answers[0]
        }


def _packages(subject: SelectedSubject) -> tuple[str, ...]:
    """The distributions that make a subject's graphs; none of one that has no target."""
    from mvmoe_export.targets import find_target

    if subject.target is None:
        return ()
    return find_target(subject.target_record.format, plugins=subject.bundle.plugins).packages


def _stem_bytes(model: "RoutedModel") -> int:
    """Bytes of the weights that every graph of a model has."""
    return sum(weight.numel() * weight.element_size() for weight in model.stage(0, ()).parameters())


def _bound(subject: SelectedSubject) -> float:
    """The largest error that the graphs of a subject's target may have, relative; PyTorch's too."""
    from mvmoe_deploy.verification.used_bounds import FP32, used_bounds

    if subject.target is None:
        return FP32.answer_error
    record = subject.bundle.target(subject.target)
    return used_bounds(record).bounds.answer_error
