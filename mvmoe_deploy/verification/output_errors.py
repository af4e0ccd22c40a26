"""How far outputs are from the reference, by the kind of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mvmoe_deploy.bundle.manifest import Bounds, Output
from mvmoe_deploy.outputs import OutputKind, find_kind
from mvmoe_deploy.verification.metrics import (
    ArrayErrors,
    absolute_errors,
    array_errors,
    near_tie_limit,
    peak,
)


@dataclass(frozen=True)
class OutputErrors:
    """How one output of some images differs from the reference.

    `parts` are what its kind compares apart, such as the scores of boxes. `agreement` is that of
    what the images decide, near-ties too; None if the kind decides nothing.
    """

    kind: str
    measure: str | None
    agreement: float | None
    parts: Mapping[str, ArrayErrors]

    @property
    def furthest(self) -> str:
        """The part with the largest relative error."""
        return max(self.parts, key=lambda part: self.parts[part].max_rel_error)

    @property
    def noisiest(self) -> str:
        """The part with the lowest signal-to-noise ratio."""
        return min(self.parts, key=lambda part: self.parts[part].psnr_db)

    @property
    def max_abs_error(self) -> float:
        """The largest error of the part that is furthest off."""
        return self.parts[self.furthest].max_abs_error

    @property
    def max_rel_error(self) -> float:
        """The same, relative to the largest value of that part."""
        return self.parts[self.furthest].max_rel_error

    @property
    def rms_error(self) -> float:
        """The RMS error of the noisiest part."""
        return self.parts[self.noisiest].rms_error

    @property
    def psnr_db(self) -> float:
        """The signal-to-noise ratio of that part."""
        return self.parts[self.noisiest].psnr_db


@dataclass(frozen=True)
class OutputsCompared:
    """The outputs of some images against the reference, by their names."""

    images: int
    outputs: Mapping[str, OutputErrors]


@dataclass(frozen=True)
class RouteOutput:
    """One output of the images of one route.

    `clear_agreement` is the agreement with near-ties left out, `least_agreement` what it must be;
    both are None if the kind decides nothing. `share_over_bound` is the share of images with an
    error over the bound.
    """

    errors: OutputErrors
    clear_agreement: float | None
    least_agreement: float | None
    share_over_bound: float


def compare_outputs(
    outputs: Sequence[Output], given: Mapping[str, np.ndarray], wanted: Mapping[str, np.ndarray]
) -> OutputsCompared:
    """Compare outputs of at least one image; the arrays have the names of the golden vectors."""
    found = {}
    for output in outputs:
        name = f"outputs.{output.name}"
        found[output.name] = _errors(find_kind(output.kind), given[name], wanted[name])
    return OutputsCompared(len(wanted[f"outputs.{outputs[0].name}"]), found)


def compare_route(
    outputs: Sequence[Output],
    given: Mapping[str, np.ndarray],
    wanted: Mapping[str, np.ndarray],
    bounds: Bounds,
) -> dict[str, RouteOutput]:
    """Compare the outputs of the images of one route, as `compare_outputs` does."""
    return {
        output.name: _route_output(
            find_kind(output.kind),
            given[f"outputs.{output.name}"],
            wanted[f"outputs.{output.name}"],
            bounds,
        )
        for output in outputs
    }


def _errors(kind: OutputKind, given: np.ndarray, wanted: np.ndarray) -> OutputErrors:
    """How one output `[n, ...]` differs from the reference."""
    decisions = kind.agreement(given, wanted)
    ours, theirs = kind.values(given), kind.values(wanted)
    return OutputErrors(
        kind=kind.name,
        measure=kind.measure,
        agreement=None if decisions is None else kind.summary(decisions),
        parts={part: array_errors(ours[part], array) for part, array in theirs.items()},
    )


def _route_output(
    kind: OutputKind, given: np.ndarray, wanted: np.ndarray, bounds: Bounds
) -> RouteOutput:
    """One output `[n, ...]` of the images of one route."""
    ours, theirs = kind.values(given), kind.values(wanted)
    over, limit = np.zeros(len(wanted), bool), 0.0
    for part, array in theirs.items():
        top = peak(array)
        errors = absolute_errors(ours[part], array).reshape(len(wanted), -1).max(axis=1)
        over |= errors > bounds.answer_error * top
        if part == kind.decides_by:
            limit = near_tie_limit(float(errors.max()), bounds.answer_error, top)
    decisions = kind.agreement(given, wanted, limit)
    return RouteOutput(
        errors=_errors(kind, given, wanted),
        clear_agreement=None if decisions is None else kind.summary(decisions),
        least_agreement=kind.least_agreement(bounds),
        share_over_bound=float(np.mean(over)),
    )
