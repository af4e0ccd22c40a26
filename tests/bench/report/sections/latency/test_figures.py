"""Latency of subjects: which samples count, and what they say."""

import pytest

from mvmoe_bench.report.summary import summarize_run


def test_constant_times_have_exact_medians(factory):
    s = factory.subject("dispatcher")
    run = factory.run([s], lines=factory.constant(s.key, 8.0, repeats=6, rounds=20))

    found = summarize_run(run).subject(s.key).latency

    wall = found.wall_ms
    assert (wall.p50, wall.low, wall.high, wall.p99, wall.mad) == pytest.approx((8, 8, 8, 8, 0))
    assert (wall.n, wall.groups, wall.rough) == (120, 6, False)
    assert found.histogram_ms.counts == (120,)


def test_forced_coverage_samples_do_not_count(factory):
    s = factory.subject("dispatcher")
    lines = factory.constant(s.key, 8.0) + factory.constant(s.key, 99.0, forced=True)

    wall = summarize_run(factory.run([s], lines=lines)).subject(s.key).latency.wall_ms

    assert (wall.p50, wall.max) == pytest.approx((8, 8))


def test_all_samples_count_where_the_whole_input_was_forced(factory):
    s = factory.subject("dispatcher")
    run = factory.run([s], lines=factory.constant(s.key, 8.0, forced=True), inputs={"forced": True})

    assert summarize_run(run).subject(s.key).latency.wall_ms.n == 60


def test_cpu_time_needs_all_samples_to_have_it(factory):
    s = factory.subject("dispatcher")
    lines = factory.constant(s.key, 8.0, cpu_ns=5 * factory.MS)

    assert summarize_run(factory.run([s], lines=lines)).subject(s.key).latency.cpu_ms.p50 == 5
    lines += factory.constant(s.key, 8.0, cpu_ns=None)
    assert summarize_run(factory.run([s], lines=lines)).subject(s.key).latency.cpu_ms is None


def test_useful_speed_is_two_operations_a_multiply_accumulate(factory):
    s = factory.subject("dispatcher")
    bundle = factory.bundle(macs=200_000_000)
    lines = factory.constant(s.key, 10.0)
    flop = 2 * 512**3
    lines += [factory.yardstick(flop / 80e6, repeat) for repeat in range(6)]  # 80 GFLOP/s.

    found = summarize_run(factory.run([s], [bundle], lines)).subject(s.key)

    assert found.useful_gflops == pytest.approx(40)
    assert found.of_yardstick == pytest.approx(0.5, rel=1e-3)
