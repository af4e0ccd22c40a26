"""Advice `graphs-counted`: how many graphs a target has."""

from collections.abc import Iterable

from mvmoe_bench.advice import Finding, TargetView


class GraphsCounted:
    """The number of graphs."""

    name = "graphs-counted"
    reason = "Every graph is loaded by itself."
    source = "https://example.org/graphs"

    def check(self, target: TargetView) -> Iterable[Finding]:
        """One finding a target."""
        yield Finding("info", "none", f"It has {len(target.graphs)} graphs")


PART = GraphsCounted()
