"""Verdicts: what is slower is called slower, and the machine's own change is not."""

import numpy as np
import pytest

from mvmoe_bench.figures import compare_runs

KEYS = ("dispatcher", "static")


def _run(factory, ms, machine=5.0, seed=0, **fields):
    """Two subjects on a machine whose yardstick takes `machine` ms, with a little noise."""
    rng = np.random.default_rng(seed)
    subjects = [factory.subject(name) for name in KEYS]
    lines = []
    for repeat in range(9):
        luck = rng.normal(1, 0.004)
        for number in range(20):
            for s, its in zip(subjects, ms, strict=True):
                time = its * luck * rng.normal(1, 0.002)
                lines.append(factory.sample(s.key, time, repeat, number))
        lines.append(factory.yardstick(machine * luck * rng.normal(1, 0.002), repeat))
    return factory.run(subjects, lines=lines, **fields)


def _verdicts(comparison, kind="latency"):
    return {row.name.split(":")[0]: row.verdict for row in comparison.rows if row.kind == kind}


def test_a_slowed_subject_is_slower_and_the_other_is_not_told_apart(factory):
    found = compare_runs(_run(factory, (8, 7)), _run(factory, (8.4, 7), seed=1))

    assert _verdicts(found) == {"dispatcher": "slower", "static": "not told apart"}
    row = found.rows[0]
    assert row.ratio.low < 1.05 < row.ratio.high
    assert "slower for 1" in found.headline[0]


def test_a_faster_subject_is_faster(factory):
    found = compare_runs(_run(factory, (8, 7)), _run(factory, (7.4, 7), seed=1))

    assert _verdicts(found)["dispatcher"] == "faster"


def test_a_slower_machine_explains_slower_subjects(factory):
    first = _run(factory, (8, 7))
    second = _run(factory, (8.8, 7.7), machine=5.5, seed=1)

    found = compare_runs(first, second)

    assert found.same_machine
    assert found.yardstick.value == pytest.approx(1.1, rel=0.01)
    assert set(_verdicts(found).values()) == {"not told apart"}


def test_what_goes_beyond_the_machine_is_told(factory):
    found = compare_runs(_run(factory, (8, 7)), _run(factory, (9.6, 7.7), 5.5, seed=1))

    assert _verdicts(found) == {"dispatcher": "slower", "static": "not told apart"}


def test_other_machines_are_compared_plainly(factory):
    phone = _run(factory, (9.6, 7.7), 5.5, seed=1, identity={"cpu": "Apple M4"})

    found = compare_runs(_run(factory, (8, 7)), phone)

    assert not found.same_machine
    assert _verdicts(found) == {"dispatcher": "slower", "static": "slower"}
    assert any("different machines" in sentence for sentence in found.headline)
    assert "CPU model" in [item.name for item in found.differences]


def test_a_run_against_itself_is_the_same(factory):
    run = _run(factory, (8, 7))

    found = compare_runs(run, run)

    assert set(_verdicts(found).values()) == {"not told apart"}
    assert found.differences == ()


def test_subjects_without_partner_say_so(factory):
    one = _run(factory, (8, 7))
    s = factory.subject("gather")
    two = factory.run([s], lines=factory.constant(s.key, 9.0))

    verdicts = _verdicts(compare_runs(one, two))

    assert verdicts == {"dispatcher": "only in A", "static": "only in A", "gather": "only in B"}


def test_bytes_are_exact(factory):
    s = factory.subject("dispatcher")
    bundles = [
        factory.bundle(targets={"onnx": factory.target(expert=size)}) for size in (10**6, 10**6 + 1)
    ]
    small, large = (factory.run([s], [bundle]) for bundle in bundles)

    assert _verdicts(compare_runs(small, large), "size") == {"digits, onnx": "larger"}
    assert _verdicts(compare_runs(large, small), "size") == {"digits, onnx": "smaller"}
    assert _verdicts(compare_runs(large, large), "size") == {"digits, onnx": "same"}


def test_memory_and_starts_have_rows(factory):
    def run(added, first):
        s = factory.subject("dispatcher")
        rng = np.random.default_rng(int(added))
        lines = [factory.memory(s.key, None, i, added=added + rng.normal(0, 1e4)) for i in range(7)]
        lines += [factory.memory(s.key, 1, i, added=1e6) for i in range(7)]
        lines += [factory.start(s.key, i, first=first + rng.normal(0, 1)) for i in range(7)]
        return factory.run([s], lines=lines)

    found = compare_runs(run(30e6, 50), run(40e6, 200))

    assert _verdicts(found, "memory") == {"dispatcher": "larger"}
    assert _verdicts(found, "start") == {"dispatcher": "slower"}


def test_weighty_differences_are_said(factory):
    one, two = _run(factory, (8, 7)), _run(factory, (8, 7), seed=1, inputs={"images": 99})

    found = compare_runs(one, two)

    assert [item.name for item in found.differences if item.weighty] == ["images"]
    assert any("images" in sentence and "Beware" in sentence for sentence in found.headline)
