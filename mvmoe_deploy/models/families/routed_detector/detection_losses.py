"""What a detector learns from: which cell answers for which box, and how far off it is."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from mvmoe_deploy.models.families.routed_detector.config import STRIDES

_CENTRE = 1.5
"""Strides from a box's middle within which cells answer for it (FCOS, arXiv 1904.01355)."""

_LARGEST = 6
"""Strides of the longest side of a box that is found at a scale; the last scale has no limit."""

_FOCUS = 2.0
"""Exponent of the quality focal loss."""

_OVERLAP_WEIGHT = 2.0
"""Of the boxes' loss beside that of the scores."""

_LEAST = 1e-6
"""Pixels, of a side that is divided by."""


class Assignment(NamedTuple):
    """For each row the labelled box that it answers for."""

    positive: Tensor
    """Whether it answers for one `[B, N]`, bool."""
    boxes: Tensor
    """That box `[B, N, 4]`; anything where there is none."""
    classes: Tensor
    """Its class `[B, N]`, int64; anything where there is none."""


def assign(labels: Tensor, centres: Tensor, strides: Tensor) -> Assignment:
    """Which cells answer for boxes `[B, M, 5]`: middles `[N, 2]` and strides `[N]` in pixels.

    A box is found at the scale that suits its longer side, by the cells around its middle that lie
    in it, and by the one that is nearest, so that each box has one. A cell that two boxes want
    answers for the smaller.
    """
    boxes, exists = labels[..., 1:], labels[..., 0] >= 0
    sides = boxes[..., 2:] - boxes[..., :2]
    longest = sides.max(dim=-1).values
    wanted = torch.full_like(longest, STRIDES[-1])
    for stride in reversed(STRIDES[:-1]):
        wanted = torch.where(longest < _LARGEST * stride, stride, wanted)
    at_scale = wanted[:, None] == strides[:, None]
    middles = (boxes[..., :2] + boxes[..., 2:]) / 2
    away = (centres[:, None] - middles[:, None]).abs().max(dim=-1).values
    past_first = centres[:, None] > boxes[:, None, :, :2]
    inside = (past_first & (centres[:, None] < boxes[:, None, :, 2:])).all(dim=-1)
    near = inside & (away < _CENTRE * strides[:, None])
    nearest = away.masked_fill(~at_scale, torch.inf).argmin(dim=1, keepdim=True)
    near = near.scatter(1, nearest, True)
    chosen = near & at_scale & exists[:, None]
    areas = sides.prod(dim=-1)[:, None].expand_as(chosen).masked_fill(~chosen, torch.inf)
    index = areas.argmin(dim=-1)
    rows = index[..., None].expand(-1, -1, 5)
    found = labels.gather(1, rows)
    return Assignment(chosen.any(dim=-1), found[..., 1:], found[..., 0].clamp(min=0).long())


def detection_losses(
    raw: Tensor, rows: Tensor, labels: Tensor, centres: Tensor, strides: Tensor
) -> dict[str, Tensor]:
    """`overlap` and `scores`, each for one labelled cell, of rows `[B, N, 4 + C]` and their `raw`.

    The boxes' loss is 1 - GIoU (arXiv 1902.09630); a score is to be the overlap that its box has
    with the labelled one, by the quality focal loss (arXiv 2006.04388). Labels are `[B, M, 5]`.
    """
    # In fp32 also under autocast.
    raw, rows = raw.float(), rows.float()
    found = assign(labels, centres, strides)
    count = found.positive.sum().clamp(min=1)
    generous, overlap = overlaps_of(rows[..., :4], found.boxes)
    classes = raw.shape[-1] - 4
    quality = overlap.detach().clamp(0, 1) * found.positive
    wanted = F.one_hot(found.classes, classes) * quality[..., None]
    logits = raw[..., 4:]
    scores = F.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    focus = (wanted - logits.sigmoid()).abs() ** _FOCUS
    apart = torch.where(found.positive, 1 - generous, 0.0)
    return {
        "overlap": _OVERLAP_WEIGHT * apart.sum() / count,
        "scores": (focus * scores).sum() / count,
    }


def overlaps_of(some: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """GIoU and IoU of pairs of boxes `[..., 4]`, both `[...]`."""
    sides = [(boxes[..., 2:] - boxes[..., :2]).clamp(min=0) for boxes in (some, others)]
    low = torch.maximum(some[..., :2], others[..., :2])
    high = torch.minimum(some[..., 2:], others[..., 2:])
    common = (high - low).clamp(min=0).prod(dim=-1)
    union = sides[0].prod(dim=-1) + sides[1].prod(dim=-1) - common + _LEAST
    around = torch.maximum(some[..., 2:], others[..., 2:])
    around = (around - torch.minimum(some[..., :2], others[..., :2])).clamp(min=0).prod(dim=-1)
    shared = common / union
    return shared - (around - union) / (around + _LEAST), shared
