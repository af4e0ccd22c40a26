"""Latency of subjects: which samples count, and what they say."""

import pytest

from mvmoe_bench.report.run_summary import summarize_run


def test_constant_times_have_exact_medians(factory):
    s = factory.subject("dispatcher")
    run = factory.run([s], lines=factory.constant(s.key, 8.0, repeats=6, rounds=20))

    found = summarize_run(run).sections["latency"][s.key]

    wall = found.wall_ms
    assert (wall.value, wall.low, wall.high, wall.p99, wall.mad) == pytest.approx((8, 8, 8, 8, 0))
    assert (wall.n, wall.repeats, wall.rough) == (120, 6, False)
    assert found.histogram_ms.counts == (120,)


def test_forced_coverage_samples_do_not_count(factory):
    s = factory.subject("dispatcher")
    lines = factory.constant(s.key, 8.0) + factory.constant(s.key, 99.0, forced=True)

    wall = summarize_run(factory.run([s], lines=lines)).sections["latency"][s.key].wall_ms

    assert (wall.value, wall.max) == pytest.approx((8, 8))


def test_all_samples_count_where_the_whole_input_was_forced(factory):
    s = factory.subject("dispatcher")
    run = factory.run([s], lines=factory.constant(s.key, 8.0, forced=True), inputs={"forced": True})

    assert summarize_run(run).sections["latency"][s.key].wall_ms.n == 60


def test_cpu_time_needs_all_samples_to_have_it(factory):
    s = factory.subject("dispatcher")
    lines = factory.constant(s.key, 8.0, cpu_ns=5 * factory.MS)

    assert summarize_run(factory.run([s], lines=lines)).sections["latency"][s.key].cpu_ms.value == 5
    lines += factory.constant(s.key, 8.0, cpu_ns=None)
    assert summarize_run(factory.run([s], lines=lines)).sections["latency"][s.key].cpu_ms is None
