"""Interleaving, rotation and what is timed, with a clock that the subjects move."""

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

from mvmoe_bench.measure.jobs import latency
from mvmoe_bench.measure.jobs.answer_timing import ClockReading, rotated, timed_call
from mvmoe_bench.measure.jobs.latency import Overhead
from mvmoe_bench.measure.schema.orders import Query
from mvmoe_bench.measure.subjects.contract import Subject
from mvmoe_bench.report.statistics import paired_ratio


class FakeClock:
    """Time that passes only when somebody says so."""

    def __init__(self):
        self.wall = self.cpu = 0

    def __call__(self):
        return ClockReading(self.wall, self.cpu)

    def spend(self, wall, cpu=None):
        self.wall += wall
        self.cpu += wall if cpu is None else cpu


class Fake(Subject):
    """Notes its calls and takes the time that `cost` gives."""

    def __init__(self, name, calls, clock, cost):
        self._name, self._calls, self._clock, self._cost = name, calls, clock, cost

    def answer(self, query):
        self._calls.append((self._name, query.image))
        self._clock.spend(self._cost())
        return np.zeros((1, 2))


class FakeSession:
    """One order at work; a subject that raises has failed."""

    def __init__(self):
        self.order = SimpleNamespace(job="latency:0", repeat=0)
        self.lines, self.failed = [], []

    def fields_of(self, subject):
        return {"job": "latency:0", "subject": subject.key, "repeat": 0}

    def emit(self, line):
        self.lines.append(line)

    def attempt(self, subject, work):
        try:
            return work()
        except OSError:
            self.failed.append(subject.key)
            return None


@pytest.fixture
def rounds(monkeypatch):
    """Runs rounds of subjects that take constant times, or what a function gives."""

    def run(numbers, images=2, clock=None, **costs):
        clock = clock or FakeClock()
        monkeypatch.setattr(
            latency, "timed_call", lambda call, query: timed_call(call, query, clock)
        )
        session, calls = FakeSession(), []
        queries = tuple(Query(image=image) for image in range(images))
        ready = {}
        for name, cost in costs.items():
            order = SimpleNamespace(key=name, queries=queries)
            takes = cost if callable(cost) else lambda cost=cost: cost
            ready[name] = (order, Fake(name, calls, clock, takes))
        for number in numbers:
            latency._round(session, ready, number, images)
        return session, calls

    return run


def times(session, name):
    return [line.ns for line in session.lines if line.subject == name]


def test_every_subject_stands_equally_often_at_each_place():
    orders = [rotated("abc", number) for number in range(-3, 3)]

    assert orders[3] == ["a", "b", "c"]
    assert orders[4] == ["b", "c", "a"]
    for place in range(3):
        assert Counter(order[place] for order in orders) == {"a": 2, "b": 2, "c": 2}


def test_subjects_take_turns_of_a_settling_and_a_timed_call(rounds):
    _, calls = rounds(range(2), a=1, b=1)

    assert calls == [
        ("a", 0), ("a", 0), ("b", 0), ("b", 0),
        ("b", 1), ("b", 1), ("a", 1), ("a", 1),
    ]  # fmt: skip


def test_only_the_timed_call_after_the_warm_up_is_kept(rounds):
    session, calls = rounds(range(-4, 3), a=10, b=30)

    assert len(session.lines) == 3 * 2
    assert len(calls) == 7 * 2 * 2
    assert {(line.subject, line.ns) for line in session.lines} == {("a", 10), ("b", 30)}
    assert {line.round for line in session.lines} == {0, 1, 2}


def test_pairs_have_one_round_and_image(rounds):
    session, _ = rounds(range(-1, 5), images=3, a=1, b=2)

    keys = [[(s.round, s.image) for s in session.lines if s.subject == name] for name in "ab"]
    assert sorted(keys[0]) == sorted(keys[1])
    assert {image for _, image in keys[0]} == {0, 1, 2}


def test_wall_and_cpu_time_are_told_apart():
    clock = FakeClock()

    spent = timed_call(lambda _: clock.spend(wall=100, cpu=40), None, clock)

    assert spent == ClockReading(wall=100, cpu=40)


def test_a_subject_that_fails_is_asked_no_more_and_the_others_go_on(rounds):
    def gone():
        raise OSError("gone")

    session, calls = rounds(range(3), a=gone, b=5)

    assert session.failed == ["a"]
    assert Counter(name for name, _ in calls) == {"a": 1, "b": 6}
    assert times(session, "b") == [5, 5, 5]


def test_timing_measures_itself():
    session = FakeSession()

    latency._measure_overhead(session)

    (line,) = session.lines
    assert isinstance(line, Overhead)
    assert line.n == 1001 and 0 < line.ns < 1_000_000


def test_a_slowed_subject_shows_up_in_the_ratio(rounds):
    costs = {"dispatcher": 1000, "static": 1000, "gather": 1100, "eager": 1800}

    fair, _ = rounds(range(-1, 8), images=4, **costs)
    slowed, _ = rounds(range(-1, 8), images=4, **costs | {"dispatcher": 1100})

    def ratio(session, above, below):
        return paired_ratio(times(session, above), times(session, below)).value

    assert ratio(fair, "dispatcher", "static") == pytest.approx(1.0)
    assert ratio(slowed, "dispatcher", "static") == pytest.approx(1.1)
    assert ratio(fair, "eager", "dispatcher") == pytest.approx(1.8)
    assert ratio(slowed, "gather", "dispatcher") == pytest.approx(1.0)


def test_a_machine_that_slows_down_meanwhile_does_not_show_in_the_ratio(rounds):
    pace = iter(range(1, 10_000))
    slow = {
        name: lambda cost=cost: cost * 10 * (1 + next(pace) // 20)
        for name, cost in (("a", 3), ("b", 2))
    }

    session, _ = rounds(range(50), images=1, **slow)
    first, second = times(session, "a"), times(session, "b")

    assert max(first) > 5 * min(first)
    assert paired_ratio(first, second).value == pytest.approx(1.5)
