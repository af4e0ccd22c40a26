"""Advice `graphs-counted`: how many graphs a target has, and which operators they have."""

from collections import Counter
from collections.abc import Iterable

from mvmoe_bench.advice import Finding, TargetView


class GraphsCounted:
    """The number of graphs, and of the operators of each type."""

    name = "graphs-counted"
    reason = "Every graph is loaded by itself."
    source = "https://example.org/graphs"

    def check(self, target: TargetView) -> Iterable[Finding]:
        """One finding a target."""
        operators = Counter(op.type for graph in target.graphs for op in graph.ops or ())
        listed = ", ".join(f"{count} {name}" for name, count in sorted(operators.items()))
        yield Finding("info", "none", f"It has {len(target.graphs)} graphs ({listed})")


PART = GraphsCounted()
