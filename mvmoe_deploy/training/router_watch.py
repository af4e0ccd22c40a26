"""Whether the routers of a phase collapse while it is trained: a line for each that does, once."""

from collections.abc import Iterable, Sequence
from typing import Any

from mvmoe_deploy.router_health import RouteCounts, StageHealth, judge
from mvmoe_deploy.router_health.route_counts import counted
from mvmoe_deploy.routing import Rule
from mvmoe_deploy.training.evaluation import Tally

_WARNED = ("collapsed", "unused-experts")
"""The verdicts that a person should know of before the phase is over, the worst first."""

_MOST_STAGES = 8
"""Stages in a line."""


def judged_routers(tally: Tally, rules: Sequence[Rule]) -> list[StageHealth]:
    """What the routers of a model did with the images that were counted, for each stage."""
    return [
        judge(
            RouteCounts(
                stage=stage,
                experts=rule.experts,
                rule=rule.describe(),
                routes=counted(routes),
                images=tally.images,
                possible=rule.count(),
            )
        )
        for stage, (rule, routes) in enumerate(zip(rules, tally.routes, strict=True), start=1)
    ]


class RouterWatch:
    """Remembers what was said of the routers of one phase."""

    def __init__(self, phase: str, remedy: str) -> None:
        self._phase, self._remedy = phase, remedy
        self._said: dict[int, int] = {}
        """Of each stage the place in `_WARNED` of the worst verdict that was said."""

    def know(self, records: Iterable[dict[str, Any]]) -> None:
        """What was said before the run was resumed, by the lines of `metrics.jsonl`."""
        for record in records:
            if record["phase"] == self._phase:
                for stage, verdict in enumerate(record.get("routers") or (), start=1):
                    self._is_news(stage, verdict)

    def lines(self, epoch: int, stages: Sequence[StageHealth]) -> list[str]:
        """What to say after an epoch: one line for each verdict that is worse than what was said
        of a stage before.
        """
        news = [stage for stage in stages if self._is_news(stage.stage, stage.verdict)]
        alike = [[stage for stage in news if stage.verdict == verdict] for verdict in _WARNED]
        return [self._line(epoch, stages) for stages in alike if stages]

    def _is_news(self, stage: int, verdict: str | None) -> bool:
        """Whether a verdict is worse than what was said of a stage; it counts as said now."""
        if verdict not in _WARNED or _WARNED.index(verdict) >= self._said.get(stage, len(_WARNED)):
            return False
        self._said[stage] = _WARNED.index(verdict)
        return True

    def _line(self, epoch: int, stages: Sequence[StageHealth]) -> str:
        """The first of the stages in full, the others by their numbers."""
        first, *others = stages
        finding = first.findings[0]
        open_questions = "".join(f" ({each.sentence})" for each in first.open_questions)
        numbers = [str(stage.stage) for stage in others[:_MOST_STAGES]]
        more = f" and {len(others) - _MOST_STAGES} more" if len(others) > _MOST_STAGES else ""
        alike = f"; so are those of stages {', '.join(numbers)}{more}" if others else ""
        return (
            f"epoch {epoch} of {self._phase}, held-out images: the router of stage {first.stage} "
            f"is {_WORDS[finding.verdict]}: {finding.sentence}{open_questions}{alike}; "
            f"{self._remedy}"
        )


_WORDS = {"collapsed": "collapsed", "unused-experts": "leaving experts unused"}
"""Verdicts in a sentence."""
