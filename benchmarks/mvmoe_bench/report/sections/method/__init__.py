"""The section on the method: where, how and with what it was measured."""

from mvmoe_bench.report.index import Index
from mvmoe_bench.report.section_part import SectionPart
from mvmoe_bench.report.sections.method.view import view


def notes(index: Index) -> tuple[str, ...]:
    """What was left out and why; all else is in every summary."""
    return index.run.notes


PART = SectionPart(
    name="method",
    title="How this was measured",
    order=1300,
    figures=notes,
    view=view,
    missing="method",
    terms=(
        ("subject", "One thing that is measured: a way to answer images with one engine."),
        ("repeat", "One process, in which everything is opened again."),
        ("95% interval", "Made so that in 95 of 100 runs like this the true value lies in it."),
        ("rough", "Fewer than six repeats: the interval is too narrow on average, and nothing is "
         "concluded from it. If there were no difference, all of five repeats would lie on the "
         "same side in 6% of such runs, all of six in 3%."),
        ("not told apart", "The interval holds 'no difference': the run cannot say who is faster."),
        ("n", "How many answers, rounds or processes a number comes from."),
    ),
)  # fmt: skip
