"""Changes of expert: what the second of two answers takes more."""

import pytest

from mvmoe_bench.report.document import document
from mvmoe_bench.report.run_summary import summarize_run


@pytest.fixture
def key(factory):
    return factory.subject("dispatcher").key


def _changes(factory, lines):
    return summarize_run(factory.run([factory.subject("dispatcher")], lines=lines))


def _pairs(factory, key, **fields):
    """Six repeats of pairs, whose second answers take 0.2 ms more to load and 0.3 ms to run."""
    return [
        factory.change(
            key,
            factory.laps(stem=stem),
            factory.laps(stem=stem, load=0.25, expert=2.3),
            repeat,
            number,
            **fields,
        )
        for repeat in range(6)
        for number, stem in enumerate((5.0, 80.0, 5.5))
    ]


def test_a_change_is_what_the_second_answer_takes_more(factory, key):
    (found,) = _changes(factory, _pairs(factory, key)).sections["change"]

    assert found.warm.value == found.step.value == pytest.approx(0.5)
    assert found.load.value == pytest.approx(200)
    assert (found.warm.n, found.warm.repeats) == (18, 6)
    assert found.first is found.dropped is found.over_read is None


def test_what_only_the_stem_takes_more_is_no_part_of_the_step(factory, key):
    lines = [
        factory.change(key, factory.laps(stem=5.0), factory.laps(stem=6.0, load=0.15), repeat)
        for repeat in range(6)
    ]
    (found,) = _changes(factory, lines).sections["change"]

    assert found.warm.value == pytest.approx(1.1)
    assert found.step.value == pytest.approx(0.1)


def test_first_changes_and_those_from_the_disk_are_figures_of_their_own(factory, key):
    lines = _pairs(factory, key)
    for repeat in range(6):
        same, load = factory.laps(), factory.laps(load=1.05)
        lines.append(factory.change(key, same, load, repeat, first=True))
        read = factory.laps(expert=5.0)
        lines.append(factory.change(key, same, read, repeat, dropped=True, read=2.0))
    (found,) = _changes(factory, lines).sections["change"]

    assert found.step.value == pytest.approx(0.5)
    assert found.first.value == pytest.approx(1.0)
    assert found.first_load.value == pytest.approx(1000)
    assert found.dropped.value == pytest.approx(3.0)
    assert found.read.value == pytest.approx(2.0)
    assert found.over_read.value == pytest.approx(1.5)


def test_room_for_fewer_experts_is_a_row_of_its_own(factory, key):
    lines = _pairs(factory, key) + _pairs(factory, key, budget=1)
    found = _changes(factory, lines).sections["change"]
    assert [row.room for row in found] == ["all", 1]


def test_pairs_that_do_not_fit_their_run_are_left_out(factory, key):
    lines = _pairs(factory, key)
    lines.append(factory.change(key, factory.laps(stages=2), factory.laps(stages=2)))
    assert _changes(factory, lines).skipped == 1


def test_a_sentence_and_a_table_say_it(factory, key):
    summary = _changes(factory, [*factory.constant(key, 8.0), *_pairs(factory, key)])
    text = " ".join(point.text for point in summary.headline())
    assert "A change of expert adds 0.5" in text
    (section,) = (each for each in document(summary).sections if each.id == "change")
    assert section.title == "A change of expert"
