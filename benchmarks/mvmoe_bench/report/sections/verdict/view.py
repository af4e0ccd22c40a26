"""The verdict on each subject in each mode, why, and what to do."""

from collections.abc import Callable, Iterator, Sequence

from mvmoe_bench.report import columns
from mvmoe_bench.report.blocks import Cell, TableBlock, Text, Tone, text
from mvmoe_bench.report.run_summary import Summary
from mvmoe_bench.report.section_part import Point, View
from mvmoe_bench.report.sections.verdict.figures import RunVerdict
from mvmoe_bench.report.validity import JudgedRun, Validity, thresholds

_TONES: dict[Validity, Tone] = {"valid": "good", "semi-valid": "", "not valid": "bad"}


def view(summary: Summary, found: RunVerdict) -> View:
    """A row for each subject in each mode, the limits, and what to do."""
    limits = Text(tuple(f"{limit[0].upper()}{limit[1:]}." for limit in thresholds()), listed=True)
    todo = Text(tuple(f"To do: {each}." for each in remedies(found.runs)), listed=True)
    blocks = (_table(summary, found), Text(("What is asked for:",)), limits)
    return View(
        (*blocks, todo) if todo.paragraphs else blocks,
        f"This run is {found.verdict}: the weakest of the verdicts below. They say whether there "
        "is enough to go by, not whether the answers are right or the model is fast.",
    )


def remedies(runs: Sequence[JudgedRun]) -> tuple[str, ...]:
    """What to do for better verdicts, each once."""
    return tuple(dict.fromkeys(it.remedy for run in runs for it in run.missed))


def verdict_cell(run: JudgedRun) -> Cell:
    """The verdict, in its tone."""
    return text(run.verdict, _TONES[run.verdict])


def _table(summary: Summary, found: RunVerdict) -> TableBlock:
    """All of them, with what was found of each criterion."""
    criteria = dict.fromkeys(it.criterion for run in found.runs for it in run.findings)
    return columns.table(
        "Verdicts",
        ((run,) for run in found.runs),
        columns.text("subject", lambda run: summary.names[run.subject], brief=True),
        columns.text("mode", lambda run: run.mode, brief=True),
        columns.text("verdict", verdict_cell, brief=True),
        *(columns.text(criterion, _cell_of(criterion)) for criterion in criteria),
        columns.text("why", lambda run: run.why, "What keeps it from being valid.", brief=True),
    )


def _cell_of(criterion: str) -> Callable[[JudgedRun], Cell]:
    """What was found of a criterion."""

    def cell(run: JudgedRun) -> Cell:
        (found,) = (it for it in run.findings if it.criterion == criterion)
        value = found.value if isinstance(found.value, int | float) else None
        return Cell(found.shown, value, _TONES[found.leaves])

    return cell


def sentences(summary: Summary, found: RunVerdict) -> Iterator[Point]:
    """What the main subject's figures are worth, and what to do."""
    runs = [run for run in found.runs if run.subject == summary.main]
    for run in runs:
        why = f": {run.why}" if run.why else f" ({'; '.join(it.text for it in run.findings)})"
        mode = f"{run.mode[0].upper()}{run.mode[1:]}"
        yield Point(topic="Verdict", text=f"{mode}: {run.verdict}{why}.")
    todo = remedies(runs)
    if todo:
        yield Point(topic="Verdict", text=f"To do: {'; '.join(todo)}.")
