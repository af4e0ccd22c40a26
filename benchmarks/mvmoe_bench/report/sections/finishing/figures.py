"""What images cost by the stage at which they are finished."""

from mvmoe_bench.measure.jobs.latency import Sample
from mvmoe_bench.report.index import Index
from mvmoe_bench.report.statistics import MS, Distribution, Figure


class LastStage(Figure, frozen=True):
    """Images that ran one stage last."""

    stage: int
    """0 for the stem, else the number of the routed stage."""
    share: float
    """Of the answers that count for latency."""
    total_ms: Distribution
    """The whole answer, from input to outputs."""


def finishing(index: Index) -> dict[str, tuple[LastStage, ...]] | None:
    """By subject the stages at which its images end, where that is not always the same one."""
    found = {subject.key: _stages(index, subject.key) for subject in index.run.subjects}
    return {key: stages for key, stages in found.items() if len(stages) > 1} or None


def _stages(index: Index, subject: str) -> tuple[LastStage, ...]:
    """The stages that images of a subject run last, in ascending order."""
    samples = [s for s in index.natural(subject) if s.routes and s.laps is not None]
    by_stage: dict[int, list[Sample]] = {}
    for sample in samples:
        by_stage.setdefault(last_stage(sample), []).append(sample)
    return tuple(
        LastStage(
            stage=stage,
            share=len(some) / len(samples),
            total_ms=index.distribution(some, lambda sample: sample.ns * MS),
        )
        for stage, some in sorted(by_stage.items())
    )


def last_stage(sample: Sample) -> int:
    """The routed stage that ran last, from 1; 0 if none did. A graph that ran has taken time."""
    spent = sample.laps.expert if sample.laps is not None else ()
    return max((stage for stage, ns in enumerate(spent, start=1) if ns), default=0)
