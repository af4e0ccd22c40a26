"""Interleaving, rotation, openings and what is timed, with a clock that the subjects move."""

import gc
import weakref
from collections import Counter

import pytest

from mvmoe_bench.measure.protocol import (
    Instant,
    Plan,
    by_subject,
    harness_overhead,
    measure,
    rotated,
)
from mvmoe_bench.report.statistics import paired_ratio


class FakeClock:
    """Time that passes only when somebody says so."""

    def __init__(self, tick=0):
        self.wall = self.cpu = 0
        self.tick = tick

    def __call__(self):
        self.wall += self.tick
        return Instant(self.wall, self.cpu)

    def spend(self, wall, cpu=None):
        self.wall += wall
        self.cpu += wall if cpu is None else cpu


def openers(clock, calls, **costs):
    """Subjects that note their calls and take the time they cost."""

    def opener(name, cost):
        def subject(image):
            calls.append((name, image))
            clock.spend(cost)

        return lambda: subject

    return {name: opener(name, cost) for name, cost in costs.items()}


def test_every_subject_stands_equally_often_at_each_place():
    orders = [rotated("abc", number) for number in range(-3, 3)]

    assert orders[3] == ["a", "b", "c"]
    assert orders[4] == ["b", "c", "a"]
    for place in range(3):
        assert Counter(order[place] for order in orders) == {"a": 2, "b": 2, "c": 2}


def test_subjects_take_turns_of_a_settling_and_a_timed_call():
    clock, calls = FakeClock(), []

    measure(openers(clock, calls, a=1, b=1), 2, Plan(1, 2, 0), clock)

    assert calls == [
        ("a", 0), ("a", 0), ("b", 0), ("b", 0),
        ("b", 1), ("b", 1), ("a", 1), ("a", 1),
    ]  # fmt: skip


def test_only_the_timed_call_after_the_warm_up_is_kept():
    clock, calls = FakeClock(), []
    plan = Plan(openings=2, iterations=3, warmup=4)

    samples = measure(openers(clock, calls, a=10, b=30), 2, plan, clock)

    assert len(samples) == 2 * 3 * 2
    assert len(calls) == 2 * plan.rounds * 2
    assert {(sample.subject, sample.ns) for sample in samples} == {("a", 10), ("b", 30)}
    assert {(sample.opening, sample.round) for sample in samples} == {
        (opening, number) for opening in range(2) for number in range(3)
    }


def test_pairs_have_one_opening_round_and_image():
    clock = FakeClock()

    its = by_subject(measure(openers(clock, [], a=1, b=2), 3, Plan(2, 5, 1), clock))

    keys = [[(s.opening, s.round, s.image) for s in its[name]] for name in ("a", "b")]
    assert keys[0] == keys[1]
    assert {image for _, _, image in keys[0]} == {0, 1, 2}


def test_one_opening_is_gone_before_the_next_begins():
    alive = weakref.WeakSet()
    seen = []

    class Session:
        def __call__(self, image):
            pass

    def opener():
        seen.append(len(alive))
        session = Session()
        alive.add(session)
        return session

    measure({"a": opener, "b": opener}, 1, Plan(3, 1, 0))

    assert seen == [0, 1] * 3
    gc.collect()
    assert not alive


def test_wall_and_cpu_time_are_told_apart():
    clock = FakeClock()
    waits = {"a": lambda: lambda image: clock.spend(wall=100, cpu=40)}

    (sample,) = measure(waits, 1, Plan(1, 1, 0), clock)

    assert (sample.ns, sample.cpu_ns) == (100, 40)


def test_progress_counts_every_round():
    rounds = []
    plan = Plan(2, 3, 1)

    measure({"a": lambda: lambda image: None}, 1, plan, on_round=lambda: rounds.append(1))

    assert len(rounds) == plan.rounds == 8


def test_a_subject_that_fails_ends_the_measurement():
    def broken():
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        measure({"a": broken}, 1, Plan(1, 1, 0))


def test_the_harness_measures_itself():
    assert harness_overhead(FakeClock(tick=7), calls=5) == [7] * 5
    assert len(harness_overhead(calls=11)) == 11


def test_a_slowed_subject_shows_up_in_the_ratio():
    clock = FakeClock()
    costs = {"dispatcher": 1000, "static": 1000, "all-experts": 1900, "gather": 1100, "eager": 1800}

    fair = measure(openers(clock, [], **costs), 4, Plan(3, 8, 1), clock)
    slowed = measure(openers(clock, [], **costs | {"dispatcher": 1100}), 4, Plan(3, 8, 1), clock)

    def ratio(samples, above, below):
        its = by_subject(samples)
        sides = ([sample.ns for sample in its[name]] for name in (above, below))
        return paired_ratio(*sides, [sample.opening for sample in its[above]]).value

    assert ratio(fair, "dispatcher", "static") == pytest.approx(1.0)
    assert ratio(slowed, "dispatcher", "static") == pytest.approx(1.1)
    assert ratio(fair, "all-experts", "dispatcher") == pytest.approx(1.9)
    assert ratio(slowed, "gather", "dispatcher") == pytest.approx(1.0)


def test_a_machine_that_slows_down_meanwhile_does_not_show_in_the_ratio():
    clock = FakeClock()
    pace = iter(range(1, 10_000))

    def opener(cost):
        return lambda: lambda image: clock.spend(cost * 10 * (1 + next(pace) // 20))

    its = by_subject(measure({"a": opener(3), "b": opener(2)}, 1, Plan(1, 50, 0), clock))
    first, second = ([sample.ns for sample in its[name]] for name in ("a", "b"))

    assert max(first) > 5 * min(first)
    assert paired_ratio(first, second).value == pytest.approx(1.5)
