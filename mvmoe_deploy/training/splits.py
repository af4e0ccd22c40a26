"""Cutting images into two parts, at random or with the same share of every class."""

import numpy as np

from mvmoe_deploy.errors import MissingExtraError

_SEED = 0
"""Fixed: a split belongs to the data, not to a run, or one run's test would train another."""


def random_split(count: int, second: int) -> tuple[np.ndarray, np.ndarray]:
    """Ascending indices of two disjoint parts of `count` images; the second has `second`."""
    rows = np.random.default_rng(_SEED).permutation(count)
    return np.sort(rows[second:]), np.sort(rows[:second])


def stratified_split(labels: np.ndarray, second: int) -> tuple[np.ndarray, np.ndarray]:
    """Ascending indices of two disjoint parts of `labels` `[N]`; the second has `second` of them.

    Every class needs two images or more, and `second` at least one place a class.
    """
    try:
        from sklearn.model_selection import train_test_split
    except ImportError as error:
        raise MissingExtraError.from_import(
            error, "scikit-learn, which splits the images,", "train"
        ) from error
    rows = np.arange(len(labels))
    first, rest = train_test_split(rows, test_size=second, stratify=labels, random_state=_SEED)
    return np.sort(first), np.sort(rest)
