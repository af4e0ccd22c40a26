"""Starts and loads of fresh processes."""

import pytest

from mvmoe_bench.measure.jobs.start import GraphLoad
from mvmoe_bench.report.run_summary import summarize_run


def _found(factory, lines, name="dispatcher"):
    s = factory.subject(name)
    return summarize_run(factory.run([s], lines=lines)).sections["starts"]


def test_components_of_a_start(factory):
    lines = [factory.start("dispatcher:digits:onnx", repeat) for repeat in range(7)]

    found = _found(factory, lines).starts["dispatcher:digits:onnx"]

    assert found.n == 7
    assert found.ready_ms.value == pytest.approx(2 + 25 + 40 + 15)
    assert found.python_ms.value == pytest.approx(20 + 60 + 30)
    assert {part.name: part.ms.value for part in found.parts} == pytest.approx(
        {
            "process": 20, "engine_import": 60, "code_import": 30, "parse": 2, "hash": 25,
            "open": 40, "first": 15,
        }
    )  # fmt: skip
    assert found.first_load_ms.value == pytest.approx(6)


def test_a_start_is_held_against_that_of_the_static_graph_without_pythons_imports(factory):
    subjects = [factory.subject(name) for name in ("dispatcher", "static")]
    d, s = (subject.key for subject in subjects)
    lines = [factory.start(d, repeat, engine_import=9000) for repeat in range(7)]
    lines += [factory.start(s, i, parse=None, hash=None, open=26) for i in range(7)]

    found = summarize_run(factory.run(subjects, lines=lines)).sections["starts"].starts

    ratio = found[d].over_oracle
    assert (ratio.value, ratio.low, ratio.high) == pytest.approx((2, 2, 2))
    assert found[s].over_oracle is None


def test_a_slow_component_shows_up_and_absent_ones_do_not(factory):
    lines = [
        factory.start("static:digits:onnx", repeat, hash=None, parse=None, open=900)
        for repeat in range(6)
    ]

    found = _found(factory, lines, "static").starts["static:digits:onnx"]

    assert "hash" not in {part.name for part in found.parts}
    assert max(found.parts, key=lambda part: part.ms.value).name == "open"


def test_loads_are_given_graph_by_graph(factory):
    lines = [
        GraphLoad(
            job="load", subject="dispatcher:digits:onnx", repeat=repeat, graph=graph, stage=stage,
            route=route, load_ns=ms * factory.MS, first_ns=None, warm_ns=2 * factory.MS,
        )
        for repeat in range(3)
        for graph, stage, route, ms in (("step1_e0", 1, (0,), 3), ("stem", 0, None, 20))
    ]  # fmt: skip

    found = _found(factory, lines).loads["dispatcher:digits:onnx"]

    assert [(load.graph, load.n, load.load_ms.value) for load in found] == [
        ("stem", 3, 20),
        ("step1_e0", 3, 3),
    ]
    assert (found[0].first_ms, found[0].warm_ms.value, found[0].warm_ms.n) == (None, 2, 3)
