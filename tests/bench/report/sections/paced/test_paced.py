"""Frames at a fixed rate: percentiles, the ratio to warm answers, and frames without an answer."""

import pytest

from mvmoe_bench.report.document import document
from mvmoe_bench.report.run_summary import summarize_run
from mvmoe_bench.report.side_by_side import side_by_side


@pytest.fixture
def subject(factory):
    return factory.subject("dispatcher")


def _run(factory, subject, ms=12.0, skipped=(), **fields):
    """Six processes of a hundred frames; warm answers take 8 ms, those to frames `ms` and more."""
    lines = factory.constant(subject.key, 8.0)
    lines += [
        factory.paced(subject.key, frame, ms + frame / 100, repeat, late=0.5)
        for repeat in range(6)
        for frame in range(100)
        if frame not in skipped
    ]
    return factory.run([subject], lines=lines, **fields)


def _section(made):
    (found,) = (section for section in made.sections if section.id == "paced")
    return found


def _row(section):
    table = section.blocks[-1]
    titles = [column.title for column in table.columns]
    (row,) = table.rows
    return dict(zip(titles, (cell.text for cell in row), strict=True))


def test_percentiles_and_the_ratio_to_warm_answers(factory, subject):
    made = document(summarize_run(_run(factory, subject)))

    row = _row(_section(made))
    wanted = {
        "frames a second": "30", "p50": "12.5", "p90": "12.9", "p95": "12.9", "p99": "13.0",
        "over warm": "1.56", "seen p90": "13.4", "missed": "0%", "n": "600", "repeats": "6",
    }  # fmt: skip
    assert {name: row[name] for name in wanted} == wanted
    assert "dispatcher 1.56 times" in _section(made).blocks[0].label
    (speed,) = (text for topic, text in made.summary if topic == "Speed")
    assert (
        "At 30 frames a second an answer takes 12.5 ms at the median (95%: 12.5 to 12.5), 1.56 "
        "times what a warm one takes (95%: 1.56 to 1.56)." in speed
    )


def test_frames_without_an_answer_are_a_share_of_those_that_came(factory, subject):
    """Those after the last answer are nobody's: the time was over."""
    run = _run(factory, subject, skipped=(10, 11, 12, 13, 14, 98, 99))

    found = summarize_run(run).sections["paced"][subject.key]
    made = document(summarize_run(run))

    assert found.missed == pytest.approx(5 / 98)
    (speed,) = (text for topic, text in made.summary if topic == "Speed")
    assert "; 5.1% of the frames had no answer" in speed


def test_without_warm_answers_there_is_no_ratio(factory, subject):
    lines = [factory.paced(subject.key, frame, 9.0) for frame in range(20)]
    summary = summarize_run(factory.run([subject], lines=lines))

    assert summary.sections["paced"][subject.key].over_warm is None
    (table,) = _section(document(summary)).blocks
    assert table.caption.startswith("Milliseconds of an answer")


def test_what_is_not_told_apart_is_called_so(factory, subject):
    lines = [factory.sample(subject.key, 8 + repeat / 10, repeat, n)
             for repeat in range(6) for n in range(10)]  # fmt: skip
    lines += [factory.paced(subject.key, n, 8 + repeat / 10, repeat)
              for repeat in range(6) for n in range(10)]  # fmt: skip
    made = document(summarize_run(factory.run([subject], lines=lines)))

    (speed,) = (text for topic, text in made.summary if topic == "Speed")
    assert "not told apart from warm answers" in speed


def test_lines_that_cannot_be_true_are_left_out_and_counted(factory, subject):
    lines = [factory.paced(subject.key, 0, 0.0), factory.paced(subject.key, 1, 9.0),
             factory.timed(subject.key, seconds=0)]  # fmt: skip
    summary = summarize_run(factory.run([subject], lines=lines))

    assert summary.skipped == 2
    assert summary.sections["paced"][subject.key].answer_ms.n == 1


def test_devices_stand_side_by_side(factory, subject):
    phone = _run(factory, subject, 20.0, device="android", identity={"model": "Phone 9"})
    rows = _section(side_by_side([_run(factory, subject), phone])).blocks[0].rows

    assert [(row[0].text, row[1].text, row[2].text) for row in rows] == [
        ("host", "dispatcher", "30"), ("Phone 9", "dispatcher", "30"),
    ]  # fmt: skip
