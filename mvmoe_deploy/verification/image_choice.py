"""The images of a comparison: golden, synthetic, a data set's, or from a directory."""

from collections.abc import Callable

import numpy as np

from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.samples import Samples, load_samples

SyntheticImages = Callable[[Preprocessing, int], np.ndarray]
"""Makes model inputs `[n, C, H, W]` (fp32) for the images that are missing."""

_MOST_SYNTHETIC = 64
_MOST_REAL = 400
"""Images that are compared by default: enough to see most routes, in seconds."""


def golden_samples(golden: dict[str, np.ndarray]) -> Samples:
    """The images of a bundle's golden vectors."""
    return Samples(_numbered("golden", len(golden["image"])), golden["image"])


def default_samples(bundle: Bundle, most: int, synthetic: SyntheticImages) -> Samples:
    """Golden images, filled up with synthetic ones: `most` together."""
    golden = golden_samples(bundle.golden())
    kept = Samples(golden.names[:most], golden.inputs[:most])
    missing = most - len(kept.names)
    if missing <= 0:
        return kept
    more = synthetic(bundle.manifest.input, missing)
    return Samples(
        kept.names + _numbered("synthetic", missing), np.concatenate([kept.inputs, more])
    )


def choose_samples(
    bundle: Bundle, data: str | None, most: int | None, synthetic: SyntheticImages | None
) -> Samples | None:
    """The images that `mvmoe verify` compares on; None for the golden vectors as they are.

    Without a model to answer them, `synthetic` is None and there are no others.
    Raises InputError for data that no model can answer, and what `load_samples` does.
    """
    if synthetic is not None:
        if data is None:
            return default_samples(bundle, most or _MOST_SYNTHETIC, synthetic)
        return load_samples(data, bundle.manifest, most or _MOST_REAL)
    if data is not None or most is not None:
        raise InputError(
            f"--{'data' if data else 'images'} was given without a model; give --checkpoint (or "
            "--model) too, or neither: the bundle's golden vectors are then compared, all of them",
            code="input.option",
            name="data" if data else "images",
        )
    return None


def _numbered(what: str, count: int) -> tuple[str, ...]:
    return tuple(f"{what} {number}" for number in range(count))
