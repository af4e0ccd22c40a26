"""Values that are only numbers, in a few figures."""

import math

import msgspec
import numpy as np

from mvmoe_deploy.outputs.contract import Table


class Numbers(msgspec.Struct, frozen=True, kw_only=True):
    """An array in a few figures, in double precision; None where one is not finite."""

    shape: tuple[int, ...]
    min: float | None
    max: float | None
    mean: float | None
    norm: float | None
    """The Euclidean norm of all values."""


def numbers_of(value: np.ndarray) -> Numbers:
    """The figures of an array `[...]` with at least one value."""
    exact = value.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        return Numbers(
            shape=value.shape,
            min=_finite(exact.min()),
            max=_finite(exact.max()),
            mean=_finite(exact.mean()),
            norm=_finite(np.sqrt(np.square(exact).sum())),
        )


def table_of(numbers: Numbers) -> Table:
    """The figures as a row."""
    shape = " x ".join(map(str, numbers.shape))
    figures = (numbers.min, numbers.max, numbers.mean, numbers.norm)
    words = ("-" if figure is None else f"{figure:.4g}" for figure in figures)
    return Table(("shape", "min", "max", "mean", "norm"), ((shape, *words),))


def _finite(number: float) -> float | None:
    """A number that JSON can hold."""
    return float(number) if math.isfinite(number) else None
