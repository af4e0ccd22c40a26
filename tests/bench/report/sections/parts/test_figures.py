"""Where the time goes: a part that is slow must show up as that part."""

import pytest

from mvmoe_bench.report.run_summary import summarize_run


def _parts(factory, **laps):
    s = factory.subject("dispatcher")
    lines = factory.constant(s.key, 9.0, routes=((0,),), laps=factory.laps(**laps))
    return summarize_run(factory.run([s], lines=lines)).sections["parts"][s.key]


def test_medians_and_shares(factory):
    found = _parts(factory, stem=5.0, select=0.5, load=0.5, expert=3.0, rest=1.0)

    assert [part.name for part in found.parts] == ["stem", "select", "load", "expert", "rest"]
    assert [part.share.value for part in found.parts] == pytest.approx([0.5, 0.05, 0.05, 0.3, 0.1])
    assert found.total_ms.value == pytest.approx(10)
    assert found.router_share.value == pytest.approx(0.05)
    assert found.by_stage == ()


@pytest.mark.parametrize("slow", ["stem", "select", "load", "expert", "rest"])
def test_a_slow_part_dominates(factory, slow):
    found = _parts(factory, **{slow: 40.0})

    most = max(found.parts, key=lambda part: part.share.value)
    assert most.name == slow
    assert most.share.value > 0.8


def test_several_stages_are_kept_apart_and_summed(factory):
    s = factory.subject("dispatcher")
    laps = factory.laps(stem=4.0, select=0.0, load=0.0, expert=(1.0, 3.0), rest=0.0, stages=2)
    lines = factory.constant(s.key, 8.0, routes=((0,), (1,)), laps=laps)

    run = factory.run([s], [factory.bundle(stages=2)], lines)
    found = summarize_run(run).sections["parts"][s.key]

    assert {part.name: part.ms.value for part in found.parts}["expert"] == pytest.approx(4)
    experts = [part.ms.value for part in found.by_stage if part.name == "expert"]
    assert experts == pytest.approx([1, 3])


def test_parts_sum_and_shares_have_intervals_over_repeats(factory):
    s = factory.subject("dispatcher")
    lines = [
        factory.sample(
            s.key, 9.0, repeat, number, routes=((0,),),
            laps=factory.laps(
                stem=5.0 + repeat, select=0.0, load=0.0, expert=5.0 + repeat, rest=0.0
            ),
        )
        for repeat in range(6)
        for number in range(4)
    ]  # fmt: skip

    found = summarize_run(factory.run([s], lines=lines)).sections["parts"][s.key]

    stem = found.parts[0]
    assert (stem.ms.n, stem.ms.repeats) == (24, 6)
    assert stem.ms.low < stem.ms.value < stem.ms.high
    assert found.total_ms.low == pytest.approx(2 * stem.ms.low)
    assert (stem.share.low, stem.share.high) == pytest.approx((0.5, 0.5))
