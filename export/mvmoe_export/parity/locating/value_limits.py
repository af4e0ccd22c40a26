"""How far a value may be from PyTorch's."""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from mvmoe_deploy.bundle.manifest import Bounds
from mvmoe_deploy.verification.metrics import absolute_errors, peak
from mvmoe_deploy.verification.used_bounds import conditioned


@dataclass(frozen=True)
class Limits:
    """How far a value may be from PyTorch's, relative to the largest."""

    largest: float
    rms: float

    @classmethod
    def of(cls, bounds: Bounds, own: float = 0.0) -> Self:
        """Those of a target for a value of which PyTorch's own fp32 is off by `own`."""
        found = conditioned(bounds, 0.0, own)
        return cls(found.answer_error, 10 ** (-found.psnr_db / 20))

    @classmethod
    def of_router(cls, bounds: Bounds) -> Self:
        """Those of a router's logits, of which the largest error alone counts."""
        return cls(bounds.router_error, math.inf)

    def error(self, given: np.ndarray, wanted: np.ndarray) -> float:
        """How far values are off, relative to the largest, in the unit of `largest`.

        Above `largest` where either limit is exceeded.
        """
        errors = np.where(given == wanted, 0.0, absolute_errors(given, wanted))
        top = peak(wanted[np.isfinite(wanted)]) if wanted.size else 1.0
        worst = float(errors.max(initial=0.0)) / top
        if not math.isfinite(worst):
            return math.inf
        rms = float(np.sqrt(np.mean(np.square(errors)))) / top if errors.size else 0.0
        return max(worst, rms * self.largest / self.rms)
