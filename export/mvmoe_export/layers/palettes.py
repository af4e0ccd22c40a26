"""Weights as indices into a table of values: a palette.

    weight[i] = table[index[i]],    table: the centres of the weights' clusters

Clusters are those of k-means in one dimension, which a library finds exactly
(Wu, "Optimal quantization by matrix searching", 1991). Its time grows with the number of points, so
of many weights it is given the means of neighbours in their order: half of the groups are equally
many weights, for where they are dense, half are equally wide, for the few that are far out. All
weights then move the centres once more, to the means of those nearest to each.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

Cluster = Callable[[Sequence[float], Sequence[float], int], Sequence[float]]
"""From distinct points, their weights, and how many clusters, to the clusters' centres."""

_Array = np.ndarray[Any, Any]

_POINTS = 16
"""Groups of each kind for each entry of a table: the squared error is then within 0.1% of the least
one, also where one weight in fifty is thirty times as large."""


def palettes(
    weight: Tensor, bits: int, cluster: Cluster, tables: torch.dtype = torch.float32
) -> tuple[Tensor, Tensor]:
    """The indices `[rows, n]`, as uint8, and the tables `[rows, 2 ** bits]`, of `[rows, n]`.

    Each row has a table of its own, in ascending order, rounded to the type in which the engine
    has it before an index is chosen: the nearest entry. Equal rows have equal tables and indices.
    """
    # NumPy: PyTorch's threads wait longer for each other than the work on a row takes.
    rows = weight.double().numpy()
    found = torch.from_numpy(np.stack([_table(row, 2**bits, cluster) for row in rows])).to(tables)
    pairs = zip(rows, found.double().numpy(), strict=True)
    indices = np.stack([_nearest(row, table) for row, table in pairs])
    return torch.from_numpy(indices.astype(np.uint8)), found


def _table(row: _Array, entries: int, cluster: Cluster) -> _Array:
    """The values of a row's table; where there are fewer distinct ones the largest is repeated."""
    points, counts = _points(np.sort(row), _POINTS * entries)
    clusters = min(entries, len(points))
    found = cluster(points.tolist(), counts.tolist(), clusters)
    return np.pad(_means(row, np.sort(found)), (0, entries - clusters), "edge")


def _points(ordered: _Array, groups: int) -> tuple[_Array, _Array]:
    """Distinct points that stand for weights in ascending order, and how many each stands for."""
    count = len(ordered)
    if count <= 2 * groups:
        return np.unique(ordered, return_counts=True)
    many = np.arange(groups) * count // groups
    wide = np.searchsorted(ordered, np.linspace(ordered[0], ordered[-1], groups + 1)[1:-1])
    starts = np.union1d(many, wide)
    sizes = np.diff(starts, append=count)
    points, places = np.unique(np.add.reduceat(ordered, starts) / sizes, return_inverse=True)
    return points, np.bincount(places, sizes)


def _means(row: _Array, table: _Array) -> _Array:
    """The mean of the weights nearest to each entry; the entry itself where there are none."""
    nearest = _nearest(row, table)
    counts = np.bincount(nearest, minlength=len(table))
    sums = np.bincount(nearest, row, len(table))
    return np.where(counts > 0, sums / np.maximum(counts, 1), table)


def _nearest(row: _Array, table: _Array) -> _Array:
    """The index of the entry nearest to each weight, in a table in ascending order."""
    return np.searchsorted((table[1:] + table[:-1]) / 2, row)
