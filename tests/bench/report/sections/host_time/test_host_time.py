"""Host time: what a product's answers take above its graphs alone."""

import pytest

from mvmoe_bench.report.run_summary import summarize_run


def _summary(factory, times, **run):
    lines = [line for s, ms in times.items() for line in factory.constant(s.key, ms)]
    return summarize_run(factory.run(list(times), lines=lines, **run))


def test_it_is_the_difference_in_microseconds(factory):
    dispatcher, bare = factory.subject("dispatcher"), factory.subject("bare")

    (found,) = _summary(factory, {dispatcher: 10.0, bare: 9.75}).sections["host-time"]

    assert (found.subject, found.floor) == (dispatcher.key, bare.key)
    assert found.us.value == pytest.approx(250)
    assert (found.us.n, found.us.repeats) == (60, 6)


def test_differences_are_of_one_round(factory):
    """What slows a round for both is in neither."""
    dispatcher, bare = factory.subject("dispatcher"), factory.subject("bare")
    lines = []
    for repeat in range(6):
        for number, slow in enumerate([0.0, 5.0, 90.0, 1.0]):
            lines.append(factory.sample(bare.key, 8.0 + slow, repeat, number))
            lines.append(factory.sample(dispatcher.key, 8.1 + slow, repeat, number))
    run = factory.run([dispatcher, bare], lines=lines)

    (found,) = summarize_run(run).sections["host-time"]

    assert found.us.value == found.us.low == found.us.high == pytest.approx(100)


def test_other_engines_and_subjects_are_not_subtracted(factory):
    subjects = [
        factory.subject("dispatcher"),
        factory.subject("bare", target="executorch"),
        factory.subject("static"),
    ]

    assert "host-time" not in _summary(factory, dict.fromkeys(subjects, 5.0)).sections


def test_a_sentence_says_it(factory):
    times = {factory.subject("dispatcher"): 10.0, factory.subject("bare"): 9.75}
    text = " ".join(point.text for point in _summary(factory, times).headline())
    assert "Above its graphs alone an image takes 250" in text
