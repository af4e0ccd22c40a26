"""The verdict stands in the page, the terminal, the JSON, and beside other runs'."""

import io

import msgspec
import pytest
from rich.console import Console

from mvmoe_bench.report.document import document
from mvmoe_bench.report.run_summary import summarize_run
from mvmoe_bench.report.side_by_side import side_by_side
from mvmoe_bench.report.terminal_report import show_summary

WHY = "60 of 1,024 samples; 6.00 of 60 s; temperature at entry not known"


@pytest.fixture
def short(factory):
    """Ten rounds in each of six processes of a second."""
    subject = factory.subject("dispatcher")
    lines = factory.constant(subject.key, 8.0)
    lines += [factory.timed(subject.key, seconds=1, repeat=repeat) for repeat in range(6)]
    return factory.run([subject], lines=lines)


def _section(made):
    (found,) = (section for section in made.sections if section.id == "verdict")
    return found


def _rows(section):
    table = section.blocks[0]
    titles = [column.title for column in table.columns]
    return [dict(zip(titles, row, strict=True)) for row in table.rows]


def test_the_page_has_the_verdict_its_reasons_the_limits_and_what_to_do(short):
    made = document(summarize_run(short))
    section = _section(made)

    assert section.lead.startswith("This run is not valid")
    (row,) = _rows(section)
    assert {name: cell.text for name, cell in row.items()} == {
        "subject": "dispatcher", "mode": "warm answers", "verdict": "not valid", "samples": "60",
        "duration": "6.00 s", "variation": "0%", "cache": "warm", "temperature": "not known",
        "why": WHY,
    }  # fmt: skip
    assert (row["verdict"].tone, row["samples"].tone, row["cache"].tone) == ("bad", "bad", "good")
    limits, todo = section.blocks[2:]
    assert limits.paragraphs[0] == "Samples: 1,024 answers or more; from 256 on semi-valid."
    assert todo.paragraphs[0] == "To do: give --preset rigorous, which lasts longest."
    (said,) = (text for topic, text in made.summary if topic == "Verdict")
    assert said.startswith(f"Warm answers: not valid: {WHY}. To do: give --preset rigorous")


def test_the_terminal_prints_verdict_and_reasons(short):
    out = io.StringIO()
    show_summary(Console(file=out, width=200, highlight=False), summarize_run(short))

    lines = [" ".join(line.split()) for line in out.getvalue().splitlines()]
    assert f"dispatcher warm answers not valid {WHY}" in lines
    assert any(line.startswith(f"Warm answers: not valid: {WHY}.") for line in lines)


def test_the_json_has_every_finding(short):
    found = msgspec.to_builtins(summarize_run(short).with_headline("r.jsonl"))["sections"][
        "verdict"
    ]

    assert found["verdict"] == "not valid"
    (run,) = found["runs"]
    assert (run["subject"], run["mode"], run["verdict"]) == (
        "dispatcher:digits:onnx", "warm answers", "not valid",
    )  # fmt: skip
    values = {it["criterion"]: (it["leaves"], it["value"]) for it in run["findings"]}
    assert values == {
        "samples": ("not valid", 60), "duration": ("not valid", pytest.approx(6)),
        "variation": ("valid", 0), "cache": ("valid", "warm"), "temperature": ("semi-valid", None),
    }  # fmt: skip


def test_a_run_without_answers_has_none(factory):
    summary = summarize_run(factory.run([factory.subject("dispatcher")]))

    assert "verdict" not in summary.sections
    assert "a verdict on the run" in document(summary).foot


def test_runs_side_by_side_have_their_verdicts(factory, short):
    subject = factory.subject("dispatcher")
    phone = factory.run(
        [subject], lines=factory.constant(subject.key, 80.0, rounds=200), device="android",
        identity={"model": "Phone 9"},
    )  # fmt: skip

    rows = _rows(_section(side_by_side([short, phone])))

    assert [(row["device"].text, row["verdict"].text) for row in rows] == [
        ("host", "not valid"), ("Phone 9", "semi-valid"),
    ]  # fmt: skip
