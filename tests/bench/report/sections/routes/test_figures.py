"""Routes: expected latency by hand, coverage, and the slowest route."""

import numpy as np
import pytest

from mvmoe_bench.report.run_summary import summarize_run


def _samples(factory, key, times, *, repeats=6, forced=(), rounds=4):
    """Constant times of each route of one stage."""
    lines = []
    for repeat in range(repeats):
        for expert, ms in times.items():
            for number in range(rounds):
                lines.append(
                    factory.sample(
                        key,
                        ms,
                        repeat,
                        number + rounds * expert,
                        routes=((expert,),),
                        laps=factory.laps(expert=ms - 5.2),
                        forced=expert in forced,
                    )
                )
    return lines


def _routes(factory, lines, **bundle):
    s = factory.subject("dispatcher")
    inputs = {"distribution": bundle.pop("distribution", None)}
    run = factory.run([s], [factory.bundle(**bundle)], lines, inputs=inputs)
    return summarize_run(run).sections["routes"][KEY]


KEY = "dispatcher:digits:onnx"


def test_expected_latency_is_the_weighted_sum(factory):
    prior = (factory.prior({(0,): 0.5, (1,): 0.3, (2,): 0.2}),)
    given = {"digits": (factory.prior({(0,): 0.1, (2,): 0.9}),)}

    lines = _samples(factory, KEY, {0: 8.0, 1: 10.0, 2: 20.0})
    found = _routes(factory, lines, usage_prior=prior, distribution=given)

    expected = {each.under: each for each in found.expected}
    assert expected["usage prior"].ms.value == pytest.approx(0.5 * 8 + 0.3 * 10 + 0.2 * 20)
    assert expected["given distribution"].ms.value == pytest.approx(0.1 * 8 + 0.9 * 20)
    assert expected["observed usage"].ms.value == pytest.approx((8 + 10 + 20) / 3)
    assert expected["usage prior"].coverage == pytest.approx((1,))
    assert expected["usage prior"].ms.low == pytest.approx(11)


def test_answers_of_routes_that_nothing_takes_are_not_counted(factory):
    lines = _samples(factory, KEY, {0: 8.0, 1: 10.0}, forced=(1,))

    (expected,) = _routes(factory, lines).expected

    assert expected.under == "observed usage"
    assert (expected.ms.value, expected.ms.n) == (8.0, 6 * 4)


def test_routes_that_were_not_measured_are_left_out_and_said(factory):
    prior = (factory.prior({(0,): 0.6, (1,): 0.2, (3,): 0.2}),)

    found = _routes(factory, _samples(factory, KEY, {0: 8.0, 1: 12.0}), usage_prior=prior)

    expected = found.expected[0]
    assert expected.coverage == pytest.approx((0.8,))
    assert expected.ms.value == pytest.approx((0.6 * 8 + 0.2 * 12) / 0.8)
    assert found.unmeasured == 1


def test_forced_samples_count_for_their_route_but_not_for_usage(factory):
    lines = _samples(factory, KEY, {0: 8.0, 1: 12.0}, forced=(1,))

    found = _routes(factory, lines)

    rows = {row.route: row for row in found.rows}
    assert rows[(1,)].total_ms.value == pytest.approx(12)
    assert (rows[(0,)].observed, rows[(1,)].observed) == (1, 0)


def test_several_stages_add_up(factory):
    s = factory.subject("dispatcher")
    lines = []
    for repeat in range(6):
        for number in range(8):
            first, second = number % 2, number // 2 % 2
            laps = factory.laps(
                stem=5.0, select=0.0, load=0.0, rest=1.0, stages=2,
                expert=(1.0 + first, 3.0 + 4 * second),
            )  # fmt: skip
            routes = ((first,), (second,))
            lines.append(factory.sample(s.key, 9.0, repeat, number, routes=routes, laps=laps))
    stage = factory.prior({(0,): 0.75, (1,): 0.25})

    run = factory.run([s], [factory.bundle(stages=2, usage_prior=(stage, stage))], lines)
    found = summarize_run(run).sections["routes"][KEY]

    by_hand = 6 + (0.75 * 1 + 0.25 * 2) + (0.75 * 3 + 0.25 * 7)
    assert found.expected[0].ms.value == pytest.approx(by_hand)
    assert [worst.route for worst in found.worst] == [(1,), (1,)]
    assert [worst.ms.value for worst in found.worst] == pytest.approx([2, 7])


def test_the_slowest_route_is_found_and_told_apart(factory):
    found = _routes(factory, _samples(factory, KEY, {0: 8.0, 1: 8.0, 2: 9.0}))

    (worst,) = found.worst
    assert (worst.route, worst.told_apart) == ((2,), True)
    assert worst.over_others.value == pytest.approx(9 / 8)


def test_equal_routes_are_not_told_apart(factory):
    rng = np.random.default_rng(3)
    lines = []
    for repeat in range(9):
        for number in range(32):
            laps = factory.laps()
            ms = rng.normal(8, 0.3)
            route = ((number % 8,),)
            lines.append(factory.sample(KEY, ms, repeat, number, routes=route, laps=laps))

    found = _routes(factory, lines, experts=8)

    assert not found.worst[0].told_apart


def test_a_route_that_one_repeat_took_is_no_verdict(factory):
    lines = _samples(factory, KEY, {0: 8.0, 1: 8.1})
    lines.append(factory.sample(KEY, 50, 0, 90, routes=((2,),), laps=factory.laps()))

    (worst,) = _routes(factory, lines).worst

    assert (worst.route, worst.left_out) == ((1,), 1)


def test_a_single_repeat_gives_values_without_false_certainty(factory):
    found = _routes(factory, _samples(factory, KEY, {0: 8.0, 1: 9.0}, repeats=1))

    assert found.expected[0].ms.low is None
    assert found.expected[0].ms.rough
    assert not found.worst[0].told_apart
