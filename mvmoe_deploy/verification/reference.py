"""What a target is compared with: a bundle's golden vectors, or a model that answers images.

The model is asked through `ModelReference`: PyTorch is the exporter's, and nothing here imports it.
"""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.bundle.golden import logits_in
from mvmoe_deploy.bundle.manifest import Manifest, Output, Stage
from mvmoe_deploy.bundle.model_outputs import output_shapes
from mvmoe_deploy.errors import BundleError, InputError
from mvmoe_deploy.routing import Rule
from mvmoe_deploy.routing.choices import select_in_turn
from mvmoe_deploy.routing.contract import images_of
from mvmoe_deploy.samples import Samples
from mvmoe_deploy.verification.faults import FaultLocation, SearchedTarget, ShownBy
from mvmoe_deploy.verification.image_choice import golden_samples
from mvmoe_deploy.verification.kept_answers import KeptAnswers
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

    def kept_answers(self, vectors: Vectors) -> KeptAnswers | None:
        """How many images keep what the model itself gives for them.

        `vectors` are what it gave. None for a model whose routing is not restricted.
        """

    def find_fault(self, target: SearchedTarget, shown: ShownBy) -> FaultLocation | None:
        """The first graph, and in it the first operator, that differs from the model's.

        None if every graph alone is within its bound: errors add up on the way. Raises what
        runners raise.
        """


@dataclass(frozen=True)
class Reference:
    """Images with the reference's routes and answers, and the model if there is one to ask."""

    stages: tuple[Stage, ...]
    """The bundle's stages, as its manifest describes them."""
    outputs: tuple[Output, ...]
    """Its outputs, as well."""
    samples: Samples
    vectors: Vectors
    model_stages: StageEngine | None = None
    """The model's stages, for images that are forced down other routes."""
    own_errors: tuple[float, float] = (0.0, 0.0)
    """The model's own fp32 errors of router logits and answers, relative to the largest of each."""
    kept: KeptAnswers | None = None
    """What restricted routing costs, on images that were given."""

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
    _require_sound(golden, bundle.manifest, f"bundle {bundle.path}")
    return _with_model(bundle.manifest, golden_samples(golden), golden, model)


def model_reference(bundle: Bundle, model: ModelReference, samples: Samples) -> Reference:
    """What the model answers to images; raises InputError for those that do not fit the bundle."""
    _require_inputs(samples, bundle.manifest)
    vectors = model.answers(samples.inputs)
    for output, shape in output_shapes(bundle.manifest).items():
        given = vectors.get(f"outputs.{output}")
        if given is None or given.shape[1:] != shape:
            found = None if given is None else list(given.shape[1:])
            raise InputError(
                f"the bundle gives the output {output} in the shape {list(shape)}, and "
                f"{model.name} gives {found or 'none of that name'}; give the checkpoint that it "
                "was exported from",
                code="checkpoint.other-model",
                expected=list(shape),
                found=found,
            )
    reference = _with_model(bundle.manifest, samples, vectors, model)
    return replace(reference, kept=model.kept_answers(vectors))


def members_in(vectors: Vectors) -> list[np.ndarray]:
    """The routes of each stage in a set of vectors, as memberships `[n, E]`."""
    count = sum(name.startswith("members.") for name in vectors)
    return [vectors[f"members.{stage}"] for stage in range(1, count + 1)]


def _with_model(
    manifest: Manifest, samples: Samples, vectors: Vectors, model: ModelReference | None
) -> Reference:
    """The reference of vectors, with the model that gave them if there is one."""
    described = (manifest.stages, manifest.outputs, samples, vectors)
    if model is None:
        return Reference(*described)
    return Reference(*described, model.stages, model.own_errors(vectors))


def _require_sound(golden: Vectors, manifest: Manifest, where: str) -> None:
    """Refuse golden vectors that do not follow from each other; raises BundleError."""
    sound = all(bool(np.isfinite(golden[f"outputs.{o.name}"]).all()) for o in manifest.outputs)
    active = np.ones(manifest.golden.images, bool)
    for number, stage in enumerate(manifest.stages[1:], start=1):
        sound = sound and _follows(golden, number, stage, active)
        if not sound:
            break
        for route in stage.finishes:
            active[images_of(route, golden[f"members.{number}"])] = False
    if not sound:
        raise BundleError(
            f"the golden vectors of {where} contradict themselves: routes and gates do not follow "
            "from the logits, or a value is not finite; export the bundle again",
            code="bundle.golden-invalid",
        )


def _follows(golden: Vectors, number: int, stage: Stage, active: np.ndarray) -> bool:
    """Whether routes and gates follow from the logits, and are 0 for images that are finished."""
    logits, members = logits_in(golden, number), golden[f"members.{number}"]
    if not np.isfinite(logits).all() or logits[~active].any():
        return False
    wanted, gates = select_in_turn(stage.routing, logits)
    wanted[~active], gates[~active] = False, 0
    given = golden[f"gates.{number}"]
    return np.array_equal(members, wanted) and np.allclose(given, gates, rtol=0, atol=1e-6)


def _require_inputs(samples: Samples, manifest: Manifest) -> None:
    """Refuse images of another size than the bundle takes."""
    inputs, shape = samples.inputs, manifest.input.shape
    if inputs.dtype != np.float32 or inputs.shape[1:] != shape or not len(inputs):
        raise InputError(
            f"images of {inputs.dtype} {list(inputs.shape)} were given; the bundle takes float32 "
            f"[n, {', '.join(map(str, shape))}] with at least one image",
            code="input.shape",
            expected=list(shape),
            found=list(inputs.shape),
        )
