"""The figures of a comparison: pure functions on arrays, with no model, graph or file in sight."""

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np

from mvmoe_deploy.routing import Route, Rule
from mvmoe_deploy.routing.contract import route_of

SMALLEST_PEAK = 1e-3
"""Errors are relative to at least this: nothing is relative to zero."""

SCORE_STEP = 2.0**-23
"""Two logits that are nearer than this can have one fp32 score: then the lower expert wins."""

MOST_EXCUSED = 2e-2
"""No error beyond this, relative to the largest value, makes a decision a near-tie: what a recipe
rounds to few bits may be off by more, and then has to agree all the same."""

_MOST_ROUTES = 1024
"""Routes of one stage that are all listed; of more, those that images took and a cover."""


@dataclass(frozen=True)
class ArrayErrors:
    """How values differ from the reference; one that is not finite makes errors infinite.

    `psnr_db` is 20 log10(peak / RMS error), peak the largest absolute value of the reference (as
    `compute_psnr` in apple/ml-stable-diffusion); infinite where nothing differs. `max_rel_error`
    is relative to the peak.
    """

    max_abs_error: float
    max_rel_error: float
    rms_error: float
    psnr_db: float


def array_errors(given: np.ndarray, wanted: np.ndarray) -> ArrayErrors:
    """The errors of values `[n, ...]` of at least one image."""
    errors = absolute_errors(given, wanted)
    largest = float(errors.max())
    rms = float(np.sqrt(np.mean(np.square(errors)))) if math.isfinite(largest) else math.inf
    top = peak(wanted)
    return ArrayErrors(
        max_abs_error=largest,
        max_rel_error=largest / top,
        rms_error=rms,
        psnr_db=_decibels(top, rms),
    )


def _decibels(signal: float, noise: float) -> float:
    """A ratio of amplitudes in decibels."""
    if noise == 0:
        return math.inf
    return 20 * math.log10(signal / noise) if math.isfinite(noise) else -math.inf


def absolute_errors(given: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Absolute differences in double precision; infinite where one is not a number."""
    with np.errstate(invalid="ignore"):
        errors = np.abs(given.astype(np.float64) - wanted.astype(np.float64))
    return np.where(np.isnan(errors), np.inf, errors)


def peak(wanted: np.ndarray) -> float:
    """The largest absolute value of a reference, and at least `SMALLEST_PEAK`."""
    return float(np.abs(wanted).max(initial=SMALLEST_PEAK))


def near_tie_limit(error: float, bound: float, peak: float) -> float:
    """The margin up to which a router, or an output, with this error may decide otherwise.

    Two logits can move towards each other, so twice the error. It counts up to what is allowed,
    `bound` and at most `MOST_EXCUSED` of the `peak`: a broken router cannot excuse itself by its
    own error.
    """
    return 2 * min(error, min(bound, MOST_EXCUSED) * peak) + SCORE_STEP


def quantiles(values: np.ndarray) -> dict[str, float] | None:
    """Minimum, 5th, 50th and 95th percentile and maximum; None where nothing is finite."""
    if not len(values) or not np.isfinite(values).all():
        return None
    names = {"min": 0, "p05": 5, "p50": 50, "p95": 95, "max": 100}
    points = np.percentile(values, list(names.values()))
    return dict(zip(names, points.tolist(), strict=True))


def first_difference(given: list[np.ndarray], wanted: list[np.ndarray]) -> np.ndarray:
    """For each image the first routed stage (from 1) where its route differs; 0 where none does.

    What comes after that stage cannot be compared. Routes are memberships `[n, E]`, one for each
    stage.
    """
    first = np.zeros(len(wanted[0]) if wanted else 0, np.int64)
    for stage, (ours, theirs) in reversed(list(enumerate(zip(given, wanted, strict=True), 1))):
        first[(ours != theirs).any(axis=1)] = stage
    return first


def listed_routes(rule: Rule, members: np.ndarray) -> Iterator[Route]:
    """The routes of a stage to look at: all, or of very many those that were taken and a cover.

    The cover has the experts that no image uses, by the membership `[n, E]` of all.
    """
    if rule.count() <= _MOST_ROUTES:
        yield from rule.routes()
        return
    yield from sorted(set(map(route_of, members)))
    yield from rule.cover(np.flatnonzero(~members.any(axis=0)).tolist())


def checked_routes(rule: Rule, finishes: Collection[Route] = ()) -> list[Route]:
    """The routes that the guard looks at: all, or of very many some that cover every expert.

    Without those on which an image is finished, which have no graph.
    """
    listed = listed_routes(rule, np.zeros((0, rule.experts), bool))
    return [route for route in listed if route not in finishes]


def in_enough_digits(value: float, bound: float) -> tuple[str, str]:
    """Two numbers in as few digits, three at least, as show that they are not the same."""
    for digits in range(3, 17):
        words = f"{value:.{digits}g}", f"{bound:.{digits}g}"
        if value == bound or words[0] != words[1]:
            return words
    return repr(value), repr(bound)
