"""Which values inside of a graph are which of its program's, and the first that has gone astray.

Names are lost on the way to an engine, and engines merge and split operators. So a value is known
by what it holds: it is one of PyTorch's if it is within the bound of it. A node without a value in
the graph is no fault where all that is made of it has one: the engine computes several at once.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations

import numpy as np
from torch import fx

from mvmoe_deploy.bundle.manifest import Bounds
from mvmoe_deploy.verification.metrics import absolute_errors, peak
from mvmoe_export.graph_taps import EngineOperator
from mvmoe_export.parity.locating.reference_values import ReferenceValues
from mvmoe_export.parity.locating.value_limits import Limits

_SAMPLES = 32
"""Elements that are compared first: most values are of another node."""

_MOST_AXES = 4
"""Axes of values that an engine may have turned, images with the channels last for example."""

_MOVES = frozenset(
    {"view", "reshape", "flatten", "unflatten", "permute", "transpose", "t", "movedim", "squeeze"}
    | {"unsqueeze", "expand", "expand_as", "slice", "select", "split", "split_with_sizes", "chunk"}
    | {"unbind", "narrow", "clone", "contiguous", "alias", "detach", "getitem", "cat", "stack"}
    | {"to", "_to_copy", "dropout", "index", "index_select", "gather", "roll", "repeat"}
)
"""Operators of PyTorch that only put values into another order, shape or type."""


@dataclass(frozen=True)
class Astray:
    """The first node, and the first operator of the graph, whose value is nowhere within bounds."""

    node: fx.Node
    operator: EngineOperator | None
    error: float
    bound: float


@dataclass(frozen=True)
class _Known:
    """One value of PyTorch's: that of a node, or of a step inside of one."""

    node: fx.Node
    is_whole: bool
    values: np.ndarray
    limits: Limits
    precise: np.ndarray | None = None

    @property
    def most(self) -> float:
        """By how much an element may be off."""
        finite = self.values[np.isfinite(self.values)]
        return self.limits.largest * peak(finite) if finite.size else math.inf

    def error(self, given: np.ndarray) -> float:
        """How far an array of this size is off; the nearer of fp32 and fp64 counts."""
        given = given.reshape(self.values.shape)
        found = self.limits.error(given, self.values)
        if found > self.limits.largest and self.precise is not None:
            found = min(found, self.limits.error(given, self.precise))
        return found

    def is_near(self, given: np.ndarray) -> bool:
        """Whether an array of this size is within the limits."""
        return self.error(given) <= self.limits.largest


class _Candidates:
    """Values of PyTorch's of one shape, in an order of their own.

    Most are told from an array by a few elements, which are compared for all of them at once.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._shape = shape
        self._step = max(math.prod(shape) // _SAMPLES, 1)
        self._all: list[tuple[int, _Known]] = []

    def add(self, place: int, known: _Known) -> None:
        """One more, and its place among values of all shapes."""
        self._all.append((place, known))

    def near(self, array: np.ndarray) -> dict[int, _Known]:
        """Those that an array of this size is near to, with its axes in any order; by place."""
        few, most = self._few
        found: dict[int, _Known] = {}
        for turned in _turned(array, self._shape):
            with np.errstate(invalid="ignore"):
                far = (np.abs(turned.flat[:: self._step] - few) > most).any(axis=1)
            for number in np.flatnonzero(~far).tolist():
                place, known = self._all[number]
                if place not in found and known.is_near(turned):
                    found[place] = known
        return found

    @cached_property
    def _few(self) -> tuple[np.ndarray, np.ndarray]:
        """The elements `[n, samples]` that are compared first, and by how much they may be off."""
        few = [known.values.reshape(-1)[:: self._step] for _, known in self._all]
        return np.array(few), np.array([[known.most] for _, known in self._all])


@dataclass(frozen=True)
class TappedValues:
    """What an exported graph gives, inside and as outputs."""

    operators: Sequence[EngineOperator]
    """Those that work on the graph's inputs, not on weights alone."""
    values: Mapping[str, np.ndarray]
    """By their names in the graph."""
    outputs: Mapping[str, np.ndarray]
    """The graph's outputs, in the order of its program's, by the names of their values."""
    astray: frozenset[str]
    """Those of them that are beyond their bounds."""


class Matching:
    """The values of a graph and those of its program, side by side."""

    def __init__(self, reference: ReferenceValues, tapped: TappedValues, bounds: Bounds) -> None:
        self._reference = reference
        self._tapped = tapped
        self._bounds = bounds
        whole = {node: self._known(node) for node in reference.values}
        self._whole = whole
        self._candidates: dict[tuple[int, ...], _Candidates] = {}
        for place, known in enumerate((*whole.values(), *self._steps())):
            shape = known.values.shape
            self._candidates.setdefault(shape, _Candidates(shape)).add(place, known)
        self._found: set[fx.Node] = set()
        self._near: set[str] = set()
        self._taken_steps: set[int] = set()
        self._bad_nodes: set[fx.Node] = set()
        for operator in tapped.operators:
            for name in operator.gives:
                if name in tapped.values:
                    self._note(name, operator)
        self._check_outputs()

    def first_astray(self) -> Astray | None:
        """The first node that has gone astray; None if every output is within its bound."""
        astray = self._astray_nodes()
        nodes = [node for node in self._reference.nodes if node in astray]
        if not nodes:
            return None
        operator = self._first_operator()
        # Engines do without many moves: one is at fault only where one of the graph is.
        moved = operator is not None and operator.moves
        node = next((node for node in nodes if _moves(node) == moved), nodes[0])
        error = self._error(node, operator)
        known = self._whole.get(node)
        limits = known.limits if known is not None else Limits.of(self._bounds)
        return Astray(node, operator, error, limits.largest)

    def _note(self, name: str, operator: EngineOperator) -> None:
        """Note which nodes, or steps inside of one, have the value that an operator gives.

        Several may: a gate of 1 changes nothing. Each operator that computes stands for one node
        that does, or for one step, in the order of both.
        """
        matches = self._matches(self._tapped.values[name])
        nodes = [known.node for known in matches if known.is_whole]
        steps = {id(known) for known in matches if not known.is_whole} - self._taken_steps
        self._found.update(filter(_moves, nodes))
        if operator.moves:
            self._near.update([name] if matches else [])
            return
        self._taken_steps |= steps
        stands_for = [node for node in nodes if node not in self._found][:1]
        self._found.update(stands_for)
        if stands_for or (steps and not operator.adds_bias):
            self._near.add(name)

    def _known(self, node: fx.Node) -> _Known:
        """The value of a node, with limits that its conditioning allows."""
        values = self._reference.values[node].numpy()
        found = self._reference.precise.get(node)
        if found is None or not values.size:
            return _Known(node, True, values, Limits.of(self._bounds))
        precise = found.numpy()
        finite = values[np.isfinite(values)]
        own = float(absolute_errors(values, precise).max()) / peak(finite)
        own = own if math.isfinite(own) else 0.0
        return _Known(node, True, values, Limits.of(self._bounds, own), precise)

    def _steps(self) -> Iterator[_Known]:
        """What the steps of operators give."""
        limits = Limits.of(self._bounds)
        for node, steps in self._reference.inner.items():
            for step in steps:
                yield _Known(node, False, step.numpy(), limits)

    def _matches(self, array: np.ndarray) -> list[_Known]:
        """The values of PyTorch's that an array is near to, in their order."""
        found: dict[int, _Known] = {}
        for shape, candidates in self._candidates.items():
            if math.prod(shape) == array.size:
                found |= candidates.near(array)
        return [found[place] for place in sorted(found)]

    def _check_outputs(self) -> None:
        """Outputs are what they should be, or not: another value that is equal does not count."""
        for name, node in zip(self._tapped.outputs, self._reference.outputs, strict=True):
            if name in self._tapped.astray:
                self._found.discard(node)
                self._near.discard(name)
                self._bad_nodes.add(node)
            else:
                self._found.add(node)
                self._near.add(name)

    def _astray_nodes(self) -> set[fx.Node]:
        """Nodes without a value in the graph, of which something is made that is astray too."""
        astray = set(self._bad_nodes)
        for node in reversed(self._reference.nodes):
            if node not in self._found and any(user in astray for user in node.users):
                astray.add(node)
        return astray

    def _first_operator(self) -> EngineOperator | None:
        """The first operator of the graph whose value has gone astray in the same way."""
        readers = defaultdict[str, list[int]](list)
        for number, operator in enumerate(self._tapped.operators):
            for name in operator.takes:
                readers[name].append(number)
        astray: set[int] = set()
        for number, operator in reversed(list(enumerate(self._tapped.operators))):
            for name in operator.gives:
                lost = name not in self._near and any(one in astray for one in readers[name])
                if lost or name in self._tapped.astray:
                    astray.add(number)
        return self._tapped.operators[min(astray)] if astray else None

    def _error(self, node: fx.Node, operator: EngineOperator | None) -> float:
        """How far the nearest value of an operator is from a node's; infinite if none fits."""
        known = self._whole.get(node)
        if known is None or operator is None:
            return math.inf
        every = {**self._tapped.values, **self._tapped.outputs}
        given = [every[name] for name in operator.gives if name in every]
        return min(
            (
                known.error(turned)
                for array in given
                if array.size == known.values.size
                for turned in _turned(array, known.values.shape)
            ),
            default=math.inf,
        )


def _moves(node: fx.Node) -> bool:
    """Whether a node only puts values into another order or shape; engines may do without it."""
    name = getattr(node.target, "__name__", str(node.target)).split(".")[0]
    return name.removesuffix("_copy") in _MOVES


def _turned(array: np.ndarray, shape: tuple[int, ...]) -> Iterator[np.ndarray]:
    """An array as it is, and with its axes in every order that gives a shape of this size."""
    yield array
    mine = [size for size in array.shape if size > 1]
    wanted = [size for size in shape if size > 1]
    if sorted(mine) != sorted(wanted) or len(mine) > _MOST_AXES:
        return
    squeezed = array.reshape(mine)
    for order in permutations(range(len(mine))):
        if list(order) != sorted(order) and [mine[axis] for axis in order] == wanted:
            yield squeezed.transpose(order)
