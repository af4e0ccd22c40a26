"""Where a stage compares values with bounds, and inputs that reach both sides of each.

An export that loses a clamp answers as the model does until a value reaches the clamp. So the
bounds that a run of the stage meets are watched, and where all inputs stay on one side of one, a
few steps along the gradient look for an input on the other.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.utils._python_dispatch import TorchDispatchMode

from mvmoe_deploy.errors import InputError
from mvmoe_export.fingerprint import fingerprint, weights_of
from mvmoe_export.programs import PrefixedModule, capture

_STEPS = 6
"""Of one search; together they can cross the whole range of an input twice."""

MOST_SEARCHES = 6
"""Bounds of one stage that are looked for one by one, after all of them together."""

_CLEARANCE = 0.02
"""How far beyond a bound a value must be, relative to the bound: less could be lost in rounding."""

_Sides = dict[tuple[int, bool], Tensor]
"""Signed distances beyond a bound, by its number and side: positive where a value is beyond."""

_LIMITS: dict[str, tuple[float, ...]] = {
    **dict.fromkeys(("relu", "leaky_relu", "rrelu", "prelu", "_prelu_kernel"), (0.0,)),
    **dict.fromkeys(("elu", "selu", "celu", "abs", "sign", "sgn", "heaviside"), (0.0,)),
    "relu6": (0.0, 6.0),
    "hardsigmoid": (-3.0, 3.0),
    "hardswish": (-3.0, 3.0),
}
"""Operators whose bounds are in their definition."""

_ARGUMENTS: dict[str, tuple[tuple[int, str], ...]] = {
    "clamp": ((1, "min"), (2, "max")),
    "clip": ((1, "min"), (2, "max")),
    "clamp_min": ((1, "min"),),
    "clamp_max": ((1, "max"),),
    "hardtanh": ((1, "min_val"), (2, "max_val")),
    "threshold": ((1, "threshold"),),
    "hardshrink": ((1, "lambd"),),
    "softshrink": ((1, "lambd"),),
    "maximum": ((1, "other"),),
    "minimum": ((1, "other"),),
    **dict.fromkeys(("gt", "ge", "lt", "le", "eq", "ne"), ((1, "other"),)),
}
"""Operators whose bounds are arguments, with their positions and names."""

_WATCHED = {*_LIMITS, *_ARGUMENTS, "bucketize", "softplus"}
_MOST_BOUNDARIES = 8
"""Buckets of one operator whose boundaries are looked at."""

Span = tuple[Tensor, Tensor]
"""The least and largest values of a tensor that moves."""

_DEFAULTS = {"min_val": -1.0, "max_val": 1.0, "lambd": 0.5}


def unreached(module: nn.Module, inputs: list[list[Tensor]]) -> bool:
    """Whether some bound in a stage has all values of all `inputs` on one side of it."""
    watcher = _BoundWatcher()
    for given in inputs:
        watcher.number = 0
        with torch.no_grad(), watcher:
            module(*(tensor.clone() for tensor in given))
        # Most stages have no bounds, or each of them in the midst of all values.
        if all(watcher.reached.values()):
            return False
    return True


class Searches:
    """Looks for inputs that reach both sides of the bounds of stages; captures a structure once."""

    def __init__(self) -> None:
        self._graphs: dict[str, fx.GraphModule | None] = {}

    def find(
        self,
        module: nn.Module,
        inputs: list[list[Tensor]],
        spans: Sequence[Span],
        searches: int = MOST_SEARCHES,
    ) -> list[list[Tensor]]:
        """Inputs of a stage that reach bounds which none of `inputs` reaches.

        Those move that have one of `spans`, their least and largest values, element by element;
        others that follow (gates) stay. Of bounds that a few steps do not reach nothing is found;
        at most `searches` are looked for one by one, after all of them together. The same for the
        same model, every time.
        """
        graph = self._graph(module, inputs[0]) if unreached(module, inputs) else None
        if graph is None:
            return []
        search = _Search(graph, module, spans)
        found: list[list[Tensor]] = []
        # An operator that cannot be interpreted or differentiated raises whatever it likes. What
        # was found until then is asked; the other inputs are asked in any case.
        with suppress(Exception):
            for given in inputs:
                search.look(given)
            found += search.climb(inputs, together=True)
            for _ in range(min(searches, len(search.missing))):
                found += search.climb(inputs, together=False)
        return found

    def _graph(self, module: nn.Module, given: list[Tensor]) -> fx.GraphModule | None:
        """A stage as a graph that gradients go through; None for one that cannot be captured."""
        key = fingerprint(module, [tensor.clone() for tensor in given])
        if key not in self._graphs:
            try:
                self._graphs[key] = capture("of a stage", PrefixedModule(module), tuple(given))
            except InputError:
                self._graphs[key] = None
        return self._graphs[key]


class _BoundWatcher(TorchDispatchMode):  # type: ignore[no-untyped-call]  # PyTorch's class has no types
    """Notes at every operator with a bound which sides of it were reached."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # PyTorch's class has no types
        self.number = 0
        self.reached: dict[tuple[int, bool], bool] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run the operator, having looked at what it takes."""
        for sides in _sides(_name(func), args, kwargs or {}):
            for above, beyond in sides.items():
                place = (self.number, above)
                far = bool((beyond > 0).any())
                self.reached[place] = self.reached.get(place, False) or far
            self.number += 1
        return func(*args, **(kwargs or {}))


@dataclass
class _Search:
    """Looks for inputs of one stage on the sides that were not reached."""

    graph: fx.GraphModule
    module: nn.Module
    spans: Sequence[Span]

    def __post_init__(self) -> None:
        self.weights = weights_of(PrefixedModule(self.module))
        self.reached: dict[tuple[int, bool], bool] = {}
        self.given_up: set[tuple[int, bool]] = set()
        self.best: dict[tuple[int, bool], tuple[float, int]] = {}
        self.seen = 0

    @property
    def missing(self) -> list[tuple[int, bool]]:
        """The sides that no input has reached, those that one came nearest to first."""
        left = [
            side for side, done in self.reached.items() if not done and side not in self.given_up
        ]
        return sorted(left, key=lambda side: -self.best.get(side, (-inf, 0))[0])

    def look(self, given: list[Tensor]) -> None:
        """Note which sides an input reaches, and which it comes nearest to."""
        with torch.no_grad():
            for side, beyond in self._run(given).items():
                near = beyond.max().item()
                self.reached[side] = self.reached.get(side, False) or near > 0
                if near > self.best.get(side, (-inf, 0))[0]:
                    self.best[side] = near, self.seen
        self.seen += 1

    def climb(self, inputs: list[list[Tensor]], *, together: bool) -> list[list[Tensor]]:
        """Go from the nearest input towards the sides that are missing; gives what reaches one."""
        wanted = self.missing if together else self.missing[:1]
        if not wanted:
            return []
        if not together:
            self.given_up.update(wanted)
        start = inputs[min(self.best[wanted[0]][1], len(inputs) - 1)]
        found = []
        count = len(self.spans)
        given, rest = [tensor.float() for tensor in start[:count]], start[count:]
        types = [tensor.dtype for tensor in start]
        for _ in range(_STEPS):
            moved = self._step(given, rest, wanted, types)
            if moved is None:
                break
            given = moved
            before = set(self.missing) | set(wanted)
            self.look([*_as_types(given, types), *rest])
            if any(self.reached[side] for side in before):
                found.append(_as_types(given, types))
                wanted = [side for side in wanted if not self.reached[side]]
            if not wanted:
                break
        return found

    def _step(
        self,
        given: list[Tensor],
        rest: list[Tensor],
        wanted: list[tuple[int, bool]],
        types: list[torch.dtype],
    ) -> list[Tensor] | None:
        """One step along the gradient, inside of the ranges; None where there is no gradient."""
        with torch.enable_grad():
            moved = [tensor.detach().clone().requires_grad_() for tensor in given]
            sides = self._run([*_as_types(moved, types), *rest])
            aims = [_scaled(sides[side]) for side in wanted]
            try:
                gradients = torch.autograd.grad(
                    torch.stack(aims).sum(), moved, allow_unused=len(moved) > 1
                )
            except RuntimeError:  # A stage that stops gradients, or an operator without one.
                return None
        return [
            tensor.detach() if gradient is None else _moved(tensor.detach(), gradient, span)
            for tensor, gradient, span in zip(moved, gradients, self.spans, strict=True)
        ]

    def _run(self, given: list[Tensor]) -> _Sides:
        """Every bound of the stage that an input meets."""
        run = _BoundsOf(self.graph, self.weights)
        run.run(*given)
        return run.found


class _BoundsOf(fx.Interpreter):
    """Runs a captured stage with weights of one module, and keeps how far values are beyond."""

    def __init__(self, graph: fx.GraphModule, weights: dict[str, Tensor]) -> None:
        super().__init__(graph)
        self._weights = weights
        self._number = 0
        self.found: _Sides = {}

    def get_attr(self, target: Any, args: Any, kwargs: Any) -> Any:
        """A weight of the module, or a constant of the graph."""
        if target in self._weights:
            return self._weights[target]
        return super().get_attr(target, args, kwargs)

    def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
        """Run the operator, having looked at what it takes."""
        for sides in _sides(_name(target), args, kwargs):
            for above, beyond in sides.items():
                self.found[self._number, above] = beyond
            self._number += 1
        return super().call_function(target, args, kwargs)


def _moved(tensor: Tensor, gradient: Tensor, span: Span) -> Tensor:
    """A tensor one step along its gradient, inside of its range."""
    least, largest = span
    step = (largest - least) * 2 / _STEPS
    return torch.clamp(tensor + step * gradient.sign(), least, largest)


def _as_types(tensors: list[Tensor], types: list[torch.dtype]) -> list[Tensor]:
    """Tensors in the types that a stage takes; there may be more types."""
    return [tensor.to(dtype) for tensor, dtype in zip(tensors, types, strict=False)]


def _scaled(beyond: Tensor) -> Tensor:
    """The largest of some distances, relative to their size: no bound outvotes the others."""
    return beyond.max() / beyond.detach().abs().max().clamp(min=1e-12)


def _name(operator: Any) -> str:
    """`clamp` of `aten.clamp_.default`."""
    return str(operator).removeprefix("aten.").split(".")[0].rstrip("_")


def _sides(name: str, args: Any, kwargs: Any) -> Iterator[dict[bool, Tensor]]:
    """How far the first argument of an operator is above and below each of its bounds."""
    if name not in _WATCHED:
        return
    value = args[0]
    if not isinstance(value, Tensor) or not value.is_floating_point() or not value.numel():
        return
    for bound in _bounds(name, args, kwargs):
        margin = abs(bound) * _CLEARANCE if not isinstance(bound, Tensor) else 0.0
        distance = value - bound
        yield {True: distance - margin, False: -distance - margin}


def _bounds(name: str, args: Any, kwargs: Any) -> Iterator[Any]:
    """The bounds of an operator, numbers or tensors."""
    yield from _LIMITS.get(name, ())
    if name in ("bucketize", "softplus"):
        yield from _computed_bounds(name, args, kwargs)
    for position, word in _ARGUMENTS.get(name, ()):
        given = args[position] if position < len(args) else kwargs.get(word, _DEFAULTS.get(word))
        if isinstance(given, Tensor) and not given.is_floating_point():
            continue
        if given is not None and _is_bound(given):
            yield given
            if word == "lambd":
                yield -given


def _computed_bounds(name: str, args: Any, kwargs: Any) -> Iterator[float]:
    """The boundaries of buckets, or where a softplus becomes its own argument."""
    if name == "bucketize":
        boundaries = args[1] if len(args) > 1 else kwargs["boundaries"]
        yield from boundaries.flatten()[:_MOST_BOUNDARIES].tolist()
        return
    beta = args[1] if len(args) > 1 else kwargs.get("beta", 1.0)
    threshold = args[2] if len(args) > 2 else kwargs.get("threshold", 20.0)
    yield threshold / beta


def _is_bound(given: Any) -> bool:
    """Whether a value can be beyond it: clamps at infinity or at the end of fp32 are none."""
    largest = given.abs().max().item() if isinstance(given, Tensor) else abs(given)
    return largest < 1e30
