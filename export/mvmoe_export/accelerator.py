"""What is publicly known of an accelerator below an engine, each fact with its reason and sources.

The advisor compares graphs with these facts; where one is None, it takes all graphs for harmless.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from mvmoe_export.sources import Citation

Value = TypeVar("Value")


@dataclass(frozen=True)
class Fact(Generic[Value]):
    """One thing that is known."""

    value: Value
    reason: str
    """Why it matters for the graphs, in a sentence or two."""
    sources: tuple[Citation, ...]


@dataclass(frozen=True)
class Windows:
    """Which convolutions an accelerator takes, by the width of their windows."""

    widest: int
    widest_on_old: int
    old: str
    """The chips that take no more than that."""
    new: str
    """The first chip that takes `widest`."""


@dataclass(frozen=True)
class CallCost:
    """What a call costs, and how fast it computes, against a CPU of the same machine."""

    call_ms: float
    """A call with nothing to compute."""
    gflops: float
    cpu_gflops: float


@dataclass(frozen=True)
class Accelerator:
    """A unit that computes graphs, or leaves parts of them to others."""

    title: str
    """As people call it."""
    dtype: Fact[str] | None = None
    """The type that it computes in, as NumPy calls it."""
    no_arithmetic: Fact[frozenset[str]] | None = None
    """The types that it does not compute."""
    leaves: Fact[Mapping[str, tuple[Citation, ...]]] | None = None
    """Operators that run elsewhere, as the format calls them, with sources of their own."""
    dynamic_leaves: Fact[frozenset[str]] | None = None
    """Operators that run elsewhere where their weights are no constants."""
    inexact: Fact[frozenset[str]] | None = None
    """Operators that were seen to answer wrongly there."""
    axes: Fact[int] | None = None
    """The number of axes that it is laid out for."""
    row: Fact[int] | None = None
    """To how many elements the last axis is padded."""
    windows: Fact[Windows] | None = None
    call: Fact[CallCost] | None = None
    first_load: Fact[str] | None = None
    """It compiles a graph when that is loaded first: until when that is kept."""
    layout: Fact[str] | None = None
    """How its maker lays tokens out."""
