"""How many rounds a repeat has."""

import itertools

import pytest

from mvmoe_bench.measure.jobs import latency
from mvmoe_bench.measure.schema.records import Preset


def preset(**fields):
    given = {
        "name": "p", "repeats": 1, "queries": 0, "seconds": 0.0, "most_seconds": 1e9, "warmup": 0,
        "starts": 0, "stream": 0, "cooldown": 0.0,
    }  # fmt: skip
    return Preset(**given | fields)


@pytest.fixture
def a_second_each(monkeypatch):
    """A clock on which a look takes a second."""
    ticks = itertools.count()
    monkeypatch.setattr(latency, "perf_counter", lambda: float(next(ticks)))


def test_rounds_are_those_of_the_warm_up_and_the_queries():
    assert list(latency.rounds(preset(warmup=2), 3)) == [-2, -1, 0, 1, 2]
    assert list(latency.rounds(preset(), 0)) == []


def test_queries_that_take_too_little_time_are_asked_again(a_second_each):
    assert len(list(latency.rounds(preset(seconds=8.0), 2))) > 2


def test_a_slow_machine_stops_early_but_not_before_the_first(a_second_each):
    assert list(latency.rounds(preset(most_seconds=0.5), 100)) == [0]
    assert len(list(latency.rounds(preset(most_seconds=9.0), 100))) < 100


def test_subjects_with_fewer_questions_begin_anew_together_with_the_others():
    natural, covering = ["a", "b", "c"], ["a", "b", "c", "X", "Y"]
    asked = [
        (latency.query_for_round(natural, number, 5), latency.query_for_round(covering, number, 5))
        for number in range(-2, 12)
    ]
    pairs = {pair for pair in asked if pair[1] not in "XY"}
    assert pairs == {("a", "a"), ("b", "b"), ("c", "c")}
    assert {pair[1] for pair in asked} == set(covering)
