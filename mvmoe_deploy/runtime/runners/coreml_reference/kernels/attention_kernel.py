"""Attention: coremltools' own evaluation computes in fp64 and does not limit its memory."""

from typing import Any

import numpy as np

from mvmoe_deploy.runtime.runners.coreml_reference.kernels.windows import optional, require_room


def scaled_dot_product_attention(operation: Any) -> np.ndarray:
    """`query [*B, L, E]`, `key [*B, S, E]` and `value [*B, S, V]` give `[*B, L, V]`.

    A mask of truth values lets through where it is true, one of numbers is added.
    """
    query, key, value = (slot.val for slot in (operation.query, operation.key, operation.value))
    require_room([*query.shape[:-1], key.shape[-2]])
    scores = np.matmul(query, key.swapaxes(-2, -1)) / np.sqrt(np.float32(query.shape[-1]))
    mask = optional(operation.attn_mask)
    if mask is not None:
        scores = np.where(mask, scores, -np.inf) if mask.dtype == bool else scores + mask
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    result: np.ndarray = np.matmul(weights / weights.sum(-1, keepdims=True), value)
    return result


KERNELS = {"scaled_dot_product_attention": scaled_dot_product_attention}
