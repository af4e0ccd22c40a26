"""How the machine was, and how well subjects use it: every number in its column."""

import pytest

from mvmoe_bench.measure.jobs.latency import Opened, Overhead
from mvmoe_bench.measure.schema.records import Done

FLOP = 2 * 512**3


@pytest.fixture(scope="module")
def found(factory, shown):
    """80, 80, ... 100 GFLOP/s by repeat; 40 useful GFLOP/s; openings of 60 ms."""
    s = factory.subject("dispatcher")
    lines = factory.constant(s.key, 10.0, repeats=6, rounds=4)
    lines += [factory.yardstick(FLOP / (100e6 if i == 5 else 80e6), i) for i in range(6)]
    lines += [
        Opened(job="x", subject=s.key, repeat=i, actual=s.requested, open_ns=60_000_000)
        for i in range(6)
    ]
    lines += [Overhead(job="x", repeat=0, ns=180, n=9), Done(job="x", load_average=(1.5, 1, 1))]
    run = factory.run([s], [factory.bundle(macs=200_000_000)], lines)
    return shown(run, "machine")


def test_what_a_subject_achieves(found):
    assert found.rows() == [
        {"subject": "dispatcher", "useful GFLOP/s": "40.0",
         "useful GFLOP/s interval": "40.0 to 40.0", "of reference": "50%",
         "engine": "ONNX Runtime 1.31.1 (CPU)", "n": "24", "open ms": "60.0",
         "open ms interval": "60.0 to 60.0", "openings": "6"}
    ]  # fmt: skip


def test_speed_drift_load_and_overhead_are_said(found):
    assert "ran at 80" in found.lead
    assert "drifted by 25%" in found.lead
    assert "at the start 0.4, later at most 1.5" in found.lead
    assert "costs 180 ns a call" in found.lead


def test_the_plot_has_a_dot_for_each_repeat(found):
    (axes,) = found.axes()

    (line,) = axes.get_lines()
    assert line.get_ydata() == pytest.approx([80, 80, 80, 80, 80, 100], rel=1e-3)
    assert list(line.get_xdata()) == [1, 2, 3, 4, 5, 6]
