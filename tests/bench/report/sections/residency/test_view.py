"""How many experts to keep, in one sentence with its figures."""

import pytest

from mvmoe_bench.report.run_summary import summarize_run

KEY = "dispatcher:digits:onnx"


def said(factory, slow, *, megabytes=None, repeats=6):
    """By room for experts the milliseconds of a tenth of all answers, and MB held."""
    lines = [
        factory.stream(KEY, room, number, ms if number % 10 == 0 else 0.2, repeat)
        for room, ms in slow.items()
        for repeat in range(repeats)
        for number in range(40)
    ]
    for room, held in (megabytes or {}).items():
        lines += [factory.memory(KEY, room, i, base=0, added=held * 1e6, files=0) for i in range(6)]
    lines += factory.constant(KEY, 0.2)
    points = summarize_run(factory.run([factory.subject("dispatcher")], lines=lines))
    return {p.topic: p.text for p in points.recommendations()}["How many experts to keep?"]


def test_all_are_kept_where_fewer_cost_much(factory):
    text = said(factory, {1: 9.0, 2: 8.1, 4: 0.4}, megabytes={1: 33.0, 2: 34.0, 4: 35.7})
    assert text == (
        "Keep 4 experts in memory: 2 experts would save 1.70 MB and cost 8.10 instead of 0.400 ms "
        "at p95."
    )


def test_fewer_are_kept_where_they_cost_little(factory):
    text = said(factory, {1: 9.0, 2: 0.45, None: 0.4}, megabytes={1: 33.0, 2: 34.0, None: 36.0})
    assert text == (
        "Keep 2 experts in memory: one expert would save 1.00 MB and cost 9.00 instead of 0.450 ms "
        "at p95; all experts would take 2.00 MB more and cost 0.400 instead of 0.450 ms at p95."
    )


@pytest.mark.parametrize(("megabytes", "change"), [(None, "cost"), ({1: 3.0, 2: 3.0}, "save no")])
def test_memory_that_is_not_known_or_the_same_is_not_called_saved(factory, megabytes, change):
    text = said(factory, {1: 9.0, 2: 0.4}, megabytes=megabytes)
    assert text.startswith(f"Keep 2 experts in memory: one expert would {change} ")


def test_nothing_is_said_from_few_repeats(factory):
    assert said(factory, {1: 9.0, 2: 0.4}, repeats=3) == (
        "That cannot be said from 3 processes: it takes six, and twenty answers."
    )
