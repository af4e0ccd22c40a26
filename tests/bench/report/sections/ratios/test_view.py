"""Key figures and advice on what routing costs, in a reader's words."""

import pytest

from mvmoe_bench.report.document import document
from mvmoe_bench.report.run_summary import summarize_run

QUESTION = "What does routing cost?"


def made(factory, times, repeats=6):
    """Subjects that take so many milliseconds, each repeat half a per cent more."""
    subjects = {name: factory.subject(name) for name in times}
    lines = [
        factory.sample(subjects[name].key, ms, repeat, number)
        for name, ms in times.items()
        for repeat in range(repeats)
        for number in range(10)
    ]
    return document(summarize_run(factory.run(subjects.values(), lines=lines)))


def test_the_tiles_say_what_routing_and_tracing_cost(factory):
    report = made(factory, {"dispatcher": 1.07, "static": 1.0, "all-experts": 1.391})
    tiles = {tile.label: (tile.value, tile.unit, tile.note) for tile in report.tiles}
    assert tiles["routing costs"] == (
        "7.00%", "more",
        "than one graph that knows the expert beforehand; 95%: 7.00% to 7.00%, n = 60 rounds",
    )  # fmt: skip
    assert tiles["tracing would cost"][:2] == ("30.0%", "more")
    assert dict(report.recommendations)[QUESTION] == (
        "Routing costs 7.00% more time than one graph that knows the expert beforehand (95%: 7.00% "
        "to 7.00%); tracing would cost 30.0% more time than routing, since it computes every "
        "expert (95%: 30.0% to 30.0%)."
    )


@pytest.mark.parametrize(
    ("static", "shown"), [(1.0, ("nothing", "that could be told apart")), (2.0, ("50.0%", "less"))]
)
def test_a_difference_may_be_none_or_in_favour(factory, static, shown):
    report = made(factory, {"dispatcher": 1.0, "static": static})
    (tile,) = [tile for tile in report.tiles if tile.label == "routing costs"]
    assert (tile.value, tile.unit) == shown


def test_few_repeats_give_no_advice(factory):
    report = made(factory, {"dispatcher": 1.07, "static": 1.0}, repeats=3)
    assert dict(report.recommendations)[QUESTION] == (
        "That cannot be said from 3 repeats, and a verdict needs six."
    )
