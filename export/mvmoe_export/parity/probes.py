"""Gates that no router gives: an expert that got lost or a gate that is ignored shows with them."""

from collections.abc import Iterator

import torch
from torch import Tensor

_BASE_GATE, _PROBE_GATE = 0.5, 4.0


def probe_gates(batch: int, k: int) -> Iterator[Tensor]:
    """Gates `[batch, k]` with one slot after another large, and first all small."""
    yield torch.full((batch, k), _BASE_GATE, dtype=torch.float32)
    for slot in range(k):
        gates = torch.full((batch, k), _BASE_GATE, dtype=torch.float32)
        gates[:, slot] = _PROBE_GATE
        yield gates
