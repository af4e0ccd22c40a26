"""The residency curve and what a switch costs."""

import pytest

from mvmoe_bench.report.run_summary import summarize_run

KEY = "dispatcher:digits:onnx"


def _budget(factory, lines):
    run = factory.run([factory.subject("dispatcher")], lines=lines)
    return summarize_run(run).sections["residency"][KEY]


def _sequence(factory, repeat, budget=2):
    """Ten answers: two cold, three warm switches, five that change nothing."""
    lines = []
    for number in range(10):
        cold, switched = number < 2, number < 5
        ms = 12.0 if cold else 8.5 if switched else 8.0
        fields = {"cold": (cold,), "switched": (switched,)}
        lines.append(factory.stream(KEY, budget, number, ms, repeat, **fields))
    return lines


def test_switch_costs_are_differences_of_medians(factory):
    lines = [line for repeat in range(6) for line in _sequence(factory, repeat)]

    (point,) = _budget(factory, lines).budgets

    assert (point.experts, point.n) == (2, 60)
    assert (point.cold_share, point.switched_share) == pytest.approx((0.2, 0.5))
    assert (point.cold.ms.value, point.warm.ms.value) == pytest.approx((4, 0.5))
    assert (point.cold.ms.low, point.cold.ms.high) == pytest.approx((4, 4))
    assert (point.cold.n, point.warm.n, point.cold.against) == (12, 18, 30)


def test_no_budget_is_room_for_all_and_comes_last(factory):
    lines = [line for budget in (None, 12, 2) for line in _sequence(factory, 0, budget)]

    budgets = _budget(factory, lines).budgets

    assert [point.experts for point in budgets] == [2, 12, None]
    assert [point.room for point in budgets] == [2, 12, "all"]


def test_without_switches_there_is_no_cost_but_an_n(factory):
    lines = [factory.stream(KEY, 4, number, 8.0) for number in range(5)]

    (point,) = _budget(factory, lines).budgets

    assert point.cold.ms is point.warm.ms is None
    assert (point.cold.n, point.cold.against) == (0, 5)


def test_budgets_are_in_order_with_what_they_held(factory):
    from mvmoe_bench.measure.jobs.memory import Memory

    lines = _sequence(factory, 0, 4) + _sequence(factory, 0, 1)
    little = factory.held(1)
    lines += [
        Memory(
            job="r", subject=KEY, repeat=0, budget=1, memory_of="own", base=little,
            loaded=factory.held(size), peak_rss=None, released=little,
        )
        for size in (10, 30, 20)
    ]  # fmt: skip

    found = _budget(factory, lines)

    assert [point.experts for point in found.budgets] == [1, 4]
    assert found.budgets[0].held_bytes.value == 20
    assert found.budgets[1].held_bytes is None
    assert found.length == 10
