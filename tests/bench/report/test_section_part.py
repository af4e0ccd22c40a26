"""A section is one part: another package's stands in everything that a report consists of."""

import io

import msgspec
import pytest
from rich.console import Console

from mvmoe_bench.report.compare import compare_runs
from mvmoe_bench.report.comparison import comparison_document
from mvmoe_bench.report.document import document
from mvmoe_bench.report.markdown import markdown
from mvmoe_bench.report.run_summary import summarize_run
from mvmoe_bench.report.section_part import section_parts
from mvmoe_bench.report.subjects import UNKNOWN, look_of
from mvmoe_bench.report.terminal_report import show_summary

CODE = '''
"""How many answers took more than twice the median."""

from mvmoe_bench.report import columns
from mvmoe_bench.report.blocks import Tile
from mvmoe_bench.report.section_part import ComparedKind, Point, SectionPart, View


def figures(index):
    return {key: len(its) for key, its in index.samples.items()} or None


def view(summary, found):
    subject = columns.text("subject", lambda key, _: key, brief=True)
    answers = columns.count("answers", lambda _, n: n, brief=True)
    return View((columns.table("Answers", found.items(), subject, answers),))


def rows(one, two, judge):
    return [judge.row(key, (None, None)) for key in ()]


PART = SectionPart(
    name="answers",
    title="Answers counted",
    order=150,
    figures=figures,
    view=view,
    sentences=lambda _, found: [Point(topic="Counts", text=f"{sum(found.values())} answers.")],
    tiles=lambda _, found: [Tile("answers", str(sum(found.values())), "", "counted")],
    warnings=lambda found: ["counted by a plug-in"],
    compared=(ComparedKind("answers", "Answers", "Counted.", rows),),
    terms=(("answer", "What a subject gives."),),
)
'''


@pytest.fixture
def run(factory, plug_in):
    plug_in("counting", CODE, '[mvmoe.parts]\n"sections.answers" = counting\n'.replace('"', ""))
    s = factory.subject("dispatcher")
    return factory.run([s], lines=factory.constant(s.key, 8.0, repeats=6, rounds=2))


def test_a_plug_ins_section_is_in_page_summary_terminal_and_glossary(run):
    summary = summarize_run(run)
    made = document(summary)
    out = io.StringIO()
    show_summary(Console(file=out, width=120), summary)

    names = [section.id for section in made.sections]
    assert names.index("latency") < names.index("answers")
    assert msgspec.to_builtins(summary)["sections"]["answers"] == {"dispatcher:digits:onnx": 12}
    assert ("Counts", "12 answers.") in made.summary
    assert "counted by a plug-in" in made.alerts
    assert "answers" in [tile.label for tile in made.tiles]
    assert ("answer", "What a subject gives.") in made.sections[-1].blocks[0].pairs
    assert "| dispatcher:digits:onnx | 12 |" in markdown(made)
    assert "dispatcher:digits:onnx       12" in out.getvalue()


def test_a_plug_ins_section_is_in_a_comparison(run):
    found = compare_runs(run, run)

    assert "answers" not in found.rows
    assert comparison_document(found, run.path, run.path).sections[0].id == "latency"


def test_sections_have_orders_of_their_own_and_are_called_like_their_folders():
    parts = section_parts()

    assert len({part.order for part in parts}) == len(parts)
    assert all(part.title and callable(part.view) for part in parts)


def test_a_subject_that_is_not_installed_is_shown_plainly(factory):
    assert look_of("somebodys-subject") is UNKNOWN
    assert look_of("<script>") is UNKNOWN
    s = factory.subject("somebodys-subject")
    summary = summarize_run(factory.run([s], lines=factory.constant(s.key, 8.0)))

    assert "with somebodys-subject" in summary.headline()[0].text
