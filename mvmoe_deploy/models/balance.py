"""How evenly experts are used."""

from torch import Tensor


def squared_variation(use: Tensor) -> Tensor:
    """The square of the coefficient of variation of how much each expert is used, `[E]`.

    `(std / mean)^2` with the variance of the population: V-MoE, arXiv 2106.05974, appendix A.
    """
    return use.var(correction=0) / use.mean().square()
