"""What a rule of the advisor sees, and what it gives back.

A rule is one file in `rules/` whose `PART` is an object as `Rule` says. Another distribution brings
its own as the part `advice.NAME` (see `mvmoe_deploy.parts`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.routing import Route

Severity = Literal["info", "warning", "problem"]
Shape = tuple[int | None, ...]
"""None where an axis is not fixed."""


@dataclass(frozen=True)
class Tensor:
    """What is known of one value of a graph."""

    shape: Shape | None
    """None if not even the number of axes is known."""
    dtype: str
    """`float16`, `int32`, ...: in the words of NumPy; empty if unknown."""

    @property
    def rank(self) -> int:
        """The number of axes; 0 if it is unknown."""
        return len(self.shape or ())

    @property
    def is_float(self) -> bool:
        """Whether its elements are floating-point numbers of any width."""
        return "float" in self.dtype


@dataclass(frozen=True)
class Op:
    """One operator that computes something when the graph runs (no constants)."""

    type: str
    """The format's own name for it: `MatMul` in ONNX, `matmul` in Core ML's MIL."""
    inputs: tuple[Tensor, ...]
    """What it reads, weights included; the order is the format's own."""
    outputs: tuple[Tensor, ...]
    macs: int = 0
    """Multiplications that are added up, of convolutions and matrix products."""
    kernel: tuple[int, ...] = ()
    """Of a convolution: the size of its window, height and width."""


@dataclass(frozen=True)
class GraphView:
    """One graph of a target, the same for every format."""

    name: str
    stage: int
    route: Route | None
    ops: tuple[Op, ...] | None
    """None where the format keeps them from being read; rules then have nothing to say."""
    weight_bytes: int
    placement: tuple[manifest.Placement, ...]

    @property
    def macs(self) -> int:
        """Of all its operators; 0 where they are not known."""
        return sum(op.macs for op in self.ops or ())


@dataclass(frozen=True)
class TargetView:
    """One target of a bundle: its record in the manifest, and its graphs."""

    name: str
    record: manifest.Target
    graphs: tuple[GraphView, ...]
    targets: Mapping[str, manifest.Target]
    """All targets of the bundle: some advice is to use another one."""


@dataclass(frozen=True)
class Finding:
    """What a rule found in one graph, or in a whole target (`graph` is None).

    Equal findings of several graphs become one advice: `text` does not name the graph.
    """

    severity: Severity
    engine: str
    text: str
    """One sentence that begins with a capital: what was found, and what to do."""
    graph: str | None = None
    reason: str | None = None
    """None where the rule's own says it."""
    source: str | None = None


class Rule(Protocol):
    """One thing that is known of an engine.

    Invariants:

    - It looks at the view alone: no files, no engine, no device.
    - Everything it says is an estimate; it never claims that something was measured here.
    - `source` is public: a document with its address, a thread with its number, or a measurement
      of ours with its command.
    - What it does not know (a shape, an operator) it takes for harmless.
    """

    name: str
    """In lower case, with hyphens."""
    reason: str
    """Why it matters, in one sentence."""
    source: str

    def check(self, target: TargetView) -> Iterable[Finding]:
        """What there is to say about a target."""
        ...
