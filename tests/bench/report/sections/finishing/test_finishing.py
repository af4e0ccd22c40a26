"""Images that end at different stages: shares, times, the sentence, and expected latency."""

import pytest

from mvmoe_bench.report.run_summary import summarize_run

KEY = "dispatcher:digits:onnx"
TIMES = {0: 2.0, 1: 5.0, 2: 11.0}
"""Milliseconds of the whole answer by the stage that ran last."""

ROUTES = {0: ((0,), ()), 1: ((1,), (0,)), 2: ((1,), (1,))}
"""Expert 0 of either stage ends the image."""


def summary(factory, counts, repeats=6, **bundle):
    """A run in which `counts` images of each round end at each stage."""
    lines = []
    for repeat in range(repeats):
        ends = [last for last, count in counts.items() for _ in range(count)]
        for number, last in enumerate(ends):
            expert = tuple(3.0 if stage <= last else 0.0 for stage in (1, 2))
            laps = factory.laps(stem=1.0, select=(0.5, 0.5 * (last > 0)), load=(0, 0),
                                expert=expert, rest=0.5)  # fmt: skip
            lines.append(
                factory.sample(KEY, TIMES[last], repeat, number, routes=ROUTES[last], laps=laps)
            )
    run = factory.run([factory.subject("dispatcher")], [factory.bundle(stages=2, **bundle)], lines)
    return summarize_run(run)


def test_each_stage_has_its_share_and_its_time(factory):
    rows = summary(factory, {0: 6, 1: 3, 2: 1}).sections["finishing"][KEY]
    assert [(row.stage, row.share, row.total_ms.value) for row in rows] == [
        (0, pytest.approx(0.6), 2.0),
        (1, pytest.approx(0.3), 5.0),
        (2, pytest.approx(0.1), 11.0),
    ]
    assert [row.total_ms.n for row in rows] == [36, 18, 6]


def test_where_all_images_run_all_stages_there_is_no_such_section(factory):
    assert "finishing" not in summary(factory, {2: 4}).sections


def test_a_sentence_says_how_many_end_first(factory):
    text = " ".join(point.text for point in summary(factory, {0: 6, 1: 3, 2: 1}).headline())
    assert "60% of the images are finished at the stem (2" in text
    assert "those that go on to routed stage 2 take 11" in text


def test_the_expected_latency_counts_a_stage_for_the_images_that_reach_it(factory):
    found = summary(factory, {0: 6, 1: 3, 2: 1}).sections["routes"][KEY]
    (expected,) = found.expected
    # Stem and rest; all select once; 40% run stage 1 and select at stage 2; 10% run stage 2.
    assert expected.ms.value == pytest.approx(1.5 + 0.5 + 0.4 * (3 + 0.5) + 0.1 * 3)
    assert {(row.stage, row.route) for row in found.rows} == {
        (0, (0,)), (0, (1,)), (1, (0,)), (1, (1,)),
    }  # fmt: skip
