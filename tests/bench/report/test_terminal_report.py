"""What is printed for a person."""

import io

from rich.console import Console

from mvmoe_bench.measure.schema import records
from mvmoe_bench.report.run_summary import summarize_run
from mvmoe_bench.report.terminal_report import show_summary


def _shown(run):
    out = io.StringIO()
    show_summary(Console(file=out, width=160, highlight=False, markup=False), summarize_run(run))
    return out.getvalue()


def test_all_tables(factory):
    text = _shown(factory.lifelike(repeats=6, rounds=8))

    for title in (
        "Latency in milliseconds",
        "Ratios of latency",
        "Parts of an answer",
        "Memory of",
        "room for experts",
        "Start in milliseconds",
    ):
        assert title in text
    assert "dispatcher / static" in text
    assert "An image takes" in text


def test_failures_come_first_and_names_are_not_markup(factory):
    s = factory.subject("dispatcher", key="[red]x[/nothing]")
    lines = factory.constant(s.key, 8.0)
    lines.append(records.Failure(job="x", subject=s.key, message="no \x1b[2J [bold]engine"))

    text = _shown(factory.run([s], lines=lines))

    assert text.startswith("failed: [red]x[/nothing]: no  [2J [bold]engine")
    assert "\x1b" not in text


def test_an_empty_run(factory):
    assert "no latency measurements" in _shown(factory.run([factory.subject("dispatcher")]))
