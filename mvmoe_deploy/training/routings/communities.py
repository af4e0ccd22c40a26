"""Super-classes: a dense model's confusions as a graph, cut into one community per expert.

arXiv 2309.04354, section 3.2. Nothing here knows of models or images.
"""

from typing import TYPE_CHECKING

import numpy as np

from mvmoe_deploy.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    import networkx

_SOFT_WEIGHT = 1e-3
"""Weight of the soft confusions beside the counted ones: they decide where no mistake does."""

_NOTHING = 1e-12
"""Confusions below this are no edge: their sums would not be numbers to compare."""


def super_classes(confusion: np.ndarray, soft_confusion: np.ndarray, experts: int) -> np.ndarray:
    """The super-class (= expert) `[C]` of every class, exactly `experts` of them, none empty.

    `confusion` `[C, C]` counts images by true class (row) and answer (column). A good model makes
    too few mistakes to connect its classes. So `soft_confusion` `[C, C]`, in which every answer
    counts by its probability, is added with a thousandth of the weight.

    Raises InputError if there are more experts than classes.
    """
    soft = _SOFT_WEIGHT * confusion_weights(soft_confusion)
    return communities(confusion_weights(confusion) + soft, experts)


def confusion_weights(confusion: np.ndarray) -> np.ndarray:
    """Edge weights `[C, C]`: rows divided by their sum, symmetrised, nothing on the diagonal."""
    confusion = np.asarray(confusion, dtype=np.float64)
    totals = confusion.sum(axis=1, keepdims=True)
    rates = np.divide(confusion, totals, out=np.zeros_like(confusion), where=totals > 0)
    weights: np.ndarray = (rates + rates.T) / 2
    np.fill_diagonal(weights, 0.0)
    return weights


def communities(weights: np.ndarray, experts: int) -> np.ndarray:
    """The community `[C]` of every class in the graph with edge `weights` `[C, C]`.

    Greedy modularity (Clauset, Newman, Moore 2004) until `experts` communities remain. Where the
    graph falls into more parts than that, the two smallest are joined until it does not: the
    shares of the experts stay as even as the graph allows. Communities are numbered in the order
    of their first class. Deterministic.

    Raises InputError if there are more experts than classes.
    """
    classes = len(weights)
    if experts > classes:
        raise InputError(
            f"{experts} experts cannot each own one of {classes} classes; give at most "
            f"{classes} experts",
            code="input.option",
            name="experts",
            given=experts,
            expected=classes,
        )
    groups = _joined(_greedy_modularity(_graph(weights), experts), experts)
    owner = np.empty(classes, dtype=np.int64)
    for number, group in enumerate(sorted(sorted(group) for group in groups)):
        owner[group] = number
    return owner


def random_super_classes(classes: int, experts: int, seed: int) -> np.ndarray:
    """Super-classes `[C]` drawn at random, of equal size up to one; the control.

    Raises InputError if there are more experts than classes.
    """
    if experts > classes:
        raise InputError(
            f"{experts} experts cannot each own one of {classes} classes; give at most "
            f"{classes} experts",
            code="input.option",
            name="experts",
            given=experts,
            expected=classes,
        )
    owner = np.empty(classes, dtype=np.int64)
    owner[np.random.default_rng(seed).permutation(classes)] = np.arange(classes) % experts
    return owner


def _graph(weights: np.ndarray) -> "networkx.Graph":
    """The graph of the weights that are worth an edge; every class is a node."""
    networkx = _networkx()
    graph = networkx.Graph()
    graph.add_nodes_from(range(len(weights)))
    rows, columns = np.nonzero(np.triu(weights, 1) > _NOTHING)
    graph.add_weighted_edges_from(
        (int(i), int(j), float(weights[i, j])) for i, j in zip(rows, columns, strict=True)
    )
    return graph


def _greedy_modularity(graph: "networkx.Graph", experts: int) -> list[set[int]]:
    """At least `experts` communities, and more only if no edge is left to join them."""
    networkx = _networkx()
    parts = networkx.number_connected_components(graph)
    # `best_n` below the number of parts would make networkx join the two largest, again and again.
    found = networkx.community.greedy_modularity_communities(
        graph, weight="weight", cutoff=experts, best_n=max(experts, parts)
    )
    return [set(group) for group in found]


def _joined(groups: list[set[int]], experts: int) -> list[set[int]]:
    """The two smallest groups joined until `experts` remain; ties go to the lowest classes."""
    while len(groups) > experts:
        groups = sorted(groups, key=lambda group: (len(group), min(group)))
        groups = [groups[0] | groups[1], *groups[2:]]
    return groups


def _networkx() -> "networkx":
    """The graph library of the `train` extra."""
    try:
        import networkx
    except ImportError as error:
        raise MissingExtraError.from_import(
            error, "networkx, which finds the super-classes,", "train"
        ) from error
    return networkx
