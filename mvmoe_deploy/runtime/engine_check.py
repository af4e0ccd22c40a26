"""The engine in hand against the bundle's golden vectors, as an application asks for it.

An accelerator of a phone can be right in its first inference only, or on one device and not on
another, so an application asks after loading, and again after a while.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mvmoe_deploy.bundle.golden import logits_in
from mvmoe_deploy.bundle.manifest import Manifest, Target
from mvmoe_deploy.errors import CheckFailedError
from mvmoe_deploy.outputs import find_kind
from mvmoe_deploy.routing import Route
from mvmoe_deploy.routing.contract import route_of

_SMALLEST_PEAK = 1e-3
"""The least that an error is relative to."""


@dataclass(frozen=True)
class EngineCheck:
    """How the engine answers the golden images, and how far it may be off.

    Errors are the largest differences from PyTorch, relative to the largest golden value: of the
    routers' logits, and of the outputs of images on the golden route, of several outputs that which
    is furthest off. They are infinite where the engine gives what is not finite.
    """

    images: int
    rerouted: tuple[int, ...]
    """Images on another route although it is no near-tie."""
    near_ties: tuple[int, ...]
    """Images on another route because two experts are as good as equal, which is no fault."""
    router_error: float
    router_error_bound: float
    answer_error: float
    answer_error_bound: float

    @property
    def ok(self) -> bool:
        """Whether every image takes its route, and every error is within its bound."""
        return (
            not self.rerouted
            and self.router_error <= self.router_error_bound
            and self.answer_error <= self.answer_error_bound
        )

    def require_ok(self) -> None:
        """Raise CheckFailedError with the figures if the engine falls short."""
        if not self.ok:
            raise CheckFailedError(
                f"the engine does not answer as the bundle's golden vectors: {len(self.rerouted)} "
                f"of {self.images} images take another route, router logits are off by "
                f"{self.router_error:.2g} of the largest (bound {self.router_error_bound:.2g}), "
                f"answers by {self.answer_error:.2g} (bound {self.answer_error_bound:.2g}); use "
                "another engine, or other options of it",
                code="check.engine",
                rerouted=list(self.rerouted),
                router_error=self.router_error,
                router_error_bound=self.router_error_bound,
                answer_error=self.answer_error,
                answer_error_bound=self.answer_error_bound,
            )


@dataclass(frozen=True)
class Answered:
    """What the engine made of one golden image."""

    routes: Sequence[Route]
    """By routed stage; fewer if the image was finished, or the logits of one were not finite."""
    logits: Sequence[np.ndarray]
    """By routed stage, `[E]`; those of stages that the image did not reach mean nothing."""
    outputs: Mapping[str, np.ndarray]
    """By name, `[...]`."""


def check_answers(
    golden: Mapping[str, np.ndarray],
    answered: Sequence[Answered],
    manifest: Manifest,
    target: Target,
) -> EngineCheck:
    """Compare what the engine answered with the golden vectors, image by image."""
    router_bound, answer_bound = _bounds(target)
    rerouted: list[int] = []
    near_ties: list[int] = []
    routers, answers = [0.0], [0.0]
    rules = manifest.rules
    peaks = [_peak(logits_in(golden, stage)) for stage in range(1, len(rules) + 1)]
    for image, found in enumerate(answered):
        left = False
        for stage, (rule, peak) in enumerate(zip(rules, peaks, strict=True), start=1):
            members = golden[f"members.{stage}"][image]
            if not members.any():
                break  # The image was finished before.
            wanted = logits_in(golden, stage)[image]
            error = _largest(found.logits[stage - 1], wanted)
            routers.append(error / peak)
            taken = found.routes[stage - 1] if len(found.routes) >= stage else None
            if taken != route_of(members):
                # Two logits can move towards each other.
                limit = 2 * min(error, router_bound * peak)
                is_tie = taken is not None and float(rule.margins(wanted[None])[0]) <= limit
                (near_ties if is_tie else rerouted).append(image)
                left = True
                break  # What comes after it cannot be compared.
        if not left:
            answers += _output_errors(found.outputs, golden, manifest, image)
    return EngineCheck(
        images=len(answered),
        rerouted=tuple(rerouted),
        near_ties=tuple(near_ties),
        router_error=max(routers),
        router_error_bound=router_bound,
        answer_error=max(answers),
        answer_error_bound=answer_bound,
    )


def _output_errors(
    outputs: Mapping[str, np.ndarray],
    golden: Mapping[str, np.ndarray],
    manifest: Manifest,
    image: int,
) -> Iterator[float]:
    """The errors of an image's outputs `[...]`, each part by the largest value of all images."""
    for output in manifest.outputs:
        kind = find_kind(output.kind)
        wanted = kind.values(golden[f"outputs.{output.name}"])
        given = kind.values(outputs[output.name][None])
        for part, array in wanted.items():
            yield _largest(given[part][0], array[image]) / _peak(array)


def _bounds(target: Target) -> tuple[float, float]:
    """Of logits and answers: those that the export was verified by, else those of the target."""
    verified = target.parity.verification if target.parity is not None else None
    if verified is None:
        return target.bounds.router_error, target.bounds.answer_error
    return verified.router_error_bound, verified.answer_error_bound


def _peak(wanted: np.ndarray) -> float:
    """The largest absolute value."""
    return float(np.abs(wanted).max(initial=_SMALLEST_PEAK))


def _largest(found: np.ndarray, wanted: np.ndarray) -> float:
    """The largest absolute difference; infinite where something is not finite."""
    difference = float(np.abs(found.astype(np.float64) - wanted).max(initial=0.0))
    return difference if math.isfinite(difference) else math.inf
