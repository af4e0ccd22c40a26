"""The engine in hand against the bundle's golden vectors, as an application asks for it.

An accelerator of a phone can be right in its first inference only, or on one device and not on
another, so an application asks after loading, and again after a while.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from mvmoe_deploy.bundle.golden import logits_in
from mvmoe_deploy.bundle.manifest import Bounds, Manifest, Target
from mvmoe_deploy.errors import CheckFailedError
from mvmoe_deploy.outputs import OutputKind, find_kind
from mvmoe_deploy.routing import Route
from mvmoe_deploy.routing.contract import route_of

_SMALLEST_PEAK = 1e-3
"""The least that an error is relative to."""


@dataclass(frozen=True)
class CheckedOutput:
    """How far the engine's values of one output agree with the golden ones.

    `measure` says in words what `agreement` is, near-ties left out; it must be at least
    `least_agreement`. All are None for a kind of output that decides nothing.
    """

    kind: str
    measure: str | None
    agreement: float | None
    least_agreement: float | None
    error: float
    """The largest, relative to the largest golden value."""

    @property
    def agrees(self) -> bool:
        """Whether the agreement is what it must be."""
        least = self.least_agreement
        return least is None or self.agreement is None or self.agreement >= least


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
    outputs: Mapping[str, CheckedOutput]
    """By name; empty if no image takes the golden route."""

    @property
    def ok(self) -> bool:
        """Whether every image takes its route, and every figure is within its bound."""
        return (
            not self.rerouted
            and self.router_error <= self.router_error_bound
            and self.answer_error <= self.answer_error_bound
            and all(output.agrees for output in self.outputs.values())
        )

    def require_ok(self) -> None:
        """Raise CheckFailedError with the figures if the engine falls short."""
        if not self.ok:
            apart = {name: found for name, found in self.outputs.items() if not found.agrees}
            raise CheckFailedError(
                f"the engine does not answer as the bundle's golden vectors: {len(self.rerouted)} "
                f"of {self.images} images take another route, router logits are off by "
                f"{self.router_error:.2g} of the largest (bound {self.router_error_bound:.2g}), "
                f"outputs by {self.answer_error:.2g} (bound {self.answer_error_bound:.2g})"
                f"{_disagreements(apart)}; use another engine, or other options of it",
                code="check.engine",
                rerouted=list(self.rerouted),
                router_error=self.router_error,
                router_error_bound=self.router_error_bound,
                answer_error=self.answer_error,
                answer_error_bound=self.answer_error_bound,
                disagreeing=list(apart),
            )


def _disagreements(apart: Mapping[str, CheckedOutput]) -> str:
    """The outputs that agree too little, as the end of a sentence."""
    return "".join(
        f", the output {name} has a {found.measure} of {found.agreement:.4g} (at least "
        f"{found.least_agreement:.4g})"
        for name, found in apart.items()
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
    bounds = _bounds(target)
    rerouted: list[int] = []
    near_ties: list[int] = []
    on_their_way: list[int] = []
    routers = [0.0]
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
                limit = 2 * min(error, bounds.router_error * peak)
                is_tie = taken is not None and float(rule.margins(wanted[None])[0]) <= limit
                (near_ties if is_tie else rerouted).append(image)
                left = True
                break  # What comes after it cannot be compared.
        if not left:
            on_their_way.append(image)
    outputs = {
        output.name: _checked(
            find_kind(output.kind),
            np.stack([answered[image].outputs[output.name] for image in on_their_way]),
            golden[f"outputs.{output.name}"],
            on_their_way,
            bounds,
        )
        for output in (manifest.outputs if on_their_way else ())
    }
    return EngineCheck(
        images=len(answered),
        rerouted=tuple(rerouted),
        near_ties=tuple(near_ties),
        router_error=max(routers),
        router_error_bound=bounds.router_error,
        answer_error=max((found.error for found in outputs.values()), default=0.0),
        answer_error_bound=bounds.answer_error,
        outputs=outputs,
    )


def _checked(
    kind: OutputKind, given: np.ndarray, golden: np.ndarray, images: list[int], bounds: Bounds
) -> CheckedOutput:
    """One output of some images, `given` `[m, ...]`, against the golden one of all `[n, ...]`."""
    ours, theirs = kind.values(given), kind.values(golden)
    errors = {part: _largest(ours[part], array[images]) for part, array in theirs.items()}
    peaks = {part: _peak(array) for part, array in theirs.items()}
    decides = kind.decides_by
    # Two values can move towards each other.
    limit = 2 * min(errors[decides], bounds.answer_error * peaks[decides])
    decisions = kind.agreement(given, golden[images], limit)
    return CheckedOutput(
        kind=kind.name,
        measure=kind.measure,
        agreement=None if decisions is None else kind.summary(decisions),
        least_agreement=kind.least_agreement(bounds),
        error=max(error / peaks[part] for part, error in errors.items()),
    )


def _bounds(target: Target) -> Bounds:
    """Those of the target, with the errors that the export was verified by if it was."""
    verified = target.parity.verification if target.parity is not None else None
    if verified is None:
        return target.bounds
    return msgspec.structs.replace(
        target.bounds,
        router_error=verified.router_error_bound,
        answer_error=verified.answer_error_bound,
    )


def _peak(wanted: np.ndarray) -> float:
    """The largest absolute value."""
    return float(np.abs(wanted).max(initial=_SMALLEST_PEAK))


def _largest(found: np.ndarray, wanted: np.ndarray) -> float:
    """The largest absolute difference; infinite where something is not finite."""
    difference = float(np.abs(found.astype(np.float64) - wanted).max(initial=0.0))
    return difference if math.isfinite(difference) else math.inf
