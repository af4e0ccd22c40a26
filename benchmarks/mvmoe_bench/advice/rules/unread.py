"""Not rules of engines: what is said where graphs could not be looked at."""

from collections.abc import Iterable, Mapping

from mvmoe_bench.advice.contract import Finding, TargetView
from mvmoe_bench.advice.readers import UnreadableGraph

_SOURCE = "mvmoe_bench.advice: it reads graphs with the packages of their formats"


class NotInstalled:
    """A format whose package is not installed."""

    name = "not-looked-at"
    reason = "Without the operators only what the export recorded can be judged."
    source = _SOURCE

    def check(self, target: TargetView) -> Iterable[Finding]:
        """Nothing: reading says it."""
        return ()

    def finding(self, message: str) -> tuple[Finding, ...]:
        """What is said for a MissingExtraError's `message`."""
        return (Finding("info", "", f"The operators of its graphs were not read: {message}"),)


class Unreadable:
    """A graph that is damaged, or not what its format makes it."""

    name = "unreadable"
    reason = "An engine reads the same file, and will refuse it too."
    source = _SOURCE

    def check(self, target: TargetView) -> Iterable[Finding]:
        """Nothing: reading says it."""
        return ()

    def findings(self, unread: Mapping[str, UnreadableGraph]) -> tuple[Finding, ...]:
        """What is said of each graph that could not be read."""
        return tuple(
            Finding("problem", "", f"The graph cannot be read: {problem.message}", graph)
            for graph, problem in unread.items()
        )


NOT_INSTALLED = NotInstalled()
UNREADABLE = Unreadable()
