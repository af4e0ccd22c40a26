"""The order of a run's jobs, and what is said of them meanwhile; nothing is measured here."""

from collections import Counter
from types import SimpleNamespace

from mvmoe_bench.measure.planning.bench_presets import PRESETS
from mvmoe_bench.measure.planning.bench_run import WHOLE_RUN, BenchRun, RunContext
from mvmoe_bench.measure.schema.records import Done


def test_progress_hears_of_every_job_that_is_done():
    said, lines = [], []
    context = RunContext(
        device=SimpleNamespace(
            load_average=lambda: None, conditions=lambda: None, is_this_machine=lambda: True
        ),
        subjects=(),
        preset=PRESETS["quick"],
        inputs=None,
        images=None,
        queries={},
        models=SimpleNamespace(right_answers=lambda: ()),
        pictures=(),
    )

    BenchRun(context, SimpleNamespace(write=lines.append), ()).run(lambda *news: said.append(news))

    totals = {phase: total for phase, _, total in said}
    assert Counter(phase for phase, item, _ in said if item is not None) == totals
    assert list(totals) == ["answers and graphs to compare with", "measure"]
    jobs = [item for phase, item, _ in said if phase == "measure" and item is not None]
    each = [f"{name}:{repeat}" for repeat in range(6) for name in ("latency", "change")]
    assert jobs == ["placement", *each]
    assert [line.job for line in lines if isinstance(line, Done)][-1] == WHOLE_RUN
