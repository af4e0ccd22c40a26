"""What dispatchers of other languages add to their graphs, in short runs, and how it is counted."""

from pathlib import Path

import kotlin_runner
import pytest
import swift_runner
from expected_errors import raises

from mvmoe_bench.measure.jobs.change import ChangeSample
from mvmoe_bench.measure.jobs.latency import Sample
from mvmoe_bench.measure.schema.records import Laps
from mvmoe_deploy.errors import EngineError
from own_standing import runner_timing
from own_standing.runner_timing import measure_changes, measure_host_time

BUNDLES = Path(__file__).parents[1] / "conformance/answers/bundles"


def language(device, runner):
    skip = pytest.mark.skipif(bool(runner.LACKS), reason=f"this machine lacks {runner.LACKS}")
    return pytest.param(device, runner, marks=skip, id=device)


in_each_language = pytest.mark.parametrize(
    ("device", "runner"), [language("jvm", kotlin_runner), language("swift", swift_runner)]
)


@in_each_language
def test_both_are_asked_in_every_round(device, runner):
    runner.build()
    found = measure_host_time(device, BUNDLES / "dispatch", "onnx", processes=2, seconds=0.01)
    assert len(found.above.each) == 2
    assert found.above.count >= 16
    assert found.bare > 0


@in_each_language
def test_a_subject_that_fails_is_no_measurement(device, runner):
    runner.build()
    with raises(EngineError, "engine.failed", name="dispatcher", found="bundle.no-target"):
        measure_host_time(device, BUNDLES / "dispatch", "other", processes=1, seconds=0.01)


@in_each_language
def test_each_route_has_one_first_use_in_a_process(device, runner):
    runner.build()
    found = measure_changes(device, BUNDLES / "bind", "onnx", processes=2, count=20, budget=None)
    # All but the one that every process begins with.
    routes = len(runner_timing.changes(*manifest_and_target("bind"), 8))
    assert found.first.added.count == 2 * (routes - 1)
    assert found.known.added.count == 2 * 20 + 2
    assert all(us > 0 for us in found.first.binding.each)


def manifest_and_target(name):
    bundle = runner_timing.Bundle.open(BUNDLES / name)
    return bundle.manifest, bundle.target("onnx")


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
    found = runner_timing._above(samples)
    assert found.above.each == (10.0,)
    assert (found.above.count, found.bare) == (3, 20.0)


def test_a_change_is_what_it_adds_and_binding_a_part_of_that():
    def laps(load, rest):
        return Laps(stem=1000, select=(100,), load=(load,), expert=(2000,), rest=rest)

    lines = [
        ChangeSample(
            job="change", subject="dispatcher", repeat=repeat, budget=None, round=0, image=0,
            before=((0,),), routes=((1,),), first=True, dropped=False, same=laps(10, 5),
            changed=laps(10 + more, 105),
        )
        for repeat, more in ((0, 1000), (0, 3000), (1, 5000))
    ]  # fmt: skip
    found = runner_timing._change(lines)
    assert found.binding.each == (2.0, 5.0)
    assert found.added.each == (2.1, 5.1)
    assert found.added.count == 3
