"""Exact intervals of shares: of n images x do something, and what may the true share be?

Clopper and Pearson, *The use of confidence or fiducial limits illustrated in the case of the
binomial*, Biometrika 26 (1934). The two ends are quantiles of beta distributions, which is what
`scipy.stats.binomtest(x, n).proportion_ci(method="exact")` finds by a search, one share at a time.
"""

from collections.abc import Callable

import numpy as np

from mvmoe_deploy.errors import MissingExtraError

CONFIDENCE = 0.95
"""Of every interval; each of its sides leaves out half of the rest."""

_TAIL = (1 - CONFIDENCE) / 2

_MOST_IMAGES = 10_000_000
"""Beyond this `images_needed` says that no number of images will do."""


def require_exact_intervals() -> None:
    """Refuse to begin without SciPy; raises MissingExtraError."""
    try:
        import scipy.special  # noqa: F401
    except ImportError as error:
        what = "SciPy, which exact intervals of shares need,"
        raise MissingExtraError.from_import(error, what, "routing") from error


def exact_intervals(counts: np.ndarray | float, images: float) -> tuple[np.ndarray, np.ndarray]:
    """The lower and upper ends of the 95% intervals of shares `counts / images`, each `[...]`.

    `images` is above 0. Raises MissingExtraError without SciPy.
    """
    require_exact_intervals()
    from scipy.special import betaincinv

    counts = np.asarray(counts, np.float64)
    # The quantile of a beta distribution with a parameter of 0 is not defined, the end is.
    some, others = np.maximum(counts, 1e-300), np.maximum(images - counts, 1e-300)
    low = np.where(counts > 0, betaincinv(some, images - counts + 1, _TAIL), 0.0)
    high = np.where(counts < images, betaincinv(counts + 1, others, 1 - _TAIL), 1.0)
    return low, high


def images_to_exceed(share: float, bound: float) -> int | None:
    """How many images it takes, at the same share, until its lower end is at least `bound`.

    None if no number of images does.
    """
    return _least(lambda images: float(exact_intervals(share * images, images)[0]) >= bound)


def images_to_fall_below(share: float, bound: float) -> int | None:
    """How many images it takes, at the same share, until its upper end is below `bound`.

    None if no number of images does.
    """
    return _least(lambda images: float(exact_intervals(share * images, images)[1]) < bound)


def _least(is_enough: Callable[[int], bool]) -> int | None:
    """The least number that is enough, as all above it are; None if it is very large."""
    if not is_enough(_MOST_IMAGES):
        return None
    low, high = 0, _MOST_IMAGES
    while high - low > 1:
        middle = (low + high) // 2
        if is_enough(middle):
            high = middle
        else:
            low = middle
    return high
