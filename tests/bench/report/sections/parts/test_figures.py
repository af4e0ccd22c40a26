"""Where the time goes: a part that is slow must show up as that part."""

import pytest

from mvmoe_bench.report.run_summary import summarize_run
from mvmoe_deploy.picture_look import LIGHT


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


def test_decoding_and_resizing_are_parts_of_the_whole(factory, shown, bars):
    s = factory.subject("dispatcher")
    laps = factory.laps(stem=5.0, select=0.5, load=0.5, expert=3.0, rest=1.0)
    lines = factory.constant(s.key, 9.0, routes=((0,),), laps=laps)
    lines += [factory.prepared(s.key, 7.0, 3.0, i, n) for i in range(6) for n in range(4)]
    run = factory.run([s], lines=lines)

    found = summarize_run(run).sections["parts"][s.key]
    assert [part.name for part in found.parts][:3] == ["decode", "resize", "stem"]
    assert (found.total_ms.value, found.before_ms.value) == pytest.approx((20, 10))
    assert (found.n, found.pictures) == (60, 24)

    section = shown(run, "parts")
    rows = {row["part"]: row for row in section.rows()}
    assert (rows["decode"]["median ms"], rows["decode"]["share"]) == ("7.00", "35.0%")
    assert (rows["resize"]["median ms"], rows["resize"]["n"]) == ("3.00", "24")
    assert (rows["stem"]["share"], rows["stem"]["n"]) == ("25.0%", "60")
    drawn = [(left, width, colour) for left, width, _, _, colour in bars(section.axes()[0])]
    assert drawn[:3] == [(0, 7, LIGHT["c5"]), (7, 3, LIGHT["c7"]), (10, 5, LIGHT["c1"])]
    assert "not measured" not in section.lead


def test_the_advice_names_the_largest_part_and_what_the_image_costs(factory):
    def said(**prepared):
        s = factory.subject("dispatcher")
        laps = factory.laps(stem=5.0, select=0.5, load=0.5, expert=3.0, rest=1.0)
        lines = factory.constant(s.key, 9.0, routes=((0,),), laps=laps)
        if prepared:
            lines += [factory.prepared(s.key, repeat=i, **prepared) for i in range(6)]
        points = summarize_run(factory.run([s], lines=lines)).recommendations()
        return {point.topic: point.text for point in points}["Where does the time go?"]

    stem = "What every image runs (the stem) takes most of it, "
    assert said() == stem + "50.0% (95%: 50.0% to 50.0%)."
    assert said(decode=0.5, resize=0.25) == (
        stem + "46.5% (95%: 46.5% to 46.5%); decoding and resizing the image take 0.750 ms."
    )
    assert said(decode=20.0, resize=10.0) == (
        "Reading and decoding the image takes most of it, 50.0% (95%: 50.0% to 50.0%); with "
        "resizing it is 30.0 of 40.0 ms."
    )
