"""Verdicts: what is slower is called slower, and the machine's own change is not."""

import dataclasses

import msgspec
import numpy as np
import pytest

from mvmoe_bench.report.compare import compare_runs

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
    return {row.name.split(":")[0]: row.verdict for row in comparison.rows.get(kind, ())}


def test_a_slowed_subject_is_slower_and_the_other_is_not_told_apart(factory):
    found = compare_runs(_run(factory, (8, 7)), _run(factory, (8.4, 7), seed=1))

    assert _verdicts(found) == {"dispatcher": "slower", "static": "not told apart"}
    row = found.rows["latency"][0]
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
    assert found.machine.value == pytest.approx(1.1, rel=0.01)
    assert set(_verdicts(found).values()) == {"not told apart"}


def test_a_faster_machine_explains_faster_subjects(factory):
    found = compare_runs(_run(factory, (8, 7)), _run(factory, (7.2, 6.3), machine=4.5, seed=1))

    row = found.rows["latency"][0]
    assert row.ratio.high < 1
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


def _memory_run(factory, total, repeats, noise=1e5, seed=0, **fields):
    rng = np.random.default_rng(seed)
    s = factory.subject("dispatcher")
    lines = [
        factory.memory(s.key, None, i, added=total - 60e6 + rng.normal(0, noise))
        for i in range(repeats)
    ]
    return factory.run([s], lines=[*lines, *fields.pop("lines", [])], **fields)


def _shortened(run, repeats):
    """The first repeats of a run."""
    lines = tuple(line for line in run.lines if getattr(line, "repeat", 0) < repeats)
    return dataclasses.replace(run, lines=lines)


@pytest.mark.parametrize("repeats", [1, 2, 5])
def test_there_is_no_verdict_below_six_repeats(factory, repeats):
    one, two = _run(factory, (8, 7)), _run(factory, (16, 3.5), seed=1)

    found = compare_runs(_shortened(one, repeats), two)
    memory = compare_runs(
        _memory_run(factory, 90e6, repeats), _memory_run(factory, 60.5e6, 9, seed=1)
    )

    assert set(_verdicts(found).values()) == {"too few repeats"}
    assert set(_verdicts(memory, "memory").values()) == {"too few repeats"}
    noun = "one repeat" if repeats == 1 else f"{repeats} repeats"
    assert found.rows["latency"][0].why == f"{noun}, and a verdict needs six"
    assert noun in found.headline[0]
    assert "faster" not in found.headline[0] and "slower" not in found.headline[0]


def test_six_repeats_are_enough(factory):
    one, two = _run(factory, (8, 7)), _run(factory, (16, 3.5), seed=1)

    found = compare_runs(_shortened(one, 6), two)

    assert _verdicts(found) == {"dispatcher": "slower", "static": "faster"}
    assert {row.why for row in found.rows["latency"]} == {""}


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"threads": 2}, "different threads"),
        ({"inputs": {"sha256": "cd" * 32}}, "different images"),
        ({"inputs": {"forced": True}}, "different forced routes"),
    ],
)
def test_runs_that_were_asked_different_things_have_ratios_and_no_verdict(factory, fields, why):
    found = compare_runs(_run(factory, (8, 7)), _run(factory, (16, 3.5), seed=1, **fields))

    assert set(_verdicts(found).values()) == {"not comparable"}
    assert {row.why for row in found.rows["latency"]} == {why}
    assert found.rows["latency"][0].ratio.value == pytest.approx(2, rel=0.01)
    assert why in found.headline[0]


def test_a_subject_on_other_threads_is_not_faster(factory):
    sides = []
    for threads in (1, 2):
        s = factory.subject("dispatcher", threads=threads)
        sides.append(factory.run([s], lines=factory.constant(s.key, 8.0 / threads)))

    assert _verdicts(compare_runs(*sides)) == {"dispatcher": "not comparable"}


def test_memory_that_differs_by_what_processes_differ_is_not_told_apart(factory):
    one = _memory_run(factory, 90e6, 9, noise=1e3)

    near = compare_runs(one, _memory_run(factory, 90.7e6, 9, noise=1e3, seed=1))
    far = compare_runs(one, _memory_run(factory, 92e6, 9, noise=1e3, seed=1))

    assert near.rows["memory"][0].ratio.low > 1
    assert _verdicts(near, "memory") == {"dispatcher": "not told apart"}
    assert _verdicts(far, "memory") == {"dispatcher": "larger"}


def test_memory_of_different_kinds_or_rooms_is_not_compared(factory):
    one = _memory_run(factory, 90e6, 9)
    kind = dataclasses.replace(
        one, lines=tuple(msgspec.structs.replace(x, memory_of="RSS") for x in one.lines)
    )
    room = dataclasses.replace(
        one, lines=tuple(msgspec.structs.replace(x, budget=1) for x in one.lines)
    )

    (row,) = compare_runs(one, kind).rows["memory"]
    assert (row.verdict, row.why) == ("not comparable", "different kinds of memory")
    (row,) = compare_runs(one, room).rows["memory"]
    assert (row.verdict, row.why) == ("not comparable", "different room for experts")


def test_pythons_imports_are_no_part_of_a_start(factory):
    def run(imports):
        s = factory.subject("dispatcher")
        lines = [factory.start(s.key, i, engine_import=imports) for i in range(7)]
        return factory.run([s], lines=lines)

    (row,) = compare_runs(run(10), run(10_000)).rows["start"]

    assert (row.a.value, row.b.value, row.verdict) == (82, 82, "not told apart")


def test_a_machine_that_is_not_known_is_not_the_same(factory):
    one, two = (_run(factory, (8, 7), identity={"cpu": None}) for _ in range(2))

    assert not compare_runs(one, two).same_machine


def test_repeats_that_are_zero_are_not_called_too_few(factory):
    def run(sizes):
        s = factory.subject("dispatcher")
        lines = [factory.memory(s.key, None, i, base=0, added=x) for i, x in enumerate(sizes)]
        return factory.run([s], lines=lines)

    found = compare_runs(run([0, 0, 0, 0, 5e6, 5e6, 5e6, 5e6, 5e6]), run([5e6] * 9))

    (row,) = found.rows["memory"]
    assert (row.verdict, row.ratio.low) == ("not told apart", None)
    assert row.why == "9 repeats of which some are zero, so there is no interval"


def test_the_tail_has_a_verdict_of_its_own(factory):
    """One answer in five takes twice as long in the second run: its median is as it was."""
    s = factory.subject("dispatcher")
    lines = [
        factory.sample(s.key, 8.0 * factor, repeat, number)
        for repeat in range(6)
        for number in range(20)
        for factor in [2.0 if number % 5 == 0 else 1.0]
    ]
    machine = [factory.yardstick(5.0, repeat) for repeat in range(6)]
    first = factory.run([s], lines=[*factory.constant(s.key, 8.0, rounds=20), *machine])

    found = compare_runs(first, factory.run([s], lines=[*lines, *machine]))

    assert _verdicts(found) == {"dispatcher": "not told apart"}
    assert _verdicts(found, "latency-p90") == {"dispatcher": "slower"}
    assert found.rows["latency-p90"][0].ratio.value == pytest.approx(2)


def test_a_tail_of_fewer_than_ten_answers_is_none(factory):
    s = factory.subject("dispatcher")
    few = factory.run([s], lines=factory.constant(s.key, 8.0, rounds=9))

    assert "latency-p90" not in compare_runs(few, few).rows
