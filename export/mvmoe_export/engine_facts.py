"""What is publicly known of an engine that runs a target's graphs, or pieces of them.

A target lists its engines. Exporting asks what they need of a graph, the advisor what they take.
Importing this imports no PyTorch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from mvmoe_export.accelerator import Accelerator
from mvmoe_export.sources import Citation

Need = Literal[
    "one-partition",
    "no-reductions",
    "fold-batch-norm",
    "gelu-as-trained",
    "no-erf",
    "no-hard-swish",
    "constant-linears",
    "constant-convolutions",
    "rows-of-tokens",
    "few-selections",
    "wide-layers",
    "no-selection",
    "no-ceil",
    "no-minimum",
    "patches-as-products",
]
"""What an engine needs of a graph. A target states the needs of its engines, a rewrite the one that
it serves, so neither names the other:

- one-partition: it takes a graph whole only if shapes change in one way and axes are at most four.
- no-reductions: it has no normalizations and no reductions, or leaves its fast path for them.
- fold-batch-norm: it has no batch norm, or a slower one than a factor and a shift.
- gelu-as-trained: it takes every GELU for one of erf form.
- no-erf: it has no erf at all.
- no-hard-swish: it has neither hard swish nor hard sigmoid.
- constant-linears: it takes linear layers only with weights that are constants of the graph.
- constant-convolutions: it takes convolutions only with weights that are constants of the graph.
- rows-of-tokens: it copies rows at once but looks up single elements one by one, and its top-k
  gives equal scores in their order.
- wide-layers: one layer takes it less time than several narrow ones that are added up.
- few-selections: small operators, as of chosen tokens, take it as long to start as to do.
- no-selection: it has no sort and no top-k, no gather and no scatter by a computed index.
- no-ceil: it rounds down, not up.
- no-minimum: it has the higher of two tensors, not the lower.
- patches-as-products: it has linear layers with inputs rounded as they come, but no convolutions.
"""


@dataclass(frozen=True)
class EngineFacts:
    """One engine below a target; what is not said is taken for harmless."""

    name: str
    """As the manifest's placements call it."""
    title: str
    """As people call it."""
    chosen_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The options of the target whose values choose it; none where a target has one engine.

    The first option with its first value is what a caller gives to get it.
    """
    needs: tuple[Need, ...] = ()
    """What a graph must be for it to be quick or in one piece: rewrites serve these."""
    few_partitions: int = 2
    """Pieces of a graph that are a warning; more are a problem.

    Two where a piece is an accelerator's: tensors are copied for it.
    """
    bookkeeping: frozenset[str] = frozenset()
    """Nodes outside of its pieces that compute nothing: they hand a value on, or make room."""
    fixed_shapes: bool = True
    """Whether it takes tensors of fixed shapes only, or is slow with others."""
    bound_needs: tuple[Need, ...] = ()
    """What it needs beside of graphs that take weights as inputs."""
    compressed_needs: tuple[Need, ...] = ()
    """What it needs beside of graphs whose layers compute in 8 bits."""
    most_axes: int | None = None
    """The axes of a tensor that it takes at most; None for any number."""
    constant_weights: frozenset[str] = frozenset()
    """Operators that it takes only with weights and biases that are constants of the graph, as the
    target's format calls them."""
    accelerator: Accelerator | None = None
    """The unit that it hands graphs to, or pieces of them; None for one that computes itself."""
    sources: tuple[Citation, ...] = ()
    """Of what a graph in pieces costs there."""
    shares_weights: tuple[str, str] | None = None
    """The option, with its value, from which on graphs share a copy of the weights, and do not
    before; None where that does not depend on an option."""
    axes_sources: tuple[Citation, ...] = ()
    """Of `most_axes`."""
    constant_sources: tuple[Citation, ...] = ()
    """Of `constant_weights`."""
    bytes_only: Mapping[str, tuple[Citation, ...]] = field(default_factory=dict)
    """Numbers of weights, as a manifest's `compression` calls them, that save bytes there and
    hardly any time or none; each with where that is known from."""

    def needs_of(self, *, is_bound: bool = False, in_int8: bool = False) -> tuple[Need, ...]:
        """What it needs of graphs that take weights as inputs, or compute in 8 bits."""
        bound = self.bound_needs if is_bound else ()
        return (*self.needs, *bound, *(self.compressed_needs if in_int8 else ()))

    @property
    def unit(self) -> str:
        """What computes its graphs, as people call it."""
        return self.title if self.accelerator is None else self.accelerator.title

    def is_chosen(self, options: Mapping[str, object]) -> bool:
        """Whether a target that was exported with these options has this engine."""
        return all(options.get(name) in values for name, values in self.chosen_by.items())

    @property
    def choice(self) -> tuple[str, str] | None:
        """The option that chooses it, with its value; None where a target has one engine."""
        return next(((name, values[0]) for name, values in self.chosen_by.items()), None)
