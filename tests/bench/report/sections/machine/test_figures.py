"""The machine's own speed, its drift and its load."""

import pytest

from mvmoe_bench.measure.schema.records import Conditions, Done
from mvmoe_bench.report.run_summary import summarize_run


def _summary(factory, lines, **fields):
    s = factory.subject("dispatcher")
    return summarize_run(factory.run([s], lines=factory.constant(s.key, 8.0) + lines, **fields))


def test_speed_is_operations_over_time(factory):
    lines = [factory.yardstick(2 * 512**3 / 50e6, repeat) for repeat in range(6)]

    found = _summary(factory, lines)

    assert found.sections["machine"].reference.gflops.value == pytest.approx(50, rel=1e-3)
    assert found.sections["machine"].reference.drift == pytest.approx(1)
    assert found.warnings == ()


def test_a_machine_that_changes_its_speed_is_warned_of(factory):
    lines = [factory.yardstick(5 if repeat < 5 else 7, repeat) for repeat in range(6)]

    found = _summary(factory, lines)

    assert found.sections["machine"].reference.drift == pytest.approx(1.4)
    assert "matrix product changed by 40%" in found.warnings[0]


@pytest.mark.parametrize(("start", "later"), [([3.5, 1, 1], 0.5), ([0.1, 0, 0], 3.5)])
def test_a_busy_machine_is_warned_of(factory, start, later):
    lines = [Done(job="latency 0", load_average=(later, 1.0, 1.0))]

    found = _summary(factory, lines, identity={"load_average": start})

    assert "reached 3.5 with 2 cores" in found.warnings[0]


def test_an_identity_that_says_little_is_no_error(factory):
    found = _summary(factory, [], identity={"load_average": None, "cores_logical": None})

    assert "machine" not in found.sections or found.sections["machine"].load_at_start is None


def test_useful_speed_is_two_operations_a_multiply_accumulate(factory):
    s = factory.subject("dispatcher")
    bundle = factory.bundle(macs=200_000_000)
    lines = factory.constant(s.key, 10.0)
    flop = 2 * 512**3
    lines += [factory.yardstick(flop / 80e6, repeat) for repeat in range(6)]  # 80 GFLOP/s.

    found = summarize_run(factory.run([s], [bundle], lines)).sections["machine"].uses[s.key]

    assert found.gflops.value == pytest.approx(40)
    assert found.of_reference == pytest.approx(0.5, rel=1e-3)


def _of_phone(factory, *found):
    lines = [Done(job=f"latency {n}", load_average=None, conditions=c) for n, c in enumerate(found)]
    return _summary(factory, lines).sections["machine"]


def test_a_phone_that_became_warm_or_saved_power_is_warned_of(factory):
    found = _of_phone(
        factory,
        Conditions(thermal_status="none", battery_level=80, low_power=False),
        Conditions(thermal_status="light", battery_level=75, low_power=True),
    )
    assert found.phone[-1].battery_level == 75
    warm, saving = found.warnings
    assert "light after 1 of 2 jobs" in warm and "low-power mode" in saving


def test_a_cool_phone_is_no_reason_for_a_warning(factory):
    assert _of_phone(factory, Conditions(thermal_status="none"), Conditions()).warnings == ()
