"""What the Kotlin dispatcher adds to its graphs, in a short run, and how it is counted."""

from pathlib import Path

import kotlin_runner
import pytest

from mvmoe_bench.measure.jobs.latency import Sample
from mvmoe_deploy.errors import EngineError
from own_standing import kotlin_host_time
from own_standing.kotlin_host_time import measure

BUNDLES = Path(__file__).parents[1] / "conformance/answers/bundles"

needs_runner = pytest.mark.skipif(
    bool(kotlin_runner.LACKS), reason=f"this machine lacks {kotlin_runner.LACKS}"
)


@needs_runner
def test_both_are_asked_in_every_round():
    kotlin_runner.build()
    found = measure(BUNDLES / "dispatch", "onnx", processes=2, seconds=0.01)
    assert len(found.each) == 2
    assert found.rounds >= 16
    assert found.bare > 0


@needs_runner
def test_a_subject_that_fails_is_no_measurement():
    kotlin_runner.build()
    with pytest.raises(EngineError, match="dispatcher"):
        measure(BUNDLES / "dispatch", "other", processes=1, seconds=0.01)


def test_the_difference_is_of_one_round():
    rounds = {"dispatcher": (30_000, 90_000, 25_000), "bare": (20_000, 70_000, 20_000)}
    samples = [
        Sample(
            job="latency", subject=kind, repeat=0, round=number, position=0, image=0, routes=None,
            forced=False, ns=ns, cpu_ns=None,
        )
        for kind, times in rounds.items()
        for number, ns in enumerate(times)
    ]  # fmt: skip
    found = kotlin_host_time._above(samples)
    assert found.each == (10.0,)
    assert (found.rounds, found.bare) == (3, 20.0)
