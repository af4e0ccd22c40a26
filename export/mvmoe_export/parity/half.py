"""Where a stage leaves the range of fp16."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

LARGEST = torch.finfo(torch.float16).max


def beyond_half(module: nn.Module, inputs: list[Tensor]) -> str | None:
    """The first operator of a stage with a value that fp16 cannot hold, in words; None if none has.

    Infinity counts only where a finite value was before: a mask of -inf stays what it is.
    """
    watcher = _RangeWatcher()
    with torch.no_grad(), watcher:
        module(*(tensor.clone() for tensor in inputs))
    return watcher.found


class _RangeWatcher(TorchDispatchMode):  # type: ignore[no-untyped-call]  # PyTorch's class has no types
    """Looks at all that operators take and give, until something is beyond the range."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # PyTorch's class has no types
        self.found: str | None = None

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run the operator, then look."""
        result = func(*args, **(kwargs or {}))
        if self.found is None:
            for verb, leaves in (("takes", (args, kwargs or {})), ("gives", result)):
                for leaf in tree_leaves(leaves):
                    if self.found is None and (value := _beyond(leaf)) is not None:
                        self.found = f"operator {func} {verb} {value:.3g}"
        return result


def _beyond(leaf: Any) -> float | None:
    """The largest finite value of an argument or result, if fp16 cannot hold it."""
    if isinstance(leaf, Tensor) and leaf.is_floating_point() and leaf.numel():
        finite = torch.where(leaf.isfinite(), leaf, 0.0)
        value = finite.flatten()[finite.abs().argmax()].item()
    elif isinstance(leaf, float) and leaf - leaf == 0:
        value = leaf
    else:
        return None
    return value if abs(value) > LARGEST else None
