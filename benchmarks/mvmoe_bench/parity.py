"""Whether subjects answer alike: a benchmark of wrong answers is none."""

from collections.abc import Mapping

import numpy as np

from mvmoe_bench.subjects import Answers
from mvmoe_deploy.errors import CheckFailedError

TOLERANCE = 1e-4
"""Largest difference of a class logit, relative to the largest one: fp32 sums in another order
were measured at 4e-6 over twelve layers, a wrong expert is off by far more."""


def check_answers(
    subjects: Mapping[str, Answers], wanted: np.ndarray, reference: str
) -> dict[str, float]:
    """The largest absolute error of each subject over all images, from `wanted` `[n, classes]`.

    Raises CheckFailedError that names the first subject beyond the tolerance.
    """
    errors = {}
    for name, answer in subjects.items():
        errors[name] = float(np.abs(all_answers(answer, len(wanted)) - wanted).max())
        require_close(name, errors[name], wanted, reference)
    return errors


def all_answers(answer: Answers, images: int) -> np.ndarray:
    """A subject's answers `[n, classes]` to images 0 to n - 1."""
    return np.concatenate([answer(image) for image in range(images)])


def require_close(name: str, error: float, wanted: np.ndarray, reference: str) -> None:
    """Refuse an error above the tolerance, or one that is not a number."""
    limit = TOLERANCE * max(float(np.abs(wanted).max()), 1e-3)
    if not error <= limit:
        raise CheckFailedError(
            f"{name} answers otherwise than {reference}: the largest error is {error:.3g}, "
            f"{limit:.3g} is allowed; if --cache was given, remove that directory and "
            "try again"
        )
