"""Where the time goes: a part that is slow must show up as that part."""

import pytest

from mvmoe_bench.figures import summarize_run


def _parts(factory, **laps):
    s = factory.subject("dispatcher")
    lines = factory.constant(s.key, 9.0, routes=((0,),), laps=factory.laps(**laps))
    return summarize_run(factory.run([s], lines=lines)).subject(s.key).parts


def test_medians_and_shares(factory):
    found = _parts(factory, stem=5.0, select=0.5, load=0.5, expert=3.0, rest=1.0)

    assert [part.name for part in found.parts] == ["stem", "select", "load", "expert", "rest"]
    assert [part.share for part in found.parts] == pytest.approx([0.5, 0.05, 0.05, 0.3, 0.1])
    assert found.total_ms == pytest.approx(10)
    assert found.router_share == pytest.approx(0.05)
    assert found.by_stage == ()


@pytest.mark.parametrize("slow", ["stem", "select", "load", "expert", "rest"])
def test_a_slow_part_dominates(factory, slow):
    found = _parts(factory, **{slow: 40.0})

    most = max(found.parts, key=lambda part: part.share)
    assert most.name == slow
    assert most.share > 0.8


def test_several_stages_are_kept_apart_and_summed(factory):
    s = factory.subject("dispatcher")
    laps = factory.laps(stem=4.0, select=0.0, load=0.0, expert=(1.0, 3.0), rest=0.0, stages=2)
    lines = factory.constant(s.key, 8.0, routes=((0,), (1,)), laps=laps)

    run = factory.run([s], [factory.bundle(stages=2)], lines)
    found = summarize_run(run).subject(s.key).parts

    assert {part.name: part.median_ms for part in found.parts}["expert"] == pytest.approx(4)
    experts = [part.median_ms for part in found.by_stage if part.name == "expert"]
    assert experts == pytest.approx([1, 3])
