"""What a target is compared with: a bundle's golden vectors, or a model that answers images.

The model is asked through `ModelReference`: PyTorch is the exporter's, and nothing here imports it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.bundle.consistency import classes_of
from mvmoe_deploy.bundle.golden import logits_in
from mvmoe_deploy.bundle.manifest import Manifest, Stage
from mvmoe_deploy.errors import BundleError, InputError
from mvmoe_deploy.routing import Rule
from mvmoe_deploy.routing.choices import select_in_turn
from mvmoe_deploy.samples import Samples
from mvmoe_deploy.verification.image_choice import golden_samples
from mvmoe_deploy.verification.run_stages import StageEngine, Vectors


class ModelReference(Protocol):
    """The model that a bundle was exported from."""

    @property
    def name(self) -> str:
        """What it is called in messages."""

    @property
    def stages(self) -> StageEngine:
        """Its stages, for routes that are imposed."""

    def require_fit(self, manifest: Manifest) -> None:
        """Refuse to answer for a bundle of another input or other rules; raises InputError."""

    def answers(self, images: np.ndarray) -> Vectors:
        """What it gives for images `[n, C, H, W]` (fp32), by the names of the golden vectors.

        Raises CheckFailedError if the model contradicts itself.
        """

    def own_errors(self, vectors: Vectors) -> tuple[float, float]:
        """Its own fp32 errors of router logits and answers, relative to the largest of each.

        `vectors` are what it gave for images.
        """


@dataclass(frozen=True)
class Reference:
    """Images with the reference's routes and answers, and the model if there is one to ask."""

    stages: tuple[Stage, ...]
    """The bundle's stages, as its manifest describes them."""
    samples: Samples
    vectors: Vectors
    model_stages: StageEngine | None = None
    """The model's stages, for images that are forced down other routes."""
    own_errors: tuple[float, float] = (0.0, 0.0)
    """The model's own fp32 errors of router logits and answers, relative to the largest of each."""

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The routing rules, one for each routed stage."""
        return tuple(stage.routing for stage in self.stages[1:])

    @property
    def members(self) -> list[np.ndarray]:
        """The routes of each routed stage, as memberships `[n, E]`."""
        return members_in(self.vectors)


def golden_reference(bundle: Bundle, model: ModelReference | None = None) -> Reference:
    """The golden vectors of a bundle; routes that none of them takes are the model's to answer.

    Raises BundleError for vectors that do not follow from each other.
    """
    golden = bundle.golden()
    _require_sound(golden, bundle.manifest.rules, f"bundle {bundle.path}")
    return _with_model(bundle.manifest.stages, golden_samples(golden), golden, model)


def model_reference(bundle: Bundle, model: ModelReference, samples: Samples) -> Reference:
    """What the model answers to images; raises InputError for those that do not fit the bundle."""
    _require_inputs(samples, bundle.manifest)
    vectors = model.answers(samples.inputs)
    classes = classes_of(bundle.manifest)
    if vectors["answer"].shape[1] != classes:
        raise InputError(
            f"{model.name} answers with {vectors['answer'].shape[1]} classes, but the bundle with "
            f"{classes}; give the checkpoint that it was exported from",
            code="checkpoint.other-model",
            expected=classes,
            found=vectors["answer"].shape[1],
        )
    return _with_model(bundle.manifest.stages, samples, vectors, model)


def members_in(vectors: Vectors) -> list[np.ndarray]:
    """The routes of each stage in a set of vectors, as memberships `[n, E]`."""
    count = sum(name.startswith("members.") for name in vectors)
    return [vectors[f"members.{stage}"] for stage in range(1, count + 1)]


def _with_model(
    stages: tuple[Stage, ...], samples: Samples, vectors: Vectors, model: ModelReference | None
) -> Reference:
    """The reference of vectors, with the model that gave them if there is one."""
    if model is None:
        return Reference(stages, samples, vectors)
    return Reference(stages, samples, vectors, model.stages, model.own_errors(vectors))


def _require_sound(golden: Vectors, rules: Sequence[Rule], where: str) -> None:
    """Refuse golden vectors that do not follow from each other; raises BundleError."""
    sound = bool(np.isfinite(golden["answer"]).all())
    for stage, rule in enumerate(rules, start=1):
        logits = logits_in(golden, stage)
        sound = sound and bool(np.isfinite(logits).all())
        if sound:
            members, gates = select_in_turn(rule, logits)
            sound = np.array_equal(members, golden[f"members.{stage}"])
            sound = sound and np.allclose(gates, golden[f"gates.{stage}"], rtol=0, atol=1e-6)
    if not sound:
        raise BundleError(
            f"the golden vectors of {where} contradict themselves: routes and gates do not follow "
            "from the logits, or a value is not finite; export the bundle again",
            code="bundle.golden-invalid",
        )


def _require_inputs(samples: Samples, manifest: Manifest) -> None:
    """Refuse images of another size than the bundle takes."""
    inputs, shape = samples.inputs, manifest.input.shape
    if inputs.dtype != np.float32 or inputs.shape[1:] != shape or not len(inputs):
        raise InputError(
            f"images of {inputs.dtype} {list(inputs.shape)} were given; the bundle takes float32 "
            f"[n, {', '.join(map(str, shape))}] with at least one image"
        )
